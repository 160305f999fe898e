// What sets the book's formulas while it is built: MathJax 3.2.2 in one file, for V8 without a browser and without Node.
// How it becomes mathjax.min.js: README.md.
import { mathjax } from "mathjax-full/js/mathjax.js";
import { TeX } from "mathjax-full/js/input/tex.js";
import { CHTML } from "mathjax-full/js/output/chtml.js";
import { liteAdaptor } from "mathjax-full/js/adaptors/liteAdaptor.js";
import { RegisterHTMLHandler } from "mathjax-full/js/handlers/html.js";
import { AssistiveMmlHandler } from "mathjax-full/js/a11y/assistive-mml.js";
import "mathjax-full/js/input/tex/base/BaseConfiguration.js";
import "mathjax-full/js/input/tex/ams/AmsConfiguration.js";
import "mathjax-full/js/input/tex/newcommand/NewcommandConfiguration.js";

const adaptor = liteAdaptor();
AssistiveMmlHandler(RegisterHTMLHandler(adaptor));
const page = mathjax.document("", {
  InputJax: new TeX({
    packages: ["base", "ams", "newcommand"], // without noundefined: a macro that nobody defined is an error
    formatError(_, error) { throw error; },
  }),
  OutputJax: new CHTML({ fontURL: ".", adaptiveCSS: true, matchFontHeight: false }),
});
const size = { em: 16, ex: 8, containerWidth: 1280 };

// The formula as HTML, or why it cannot be set.
globalThis.typeset = (tex, display) => {
  try {
    return JSON.stringify({ html: adaptor.outerHTML(page.convert(tex, { ...size, display })) });
  } catch (error) {
    return JSON.stringify({ refused: error.message });
  }
};
// The rules for all that has been set.
globalThis.styles = () => adaptor.textContent(page.outputJax.styleSheet(page));
