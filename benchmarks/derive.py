"""How long a derivation takes to be derived and typeset, in LaTeX and for a terminal.

    python benchmarks/derive.py [--rounds N]

Prints a Markdown table of medians in milliseconds, and its limits: under 2 ms for two operands, under 20 ms
for eight. torch is not imported.
"""

import argparse
import sys
import time
from collections.abc import Callable
from statistics import median

from einsum_doc import derive
from einsum_doc.notation.deriving.derivation import Derivation

CHAIN = "ab,bc,cd,de,ef,fg,gh,hi->ai"
ROWS: list[tuple[str, Callable[[], Derivation], float]] = [
    ("ijk,ip->jkp", lambda: derive("ijk,ip->jkp", 0), 2),
    ("ij,jk->ik", lambda: derive("ij,jk->ik", 1), 2),
    ("bhid,bhjd->bhij", lambda: derive("bhid,bhjd->bhij", 0), 2),
    ("iij,jk->ik", lambda: derive("iij,jk->ik", 0), 2),
    ("...ij,...jk->...ik", lambda: derive("...ij,...jk->...ik", 0), 2),
    ("ij,jk->ik, complex", lambda: derive("ij,jk->ik", 0, complex=True), 2),
    ("ij,kj->ik, one tensor", lambda: derive("ij,kj->ik", 0, names=("x", "x")), 2),
    ("ij,jk->ik, tangent", lambda: derive("ij,jk->ik", mode="tangent"), 2),
    ("ij,jk->ik, second", lambda: derive("ij,jk->ik", 0, mode="second"), 2),
    ("abcdefgh,abcdefgh->", lambda: derive("abcdefgh,abcdefgh->", 0), 2),
    ("a chain of 8", lambda: derive(CHAIN, 3), 20),
    ("a chain of 8, tangent", lambda: derive(CHAIN, mode="tangent"), 20),
    ("mi,mi,mi,mi,mi,mi,mi,mi->m", lambda: derive(",".join(["mi"] * 8) + "->m", 0), 20),
    ("... one tensor", lambda: derive(",".join(["mi"] * 8) + "->m", 0, names=("x",) * 8), 20),
]


def measured(work: Callable[[], object], rounds: int) -> float:
    """The median time, in milliseconds."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1e3)
    return median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    rounds = parser.parse_args().rounds
    print("| equation | lines | derive | and LaTeX | and terminal | limit |")
    print("|---|---|---|---|---|---|")
    for name, work, limit in ROWS:
        alone = measured(work, rounds)
        latex = measured(lambda work=work: work().latex(), rounds)  # type: ignore[misc]
        terminal = measured(lambda work=work: str(work()), rounds)  # type: ignore[misc]
        print(f"| `{name}` | {len(work().steps)} | {alone:.2f} | {latex:.2f} | {terminal:.2f} | {limit} |")
    assert "torch" not in sys.modules


if __name__ == "__main__":
    main()
