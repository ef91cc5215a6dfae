"""How fast derivations are checked, and whether what is true ever fails.

    python benchmarks/derivation.py                 ten lines: the least time of the rounds, in milliseconds
    python benchmarks/derivation.py --seeds 2000    every derivation of the tests and the site, at so many seeds

The second prints a line after every fifty seeds; `--first 800` goes on where it was stopped.
The first call in a process is shown by itself: it is what a page pays that has nothing else to run.
"""

import argparse
import multiprocessing
import re
import sys
import time
from pathlib import Path

import torch

sys.path.append(str(Path(__file__).parents[1] / "tests" / "compute" / "checking"))
from derivation_texts import pages

from einsum_doc import verify
from einsum_doc.compute.checking.derivation import NumericCheck
from einsum_doc.notation.statements.checked import CheckedDerivation
from einsum_doc.notation.statements.statements import read_statements
from einsum_doc.notation.symbols.table import SymbolTable

SEEDS = 50
"""The seeds for which a text is read once."""

TEN_LINES = r"""
z_{bo} &= x_{bi} w_{oi} \\
y_{bo} &= \tanh(z_{bo}) \\
\frac{\partial z_{bo}}{\partial x_{b'i'}} &= \delta_{bb'} \delta_{ii'} w_{oi} \\
 &= \delta_{bb'} w_{oi'} \\
\frac{\partial z_{bo}}{\partial w_{o'i'}} &= x_{bi} \delta_{oo'} \delta_{ii'} \\
 &= x_{bi'} \delta_{oo'} \\
\frac{\partial l}{\partial z_{b'o'}} &= \frac{\partial l}{\partial y_{b'o'}} \left( 1 - y_{b'o'}^2 \right) \\
\frac{\partial l}{\partial x_{b'i'}} &= \frac{\partial l}{\partial z_{bo}} \delta_{bb'} w_{oi'} \\
 &= \frac{\partial l}{\partial z_{b'o}} w_{oi'} \\
\frac{\partial l}{\partial w_{o'i'}} &= \frac{\partial l}{\partial z_{bo'}} x_{bi'}
"""


def at_seeds(job: tuple[str, list[str], range]) -> tuple[int, list[str]]:
    """How many lines a page has at these seeds, and what is said where one does not hold."""
    torch.set_num_threads(1)
    name, texts, seeds = job
    lines, alarms = 0, []
    table = SymbolTable()
    for text in texts:
        statements = read_statements(text, (), table)  # Neither what it says nor its proofs depend on the seed.
        table = statements.table
        for seed in seeds:
            outcome = CheckedDerivation(NumericCheck(statements, seed).lines())
            lines += len(outcome.lines)
            if not outcome:
                alarms.append(f"{name}, seed {seed}\n{outcome}")
    return lines, alarms


def timed(text: str) -> tuple[float, CheckedDerivation]:
    """Milliseconds, and the outcome."""
    start = time.perf_counter()
    outcome = verify(text)
    return (time.perf_counter() - start) * 1e3, outcome


def main() -> int:
    """Print the table, or the alarms."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--only", default="", help="derivations in whose name this regular expression is found")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if not arguments.seeds:
        first, outcome = timed(TEN_LINES)
        best = min(timed(TEN_LINES)[0] for _ in range(arguments.rounds))
        print(f"{len(outcome.lines)} lines, first call {first:.0f} ms, then {best:.0f} ms")
        return 0 if outcome else 1
    found = {name: texts for name, texts in pages().items() if re.search(arguments.only, name)}
    lines, alarms, end = 0, 0, arguments.first + arguments.seeds
    with multiprocessing.Pool(arguments.jobs) as workers:
        for first in range(arguments.first, end, SEEDS):
            seeds = range(first, min(first + SEEDS, end))
            jobs = [(name, texts, seeds) for name, texts in found.items()]
            for count, said in workers.imap_unordered(at_seeds, jobs):
                lines += count
                alarms += len(said)
                print(*said, sep="\n", end="\n" if said else "")
            print(f"seeds {arguments.first} to {seeds[-1]}: {lines} lines checked, {alarms} false alarms", flush=True)
    return 1 if alarms else 0


if __name__ == "__main__":
    sys.exit(main())
