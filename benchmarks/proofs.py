"""How many lines that hold are proved for all sizes, and how long a proof takes.

    python benchmarks/proofs.py           every derivation of the tests and the site: the lines that are not proved
    python benchmarks/proofs.py --time    the slowest lines, too

A page counts the lines of its fences and display formulas, as the site checks them with the seed 0.
"""

import argparse
import statistics
import sys
import time

import torch
from derivation import pages

from einsum_doc.compute.checking import claims
from einsum_doc.compute.checking.derivation import Derivations
from einsum_doc.compute.checking.symbols.table import Statement, SymbolTable

PROVED = claims.proved


def main() -> int:
    """Print a line for each page, and for each of its lines that holds and is not proved."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--time", action="store_true", help="print the ten slowest lines")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    times: list[tuple[float, str]] = []

    def timed(statement: Statement, table: SymbolTable, number: int) -> bool:
        start = time.process_time()
        found = PROVED(statement, table, number)
        left, right = statement.sides[number : number + 2]
        times.append(((time.process_time() - start) * 1e3, f"{left} = {right}"))
        return found

    claims.proved = timed
    every = equalities = proofs = 0
    for name, texts in pages().items():
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
    each = sorted(took for took, _ in times)
    differ = every - equalities
    print(f"{every} lines hold; {differ} say that two sides differ; of {equalities} others, {proofs} are proved")
    print(
        f"{len(each)} proofs tried, in milliseconds of a CPU: median {statistics.median(each):.1f}, "
        f"99th percentile {each[int(len(each) * 0.99)]:.0f}, worst {each[-1]:.0f}, all {sum(each):.0f}"
    )
    for took, line in sorted(times, reverse=True)[: 10 * arguments.time]:
        print(f"{took:8.0f}  {line[:200]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
