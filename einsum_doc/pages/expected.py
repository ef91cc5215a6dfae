"""What a block wrote, held against what its page says that it writes."""

from __future__ import annotations

import difflib
import math
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from einsum_doc.pages.block import Block, Expected, Failure, Result

REWRITE = "EINSUM_DOC_REWRITE"
"""The environment variable with which a build rewrites the `expected` fences that are not met.

It names the folder that this one build writes its site to: set for any other, it is an error."""

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?)")


def differs(output: str, expected: Expected) -> Failure | None:
    """The failure of a block that wrote something else, as a diff.

    White space at the ends of lines does not count. A number that is written with a point or an exponent
    may differ by the tolerance, relative to what is expected; from 0, by the tolerance itself:

    >>> from einsum_doc.pages.block import Place
    >>> differs("loss 0.333333", Expected(Place("docs/a.md", 9), "loss 0.3333334"))
    >>> print(differs("loss 0.34", Expected(Place("docs/a.md", 9), "loss 0.33")))
    docs/a.md:9: OutputError: the output is not what is expected
      - loss 0.33
      + loss 0.34
    """
    wanted, given = _lines(expected.text), _lines(output)
    if len(wanted) == len(given) and all(_same(*pair, expected.tolerance) for pair in zip(wanted, given, strict=True)):
        return None
    # A line that is within tolerance is no difference: it is shown as it is expected.
    for index, (want, give) in enumerate(zip(wanted, given, strict=False)):
        if _same(want, give, expected.tolerance):
            given[index] = want
    difference = [line for line in difflib.ndiff(wanted, given) if not line.startswith("?")]
    return Failure(expected.place, "OutputError", "the output is not what is expected", tuple(difference))


def held_against(block: Block, result: Result) -> Result:
    """The result of a block, failed if it wrote something else than is expected of it."""
    if block.expected is None or result.status != "held":
        return result
    failure = differs(result.output, block.expected)
    return result if failure is None else replace(result, status="failed", failure=failure)


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip("\n").split("\n")]


def _same(wanted: str, given: str, tolerance: float) -> bool:
    if "\t" in given:  # in a fence, tabs are blanks by the time that they are read
        wanted, given = (re.sub(r"\s+", " ", text) for text in (wanted, given))
    if wanted == given:
        return True
    if _NUMBER.split(wanted) != _NUMBER.split(given):
        return False
    return all(
        want == give or _close(want, give, tolerance)
        for want, give in zip(_NUMBER.findall(wanted), _NUMBER.findall(given), strict=True)
    )


def _close(wanted: str, given: str, tolerance: float) -> bool:
    if not re.search(r"[.eE]", wanted + given):
        return False  # whole numbers are exact
    want, give = float(wanted), float(given)
    if math.isinf(want):
        return False  # too large to be compared as numbers
    return math.isclose(want, give, rel_tol=tolerance, abs_tol=0.0 if want else tolerance)


def rewrite(root: Path, outputs: Iterable[tuple[Expected, str]]) -> list[Expected]:
    """Write what blocks wrote into their `expected` fences, in place; those that were rewritten."""
    files: dict[str, list[tuple[Expected, str]]] = {}
    for expected, output in outputs:
        if differs(output, expected):
            files.setdefault(expected.place.file, []).append((expected, output))
    for name, changes in files.items():
        path = root / name
        text = path.read_bytes().decode("utf-8")
        ending = "\r\n" if "\r\n" in text else "\n"
        lines = text.split(ending)
        for expected, output in sorted(changes, key=lambda change: change[0].place, reverse=True):
            _replace(lines, expected, _lines(output))
        path.write_bytes(ending.join(lines).encode("utf-8"))
    return [expected for changes in files.values() for expected, _ in changes]


def _replace(lines: list[str], expected: Expected, output: Sequence[str]) -> None:
    opening = lines[expected.place.line - 1]
    found = re.match(r"\ufeff?(?P<indent>[> \t]*)(?P<fence>`{3,}|~{3,})", opening)
    if found is None:
        raise ValueError(f"{expected.place}: no fence begins there")
    first = last = expected.place.line
    while lines[last].strip("> \t") != found["fence"]:
        last += 1
    runs = [len(line) - len(line.lstrip(found["fence"][0])) for line in (each.lstrip() for each in output)]
    if max(runs) >= len(found["fence"]):
        # What the block wrote would close the fence that holds it.
        longer = found["fence"][0] * (max(runs) + 1)
        lines[first - 1] = opening.replace(found["fence"], longer, 1)
        lines[last] = lines[last].replace(found["fence"], longer, 1)
    lines[first:last] = [(found["indent"] + line).rstrip() for line in output]


def main() -> int:
    """Build the site of the current folder, writing what blocks write into their `expected` fences.

    The command is `python -m einsum_doc.pages.expected`, with the options of `mkdocs build`.
    The site itself goes to a temporary folder.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "mkdocs", "build", "--quiet", *sys.argv[1:], "--site-dir", folder]
        return subprocess.run(command, env={**os.environ, REWRITE: folder}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
