// Names that the stock theme leaves out, and equations that are wider than their column.
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

  nameThings();
  addEventListener("load", async () => {
    if (window.MathJax?.startup) await MathJax.startup.promise;
    const watch = new ResizeObserver((entries) => entries.forEach((entry) => markWide(entry.target)));
    each(".math", (box) => { markWide(box); watch.observe(box); });
    addEventListener("notation", () => each(".math", markWide)); // notation.js: formulas have changed
  });
})();
