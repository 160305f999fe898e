// Names that the stock theme leaves out, equations that are wider than their column, and paper.
(() => {
  const each = (selector, act) => document.querySelectorAll(selector).forEach(act);

  function nameThings() {
    each(".search-button, .search-button-field", (b) => { // a name holds the words that are seen
      b.setAttribute("aria-label", b.innerText.replace(/\s+/g, " ").trim() || "Search");
    });
    each(".theme-switch-button", (b) => { b.removeAttribute("aria-label"); b.title = "Colour mode"; });
    each(".bd-sidebar-primary .sidebar-primary-items__start", (e) => {
      e.setAttribute("role", "region");
      e.setAttribute("aria-label", "Book");
    });
  }

  // Which of them go on beyond their column. All are measured before the first is marked: that would undo the layout.
  const wideOnes = (boxes) => boxes.map((box) => [box, box.scrollWidth > box.clientWidth + 1]);

  // A formula wider than its column gets a hint that can be seen (book.css) and a place in the tab order: keys scroll it.
  function markWide(boxes) {
    const scrollers = boxes.map((box) => (box.matches("div") ? box.querySelector("mjx-container") : box));
    wideOnes(scrollers.filter(Boolean)).forEach(([scroller, wide]) => {
      scroller.closest(".math").classList.toggle("is-wide", wide);
      if (wide) {
        scroller.tabIndex = 0;
        scroller.setAttribute("role", "group");
        scroller.setAttribute("aria-label", "Equation, scrolls sideways");
      } else {
        ["tabindex", "role", "aria-label"].forEach((name) => scroller.removeAttribute(name));
      }
    });
  }

  // A table or listing that goes on beyond its column has a shadow there (cells.css), and a place in the tab order, too.
  // The theme looks at listings alone, later, and not again when a folded cell is opened.
  const SCROLLERS = ".bd-article :is(table.table, .pst-scrollable-table-container, pre, .sideways)";
  function markScrollers(boxes) {
    wideOnes(boxes).forEach(([box, wide]) => {
      if (wide) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    });
  }

  // Printing. What is folded opens; an equation wider than the paper is set smaller. Afterwards all is as it was.
  const PAPER = 44; // em: the lines of print.css on A4 are about 46 em long, less the number of the equation
  let folded = [];

  function forPaper() {
    folded = [...document.querySelectorAll("details:not([open], .equation-menu)")];
    folded.forEach((e) => { e.open = true; });
    const long = (formula) => formula.scrollWidth / parseFloat(getComputedStyle(formula).fontSize);
    const lengths = [...document.querySelectorAll("div.math mjx-math")].map((formula) => [formula, long(formula)]);
    lengths.forEach(([formula, length]) => { // all are measured before the first is changed: that would undo the layout
      if (length > PAPER) formula.style.fontSize = `${Math.floor((100 * PAPER) / length)}%`;
    });
  }

  function forScreen() {
    folded.forEach((e) => { e.open = false; });
    each("div.math mjx-math", (formula) => formula.style.removeProperty("font-size"));
  }

  // A notebook installs the package from the site that it came from: its address goes in while it is downloaded. Where
  // there is none, on a disk, a click would show the file's text.
  const NOTEBOOK = '.btn-download-source-button[href$=".ipynb"]';
  async function fetchNotebook(event) {
    const { href } = event.currentTarget;
    event.preventDefault();
    try {
      const answer = await fetch(href);
      if (!answer.ok) throw new Error(answer.statusText);
      const site = new URL(document.documentElement.dataset.content_root, location.href).href;
      const text = (await answer.text()).replace('SITE = \\"\\"', () => `SITE = \\"${site}\\"`);
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([text], { type: "application/x-ipynb+json" }));
      link.download = href.split("/").pop();
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60000); // ms: the browser reads it after the click
    } catch {
      location.href = href;
    }
  }
  each(NOTEBOOK, (b) => {
    if (location.protocol === "file:") b.title = "Right-click and choose ‘Save link as’: the notebook of this page";
    else b.addEventListener("click", fetchNotebook);
  });

  // Paper without hints and solutions: for teachers. Kept for all pages of the book; print.css obeys.
  const WITHOUT = "rnn-print-without-solutions";

  function kept() {
    try { return localStorage.getItem(WITHOUT) === "yes"; } catch { return false; } // a browser may forbid to keep things
  }

  function printWithout(solutions) {
    document.documentElement.toggleAttribute("data-no-solutions", solutions);
    each(".print-switch input", (box) => { box.checked = solutions; });
  }

  function printSwitch() {
    printWithout(kept());
    each(".print-switch", (label) => {
      label.hidden = false;
      label.addEventListener("change", ({ target }) => {
        printWithout(target.checked);
        try { localStorage.setItem(WITHOUT, target.checked ? "yes" : "no"); } catch { /* then for this page alone */ }
      });
    });
    addEventListener("storage", ({ key }) => { if (key === WITHOUT || key === null) printWithout(kept()); });
  }

  nameThings();
  printSwitch();
  each(".btn-download-pdf-button", (b) => b.addEventListener("click", () => print())); // the policy allows no onclick
  addEventListener("beforeprint", forPaper);
  addEventListener("afterprint", forScreen);
  // Looked at when it comes near the screen, or else when all is laid out: a long page has thousands of formulas.
  const there = window.rnnPieces?.there() ?? Promise.resolve();
  const idle = window.requestIdleCallback ?? ((act) => setTimeout(act, 50));
  function watched(selector, look) {
    const size = new ResizeObserver((entries) => look(entries.map((entry) => entry.target)));
    const watch = (box) => {
      near.unobserve(box);
      size.observe(box); // it reports at once, and at each change
    };
    const near = new IntersectionObserver((entries) => {
      entries.forEach(({ isIntersecting, target }) => { if (isIntersecting) watch(target); });
    }, { rootMargin: "100%" });
    const boxes = [...document.querySelectorAll(selector)];
    boxes.forEach((box) => near.observe(box));
    return new Promise((done) => there.then(() => idle(() => {
      boxes.forEach(watch);
      done();
    })));
  }

  const looked = Promise.all([watched(".math", markWide), watched(SCROLLERS, markScrollers)]);
  window.rnnPage = { looked: () => looked };
  addEventListener("notation", () => markWide([...document.querySelectorAll(".math")])); // notation.js: formulas have changed
})();
