// Runs the library in a worker: a question, as JSON, to the Python module `einsum_doc.interactive`, and its answer.
import { loadPyodide } from "../assets/pyodide/pyodide.mjs";

const assets = new URL("../assets/", import.meta.url);
const indexURL = new URL("pyodide/", assets).href;
const file = async (name) => {
  const response = await fetch(new URL(`${name}${new URL(import.meta.url).search}`, assets)); // of the page's build
  if (!response.ok) throw new Error(`${name}: ${response.status}`);
  return response;
};
const unzipped = ({ body }) => new Response(body.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
const library = (python) => python.pyimport("einsum_doc.interactive");

// From the memory that the build has prepared, in which the library is imported: it needs no standard library.
const restored = async () => {
  const memory = file("einsum_doc.snapshot").then(unzipped);
  const [python] = await Promise.all([loadPyodide({ indexURL, _loadSnapshot: memory, stdLibURL: "data:," }), memory]);
  return library(python);
};

// From the beginning, where a browser cannot take that memory over.
const started = async () => {
  const modules = file("einsum_doc.zip").then((response) => response.arrayBuffer());
  const python = await loadPyodide({ indexURL });
  python.unpackArchive(await modules, "zip");
  return library(python);
};

// Where WebAssembly differs, Python may be restored and then fail: it is taken only once it has answered.
const tried = (found) => {
  found.answer('{"einsum": "ij->i"}');
  return found;
};
const { answer } = await restored().then(tried).catch(started);

addEventListener("message", ({ data }) => postMessage({ id: data.id, answer: answer(data.question) }));
postMessage({ ready: true });
