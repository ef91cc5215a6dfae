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

from einsum_doc.pages.record.block import Block, Expected
from einsum_doc.pages.record.result import Failure, Result
from einsum_doc.pages.record.text import plain

REWRITE = "EINSUM_DOC_REWRITE"
"""The environment variable with which a build rewrites the `expected` fences that are not met.

It names the folder that this one build writes its site to: set for any other, it is an error."""

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?)")


def differs(output: str, expected: Expected) -> Failure | None:
    """The failure of a block that wrote something else, as a diff.

    White space at the ends of lines does not count, nor do the colours of a terminal. A number that is
    written with a point or an exponent may differ by the tolerance, relative to what is expected; from 0,
    by the tolerance itself:

    >>> from einsum_doc.pages.record.block import Location
    >>> differs("loss 0.333333", Expected(Location("docs/a.md", 9), "loss 0.3333334"))
    >>> print(differs("loss 0.34", Expected(Location("docs/a.md", 9), "loss 0.33")))
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
    return Failure(expected.location, "OutputError", "the output is not what is expected", tuple(difference))


def held_against(block: Block, result: Result) -> Result:
    """The result of a block, failed if it wrote something else than is expected of it."""
    if block.expected is None or result.status != "held":
        return result
    failure = differs(result.written, block.expected)
    return result if failure is None else replace(result, status="failed", failure=failure)


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in plain(text).strip("\n").split("\n")]


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


def rewrite(root: Path, outputs: Iterable[tuple[Expected, str]]) -> tuple[list[Expected], list[Failure]]:
    """Write what blocks wrote into their `expected` fences, in place.

    Returns those that were rewritten, and a failure for each that could not be: what a snippet or
    another plugin puts in does not stand in the file of the fence.
    """
    files: dict[str, list[tuple[Expected, str]]] = {}
    for expected, output in outputs:
        if differs(output, expected):
            files.setdefault(expected.location.file, []).append((expected, output))
    rewritten, failures = [], []
    for name, changes in files.items():
        path = root / name
        text = path.read_bytes().decode("utf-8") if path.is_file() else ""
        lines = re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", text)
        for expected, output in sorted(changes, key=lambda change: change[0].location, reverse=True):
            if _replace(lines, expected, _lines(output)):
                rewritten.append(expected)
            else:
                told = "the output is not what is expected, and cannot be written here"
                why = "what is expected comes from elsewhere: from a snippet, or from another plugin"
                failures.append(Failure(expected.location, "OutputError", told, (why,)))
        if "".join(lines) != text:
            path.write_bytes("".join(lines).encode("utf-8"))
    return sorted(rewritten, key=lambda expected: expected.location), failures


def _replace(lines: list[str], expected: Expected, output: Sequence[str]) -> bool:
    """Put the output in the place of what is expected, if that stands there as it is."""
    first = expected.location.line
    opening = lines[first - 1] if first <= len(lines) else ""
    found = re.match(r"\ufeff?(?P<indent>[> \t]*)(?P<fence>`{3,}|~{3,})", opening)
    ends = (index for index in range(first, len(lines)) if found and lines[index].strip("> \t\r\n") == found["fence"])
    last = next(ends, None)
    if found is None or last is None or _letters("".join(lines[first:last])) != _letters(expected.text):
        return False
    runs = [len(line) - len(line.lstrip(found["fence"][0])) for line in (each.lstrip() for each in output)]
    if max(runs) >= len(found["fence"]):
        # What the block wrote would close the fence that holds it.
        longer = found["fence"][0] * (max(runs) + 1)
        lines[first - 1] = opening.replace(found["fence"], longer, 1)
        lines[last] = lines[last].replace(found["fence"], longer, 1)
    ending = opening[len(opening.rstrip("\r\n")) :]
    lines[first:last] = [(found["indent"] + line).rstrip() + ending for line in output]
    return True


def _letters(text: str) -> str:
    """The text without what depends on where it stands: blanks, line endings, marks of quotes."""
    return re.sub(r"[\s>]+", "", text)


def main() -> int:
    """Build the site of the current folder, writing what blocks write into their `expected` fences.

    The command is `python -m einsum_doc.pages.expected`, with the options of `mkdocs build`.
    The site itself goes to a temporary folder.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "mkdocs", "build", "--quiet", *sys.argv[1:], "--site-dir", folder]
        return subprocess.run(command, env={**os.environ, REWRITE: folder}, check=False).returncode
