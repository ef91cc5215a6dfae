// Typesets formulas with MathJax: reads a page's formulas from each line of its input, and answers with a line.
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { createInterface } from "node:readline";

import { typesetter } from "./formulas.mjs";

const [root, font] = process.argv.slice(2);
const require = createRequire(`${root}/`);
const fontName = `mathjax-${font}`;
console.warn = console.error = () => {}; // MathJax notes there that a font is released on its own

const MathJax = require("mathjax/node-main.cjs");
await MathJax.init({
  loader: {
    paths: { [fontName]: dirname(require.resolve(`@mathjax/${fontName}-font/package.json`)) },
    load: ["input/tex", "output/chtml", "a11y/assistive-mml"],
  },
  tex: { packages: { "[-]": ["noundefined"] } }, // a command that does not exist is an error, not a word in red
  output: {
    font: fontName,
    fontURL: "mathematics", // the folder beside the style sheet
    matchFontHeight: false, // nothing is measured in the browser
  },
});
const typeset = typesetter(MathJax);

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await typeset(JSON.parse(line)))}\n`);
}
