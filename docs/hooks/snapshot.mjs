// The archive of the library -> Python's memory once it has imported it: node snapshot.mjs QUESTION <ARCHIVE >MEMORY
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { loadPyodide } from "pyodide";

// Node would print the line of Pyodide that has raised an error, which is the whole of it.
process.on("uncaughtException", ({ message }) => {
  console.error(message.trim());
  process.exit(1);
});
const answer = (python) => python.pyimport("einsum_doc.interactive").answer(process.argv[2]);

const python = await loadPyodide({ _makeSnapshot: true, _sysExecutable: "python" }); // or this file, with its path
python.unpackArchive(new Uint8Array(await buffer(process.stdin)), "zip");
python.runPython("import einsum_doc.interactive");
const memory = python.makeMemorySnapshot();

// Readers get it only if it answers as the Python does of which it was made.
const restored = await loadPyodide({ _loadSnapshot: memory, stdLibURL: "/dev/null" });
if (answer(restored) !== answer(python)) throw new Error("what was restored answers otherwise");
process.stdout.write(gzipSync(memory));
