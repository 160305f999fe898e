// The notation switch. Every formula is set already, in the book's notation; its forms in another one come from
// _static/math/PAGE.NAME.js (book/_ext/rnn_math.py). This runs in the head, before anything is drawn.
(() => {
  const KEY = "rnncourse-notation", NAMES = ["ng", "hifog", "ltm", "pytorch"], root = document.documentElement;
  const base = new URL("../math/", document.currentScript.src);
  const stored = () => {
    try { return NAMES.find((name) => name === localStorage.getItem(KEY)) || "ng"; } catch { return "ng"; }
  };
  const kept = (name) => { try { localStorage.setItem(KEY, name); } catch { /* private window: this page only */ } };
  const select = () => document.getElementById("notation-select");
  const ready = new Promise((done) => document.addEventListener("DOMContentLoaded", done));
  const forms = {}, loads = {}, own = new WeakMap(); // own: the formula's element, to the book's TeX and nodes
  window.rnnForms = (name, all) => { forms[name] = all; };
  let current, work = ready;

  // A script and not fetch, which cannot read from a disk.
  function load(name) {
    if (name === "ng" || !document.querySelector(`.math[data-form-${name}]`)) return undefined;
    return loads[name] ??= new Promise((done, failed) => {
      const script = document.createElement("script");
      script.src = new URL(`${DOCUMENTATION_OPTIONS.pagename}.${name}.js`, base);
      script.onload = done;
      script.onerror = () => { delete loads[name]; script.remove(); failed(); };
      document.head.append(script);
    });
  }

  function swap(name) {
    const holder = document.createElement("template");
    for (const host of document.querySelectorAll(".math:is([data-form-hifog], [data-form-ltm], [data-form-pytorch])")) {
      const now = host.querySelector(":scope > mjx-container");
      if (!own.has(host)) own.set(host, [host.dataset.tex, now]);
      let [tex, next] = own.get(host);
      const form = forms[name]?.[host.getAttribute(`data-form-${name}`) ?? -1];
      if (form) {
        [tex, holder.innerHTML] = form;
        next = holder.content.firstElementChild;
      }
      host.dataset.tex = tex;
      if (next !== now) now.replaceWith(next);
    }
  }

  // From the choice until the forms are there, no formula is seen (notation.css). Only the latest choice is shown.
  async function show(name) {
    await ready;
    try { await load(name); } catch { if (name === current) current = "ng"; }
    if (name !== current && current !== "ng") return;
    swap(current);
    root.dataset.notation = current;
    root.classList.remove("notation-wait");
    const box = select();
    if (box) box.value = current;
    dispatchEvent(new Event("notation")); // page.js: which formulas are wide now?
  }

  function choose(name, keep) {
    if (name === current || !NAMES.includes(name)) return work;
    current = root.dataset.notation = name;
    root.classList.add("notation-wait");
    if (keep) kept(name);
    return work = work.then(() => show(name)).then(() => {
      const box = select();
      if (box && current === name) box.parentElement.querySelector(".notation-said").textContent = said(box);
    });
  }

  function said(box) {
    // the page's own note: those of its sections are read where they stand
    const note = document.querySelector(`:not(section) > section > .notation-note[data-notation="${current}"]`);
    return `Notation: ${box.selectedOptions[0].text}. ${note?.textContent ?? ""}`.trim();
  }

  current = root.dataset.notation = stored();
  if (current !== "ng") {
    root.classList.add("notation-wait");
    work = show(current);
  }
  window.rnnNotation = { choose: (name) => choose(name, false), settled: () => work };
  addEventListener("storage", (event) => { if (event.key === KEY) choose(stored(), false); });
  addEventListener("pageshow", (event) => { if (event.persisted) choose(stored(), false); });
  ready.then(() => {
    const box = select();
    if (!box) return;
    box.value = current;
    box.addEventListener("change", () => choose(box.value, true));
  });
})();
