"""How many lines that hold are proved for all sizes, and how long a proof takes.

    python benchmarks/proofs.py              every derivation of the tests and the site: the lines that are not proved
    python benchmarks/proofs.py --time       the slowest lines, too
    python benchmarks/proofs.py --pyodide    the same proofs in a browser's Python, in Node; needs `npm ci`

A page counts the lines of its fences and display formulas, as the site checks them with the seed 0.
"""

import argparse
import json
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from derivation import pages
from timed_proofs import TimedRow, timed_proofs

from einsum_doc.compute.checking.derivation import Derivations

BOUND = 50.0
"""The milliseconds below which 99 % of the lines are to be proved in a browser."""

ROOT = Path(__file__).parents[1]


def list_lines(found: Mapping[str, list[str]]) -> None:
    """Print a line for each page, and for each of its lines that holds and is not proved."""
    every = equalities = proofs = 0
    for name, texts in found.items():
        page = Derivations()
        lines = [line for text in texts for line in page.check(text).lines if line.kind == "claim" and line.holds]
        equal = [line for line in lines if "≠" not in line.text]
        proved = [line for line in equal if line.verdict == "proved"]
        every, equalities, proofs = every + len(lines), equalities + len(equal), proofs + len(proved)
        if lines:
            print(f"{len(proved):4} of {len(equal):4} proved  {name}")
        for line in equal:
            if line.verdict != "proved":
                print(f"        not proved: {line.text}")
    differ = every - equalities
    print(f"{every} lines hold; {differ} say that two sides differ; of {equalities} others, {proofs} are proved")


def print_times(where: str, rows: Sequence[TimedRow]) -> float:
    """Print the times of the proofs, and return the 99th percentile."""
    each = sorted(row.time for row in rows)
    late = each[int(len(each) * 0.99)]
    print(
        f"{where}: {len(each)} proofs tried, {sum(row.proved for row in rows)} found, in milliseconds of a CPU: "
        f"median {statistics.median(each):.1f}, 99th percentile {late:.0f}, worst {each[-1]:.0f}, all {sum(each):.0f}"
    )
    return late


def in_pyodide(found: Mapping[str, list[str]]) -> list[list[TimedRow]]:
    """Prove the lines in Pyodide, in three rounds, with the archive that the page `try/` loads."""
    sys.path.append(str(ROOT / "docs" / "hooks"))
    from trying import archive

    with tempfile.TemporaryDirectory() as folder:
        modules, texts = Path(folder, "modules.zip"), Path(folder, "pages.json")
        modules.write_bytes(archive())
        with zipfile.ZipFile(modules, "a", zipfile.ZIP_DEFLATED) as zipped:
            zipped.write(ROOT / "benchmarks" / "timed_proofs.py", "timed_proofs.py")
        texts.write_text(json.dumps(found), "utf-8")
        node = Path(sysconfig.get_path("scripts"), "node")
        command = [str(node), str(ROOT / "benchmarks" / "proofs.mjs"), str(modules), str(texts)]
        outcome = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        size = modules.stat().st_size / 1024
    start, load = outcome["start"], outcome["load"]
    print(f"Pyodide starts in {start:.0f} ms, and loads our modules ({size:.0f} KiB) in {load:.0f} ms")
    return [[TimedRow(*row) for row in rows] for rows in outcome["rounds"]]


def main() -> int:
    """Print the lines that are not proved, and the times; in Pyodide, both must be as they are to be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--time", action="store_true", help="print the ten slowest lines")
    parser.add_argument("--pyodide", action="store_true", help="prove the lines in Pyodide, too, and compare")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    found = pages()
    if not arguments.pyodide:
        list_lines(found)
    slowest = rows = timed_proofs(found)
    print_times("CPython", rows)
    failed = False
    if arguments.pyodide:
        first, *others = in_pyodide(found)
        differ = [ours.line for ours, theirs in zip(rows, first, strict=True) if ours[:3] != theirs[:3]]
        print(*(f"proved in one of the two only: {line}" for line in differ), sep="\n", end="\n" * bool(differ))
        failed = print_times("Pyodide, first round", first) > BOUND or bool(differ)
        slowest = [min(each, key=lambda row: row.time) for each in zip(first, *others, strict=True)]
        print_times("Pyodide, best of three", slowest)
    for row in sorted(slowest, key=lambda row: -row.time)[: 10 * arguments.time]:
        print(f"{row.time:8.0f}  {row.page}: {row.line[:200]}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
