// Runs the library in a worker: a question, as JSON, to the Python module `einsum_doc.interactive`, and its answer.
import { loadPyodide } from "../assets/pyodide/pyodide.mjs";

const site = new URL("../", import.meta.url);
const [python, archive] = await Promise.all([
  loadPyodide({ indexURL: new URL("assets/pyodide/", site).href }),
  fetch(new URL("assets/einsum_doc.zip", site)).then((response) => response.arrayBuffer()),
]);
postMessage({ says: "Made by the build; the library is loading …" });
python.unpackArchive(archive, "zip");
const { answer } = python.pyimport("einsum_doc.interactive");

addEventListener("message", ({ data }) => postMessage({ id: data.id, answer: answer(data.question) }));
postMessage({ ready: true });
