// Prove the rows of pages in Pyodide: node benchmarks/proofs.mjs MODULES.zip PAGES.json
import { readFileSync } from "node:fs";
import { loadPyodide } from "pyodide";

const [modules, pages] = process.argv.slice(2).map((path) => readFileSync(path));
const started = performance.now();
const pyodide = await loadPyodide();
const loaded = performance.now();
pyodide.unpackArchive(new Uint8Array(modules), "zip");
const { in_json: inJSON } = pyodide.pyimport("timed_proofs");
const imported = performance.now();
const clock = () => { // Pyodide's own clocks are those of the wall.
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1e6;
};
const rounds = [1, 2, 3].map(() => JSON.parse(inJSON(pages.toString(), clock)));
console.log(JSON.stringify({ start: loaded - started, load: imported - loaded, rounds }));
