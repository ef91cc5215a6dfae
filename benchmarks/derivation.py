"""How fast derivations are checked, and whether what is true ever fails.

    python benchmarks/derivation.py                 ten lines: the least time of the rounds, in milliseconds
    python benchmarks/derivation.py --seeds 2000    every derivation of the tests and the site, at so many seeds

The first call in a process is shown by itself: it is what a page pays that has nothing else to run.
"""

import argparse
import re
import sys
import time
from pathlib import Path

import torch

from einsum_doc import Derivation, verify
from einsum_doc.compute.derivation import Derivations

ROOT = Path(__file__).parents[1]

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


def pages() -> dict[str, list[str]]:
    """Every derivation of the tests and the site: the texts of each page."""
    found = {path.stem: [path.read_text("utf-8")] for path in sorted((ROOT / "tests" / "derivations").glob("*.tex"))}
    for path in sorted((ROOT / "docs" / "posts").rglob("*.md")):
        fences = re.findall(r"^```derivation[^\n]*\n(.*?)^```", path.read_text("utf-8"), re.MULTILINE | re.DOTALL)
        if fences:
            found[path.stem] = fences
    return found


def timed(text: str) -> tuple[float, Derivation]:
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
    parser.add_argument("--only", default="", help="derivations whose name has this in it")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if not arguments.seeds:
        first, outcome = timed(TEN_LINES)
        best = min(timed(TEN_LINES)[0] for _ in range(arguments.rounds))
        print(f"{len(outcome.lines)} lines, first call {first:.0f} ms, then {best:.0f} ms")
        return 0 if outcome else 1
    alarms, lines = 0, 0
    for name, texts in pages().items():
        if arguments.only not in name:
            continue
        for seed in range(arguments.first, arguments.first + arguments.seeds):
            page = Derivations(seed=seed)
            for text in texts:
                outcome = page.check(text)
                lines += len(outcome.lines)
                if not outcome:
                    alarms += 1
                    print(f"{name}, seed {seed}\n{outcome}")
    print(f"{lines} lines checked, {alarms} false alarms")
    return 1 if alarms else 0


if __name__ == "__main__":
    sys.exit(main())
