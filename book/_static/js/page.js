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

  // A formula wider than its column gets a hint that can be seen (book.css) and a place in the tab order: keys scroll it.
  function markWide(box) {
    const scroller = box.matches("div") ? box.querySelector("mjx-container") : box;
    if (!scroller) return;
    const wide = scroller.scrollWidth > scroller.clientWidth + 1;
    box.classList.toggle("is-wide", wide);
    if (wide) {
      scroller.tabIndex = 0;
      scroller.setAttribute("role", "group");
      scroller.setAttribute("aria-label", "Equation, scrolls sideways");
    } else {
      ["tabindex", "role", "aria-label"].forEach((name) => scroller.removeAttribute(name));
    }
  }

  // A table or listing that goes on beyond its column has a shadow there (cells.css), and a place in the tab order, too.
  // The theme looks at listings alone, later, and not again when a folded cell is opened.
  const SCROLLERS = ".bd-article :is(table.table, pre)";
  function markScroller(box) {
    if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }

  // Printing. What is folded opens; an equation wider than the paper is set smaller. Afterwards all is as it was.
  const PAPER = 44; // em: the lines of print.css on A4 are about 46 em long, less the number of the equation
  let folded = [];

  function forPaper() {
    folded = [...document.querySelectorAll("details:not([open])")];
    folded.forEach((e) => { e.open = true; });
    each("div.math mjx-math", (formula) => {
      const long = formula.scrollWidth / parseFloat(getComputedStyle(formula).fontSize);
      if (long > PAPER) formula.style.fontSize = `${Math.floor((100 * PAPER) / long)}%`;
    });
  }

  function forScreen() {
    folded.forEach((e) => { e.open = false; });
    each("div.math mjx-math", (formula) => formula.style.removeProperty("font-size"));
  }

  nameThings();
  each(".btn-download-pdf-button", (b) => b.addEventListener("click", () => print())); // the policy allows no onclick
  addEventListener("beforeprint", forPaper);
  addEventListener("afterprint", forScreen);
  // Looked at when it comes near the screen: a long page has thousands of formulas, and each look asks for the layout.
  function watched(selector, look) {
    const size = new ResizeObserver((entries) => entries.forEach((entry) => look(entry.target)));
    const near = new IntersectionObserver((entries) => entries.forEach(({ isIntersecting, target }) => {
      if (!isIntersecting) return;
      near.unobserve(target);
      size.observe(target); // it reports at once, and at each change
    }), { rootMargin: "100%" });
    each(selector, (box) => near.observe(box));
  }

  watched(".math", markWide);
  watched(SCROLLERS, markScroller);
  addEventListener("notation", () => each(".math", markWide)); // notation.js: formulas have changed
})();
