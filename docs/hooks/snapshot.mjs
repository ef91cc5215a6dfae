// The archive of the library -> Python's memory once it has imported it: node snapshot.mjs ARCHIVE SNAPSHOT QUESTION
import { readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { loadPyodide } from "pyodide";

const [archive, target, question] = process.argv.slice(2);
const answer = (python) => python.pyimport("einsum_doc.interactive").answer(question);

const python = await loadPyodide({ _makeSnapshot: true });
python.unpackArchive(new Uint8Array(readFileSync(archive)), "zip");
python.runPython("import einsum_doc.interactive");
const memory = python.makeMemorySnapshot();

// Readers get it only if it answers as the Python does of which it was made.
const restored = await loadPyodide({ _loadSnapshot: memory, stdLibURL: "/dev/null" });
if (answer(restored) !== answer(python)) throw new Error("what was restored answers otherwise");
writeFileSync(target, gzipSync(memory));
