// What a reader does with formulas: copies text that has some, opens an equation's menu, looks at one that is named.
(() => {
  const each = (selector, act) => document.querySelectorAll(selector).forEach(act);
  const tex = (host) => (host.matches("div") ? `\n$$${host.dataset.tex}$$\n` : `$${host.dataset.tex}$`);

  // The letters of a formula are drawn by the style sheet, and its MathML is out of sight: a copy has the TeX instead.
  document.addEventListener("copy", (event) => {
    const selection = getSelection();
    if (event.defaultPrevented || !selection.rangeCount || selection.isCollapsed) return;
    const range = selection.getRangeAt(0);
    const whole = (node) => (node.nodeType === 1 ? node : node.parentElement)?.closest(".math[data-tex]");
    const [first, last] = [whole(range.startContainer), whole(range.endContainer)];
    const text = range.cloneRange(); // half a formula is copied as the whole of it
    if (first) text.setStartBefore(first);
    if (last) text.setEndAfter(last);
    const part = document.createElement("div");
    part.append(text.cloneContents());
    const found = part.querySelectorAll(".math[data-tex]");
    if (!found.length) return;
    const html = part.innerHTML;
    part.querySelectorAll(".equation-check, .headerlink").forEach((e) => e.remove());
    found.forEach((host) => { host.textContent = tex(host); });
    part.querySelectorAll("p, li, h1, h2, h3, h4, tr").forEach((e) => e.append("\n"));
    event.clipboardData.setData("text/plain", part.textContent.trim());
    event.clipboardData.setData("text/html", html);
    event.preventDefault();
  });

  // The menu beside an equation's number (rnn_equations.py writes it).
  function copied(text) {
    const put = (event) => { event.clipboardData.setData("text/plain", text); event.preventDefault(); };
    document.addEventListener("copy", put, { capture: true, once: true });
    const done = document.execCommand("copy"); // also where the page is no secure context, and from a disk
    document.removeEventListener("copy", put, { capture: true });
    return done;
  }
  const WANTED = {
    tex: (host) => host.dataset.tex,
    link: (host) => new URL(`#${host.id}`, location.href).href,
    check: (_, button) => button.dataset.line,
  };
  document.addEventListener("click", (event) => {
    each(".equation-menu[open]", (menu) => { if (!menu.contains(event.target)) menu.open = false; });
    const button = event.target.closest(".equation-menu button");
    if (!button) return;
    const host = button.closest(".equation-check").previousElementSibling;
    const done = copied(WANTED[button.dataset.copy](host, button));
    button.closest(".equation-menu").querySelector("[role=status]").textContent = done ? "Copied." : "Not copied.";
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    hide();
    const menu = document.activeElement?.closest(".equation-menu[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });

  // An equation, shown at a link to it, in the notation that is chosen. It goes with Escape. Those of another page come
  // from _static/math/PAGE.equations.js (rnn_math.py); a script and not fetch, which cannot read from a disk.
  const math = new URL("../math/", document.currentScript.src), site = new URL("../../", math).href;
  const pages = {}, loads = {};
  window.rnnEquations = (page, all) => { pages[page] = all; };
  function formulaOf(a) {
    const id = decodeURIComponent(a.hash.slice(1)), page = a.href.split("#")[0].slice(site.length).replace(/\.html$/, "");
    const here = a.pathname === location.pathname && document.getElementById(id)?.querySelector("mjx-container");
    if (here) {
      const copy = here.cloneNode(true);
      ["tabindex", "role", "aria-label"].forEach((name) => copy.removeAttribute(name)); // page.js: of wide ones
      return copy;
    }
    const forms = pages[page]?.[id];
    if (!forms) {
      loads[page] ??= new Promise((done) => {
        const script = document.createElement("script");
        script.src = new URL(`${page}.equations.js`, math);
        script.onload = done;
        document.head.append(script);
      });
      loads[page].then(() => { if (from === a && pages[page]?.[id]) show(a); });
      return undefined;
    }
    const holder = document.createElement("template");
    holder.innerHTML = forms[document.documentElement.dataset.notation] ?? forms.ng;
    return holder.content.firstElementChild;
  }

  let preview, from, leaving;
  const link = (event) => event.target.closest?.('.bd-article a.reference[href*="#equation-"]');
  function show(a) {
    clearTimeout(leaving);
    if (from === a && preview) return;
    hide();
    from = a;
    const formula = formulaOf(a);
    if (!formula) return; // not yet
    preview = document.createElement("div");
    preview.className = "equation-preview math";
    preview.id = "equation-preview";
    preview.setAttribute("role", "tooltip");
    preview.append(formula);
    document.body.append(preview);
    a.setAttribute("aria-describedby", preview.id);
    const at = a.getBoundingClientRect(), size = preview.getBoundingClientRect();
    const above = at.top > size.height + 8;
    preview.style.left = `${Math.max(8, Math.min(at.left, document.documentElement.clientWidth - size.width - 8)) + scrollX}px`;
    preview.style.top = `${(above ? at.top - size.height - 4 : at.bottom + 4) + scrollY}px`;
  }
  function hide() {
    from?.removeAttribute("aria-describedby");
    preview?.remove();
    preview = from = undefined;
  }
  const soon = () => { clearTimeout(leaving); leaving = setTimeout(hide, 200); };
  document.addEventListener("pointerover", (event) => {
    if (preview?.contains(event.target)) clearTimeout(leaving);
    else if (link(event)) show(link(event));
    else if (from && !from.matches(":focus-visible")) soon();
  });
  document.addEventListener("focusin", (event) => { if (link(event)) show(link(event)); });
  document.addEventListener("focusout", (event) => { if (link(event)) hide(); });
  addEventListener("notation", hide);
})();
