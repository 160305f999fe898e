// The notation switch. The forms of a formula are on its element (book/_ext/rnn_notation.py); this only picks one.
// It runs in the head, before anything is drawn: after Sphinx's settings for MathJax, and before MathJax itself.
(() => {
  const KEY = "rnncourse-notation", NAMES = ["ng", "hifog", "ltm", "pytorch"], root = document.documentElement;
  const stored = () => {
    try { return NAMES.find((name) => name === localStorage.getItem(KEY)) || "ng"; } catch { return "ng"; }
  };
  const kept = (name) => { try { localStorage.setItem(KEY, name); } catch { /* private window: this page only */ } };
  const select = () => document.getElementById("notation-select");
  const show = () => root.classList.remove("notation-wait");
  const formulas = new WeakMap(); // MathJax's item: the book's TeX, the element (its inputData does not last)
  const wanted = (math) => {
    const { own, host } = formulas.get(math);
    return host?.getAttribute(`data-tex-${current}`) ?? own;
  };
  let current = stored(), work = Promise.resolve();
  root.dataset.notation = current;
  if (current !== "ng") root.classList.add("notation-wait");

  const settings = window.MathJax = window.MathJax || {};
  settings.startup = {
    ...settings.startup,
    ready() {
      MathJax.startup.defaultReady();
      MathJax.startup.input[0].preFilters.add(({ math }) => {
        if (!formulas.has(math)) {
          formulas.set(math, { own: math.math, host: math.start.node?.parentElement?.closest(".math") });
        }
        math.math = wanted(math);
      }, 1); // before everything else that reads the TeX
      MathJax.startup.promise.then(show, show);
    },
  };

  // Only the formulas that change: MathJax typesets what is in its list.
  function rerender(page) {
    const all = page.math, changed = new all.constructor();
    for (const math of all) if (formulas.has(math) && math.math !== wanted(math)) changed.push(math);
    page.math = changed;
    try { page.rerender(15); } finally { page.math = all; } // 15 comes before STATE.COMPILED, 20: the TeX is read again
  }

  function choose(name, keep) {
    if (name === current || !NAMES.includes(name)) return work;
    current = root.dataset.notation = name;
    if (keep) kept(name);
    const box = select();
    if (box) box.value = name;
    work = work.then(async () => {
      if (window.MathJax?.startup?.document) {
        await MathJax.startup.promise;
        rerender(MathJax.startup.document);
      }
      dispatchEvent(new Event("notation")); // page.js: which formulas are wide now?
      if (box) box.parentElement.querySelector(".notation-said").textContent = said(box);
    });
    return work;
  }

  function said(box) {
    const note = [...document.querySelectorAll(`.notation-note[data-notation="${current}"]`)];
    return [`Notation: ${box.selectedOptions[0].text}.`, ...note.slice(0, 1).map((e) => e.textContent)].join(" ");
  }

  window.rnnNotation = { choose: (name) => choose(name, false), settled: () => work };
  addEventListener("storage", (event) => { if (event.key === KEY) choose(stored(), false); });
  addEventListener("pageshow", (event) => { if (event.persisted) choose(stored(), false); });
  addEventListener("load", () => { if (!window.MathJax?.startup?.promise) show(); });
  document.addEventListener("DOMContentLoaded", () => {
    const box = select();
    if (!box) return;
    box.value = current;
    box.addEventListener("change", () => choose(box.value, true));
  });
})();
