// A long page comes in pieces. What is below the window is left out of the first layout (book.css) and laid out block
// by block while nothing else happens: a phone's processor is never held for long, and after a second or two all is
// there, for whoever has the page read aloud, too. This runs in the head, before anything is drawn.
(() => {
  const root = document.documentElement;
  const BLOCKS = ".bd-article section section > :not(section, h2, h3, h4, .is-there, " // as in book.css
    + ".bd-article > section > section:nth-of-type(-n+3) > :nth-child(-n+6))";
  const AT_ONCE = 8; // ms of layout at a time
  // Not where the reader goes to a place further down at once, nor where the browser would not hold the reader's place.
  const [visit] = performance.getEntriesByType("navigation");
  if (location.hash || visit?.type !== "navigate" || !CSS.supports("overflow-anchor", "auto")) return;

  const idle = window.requestIdleCallback ?? ((act) => setTimeout(act, 20));
  let blocks = [], done;
  const all = new Promise((resolve) => { done = resolve; });

  function show(until) {
    while (blocks.length && performance.now() < until) {
      const block = blocks.shift();
      block.classList.add("is-there");
      block.getBoundingClientRect(); // lays it out
    }
  }

  function go() {
    show(performance.now() + AT_ONCE);
    if (blocks.length) idle(go, { timeout: 200 });
    else done();
  }

  root.classList.add("in-pieces");
  addEventListener("load", () => { // what the window shows comes first
    blocks = [...document.querySelectorAll(BLOCKS)];
    idle(go);
  });
  addEventListener("beforeprint", () => show(Infinity));
  addEventListener("click", ({ target }) => { // a place can be gone to when all above it is there
    if (target.closest?.("a[href*='#']")) show(Infinity);
  }, { capture: true });
  window.rnnPieces = { there: () => all };
})();
