"""`expected` fences: compared with the outputs of their blocks, and rewritten in place."""

from __future__ import annotations

import difflib
import math
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from einsum_doc.pages.record.block import Expected
from einsum_doc.pages.record.files import write
from einsum_doc.pages.record.result import Failure
from einsum_doc.pages.record.text import lookalikes, plain

REWRITE = "EINSUM_DOC_REWRITE"
"""The environment variable that makes a build rewrite its `expected` fences: the folder of the built site.

A build that writes its site to another folder refuses to run with it."""

_NUMBER = re.compile(
    r"(?<![\w./\\])(?<![^\W\d][-+])[-+]?(?:\d+\.\d*|\.\d+)(?:[eE][-+]?\d+)?(?!(?!j\b)[\w/\\]|\.\w|[-+][^\W\d])"
)
"""A number with a point that is no part of a name, a version or a path; `1.5-2.5j` is two."""
LINES = 100
"""The number of lines before and after the first difference that are shown."""
LONGEST = 2000
"""The number of characters of a line that are shown, around the first difference."""


def differs(output: str, expected: Expected) -> Failure | None:
    """Return the difference between an output and the expected one as a failure; None if there is none.

    White space at the ends of lines and the colours of a terminal are ignored. A number may differ by the tolerance,
    relative to the larger of both, or absolute if 0 is expected, if both are written with a point, and both or
    neither with an exponent.

    >>> from einsum_doc.pages.record.block import Location
    >>> differs("loss 0.333333", Expected(Location("docs/a.md", 9), "loss 0.3333334"))
    >>> print(differs("loss 0.34", Expected(Location("docs/a.md", 9), "loss 0.33")))
    docs/a.md:9: OutputError: the output is not what is expected
      - loss 0.33
      + loss 0.34
    """
    wanted, given = lines_of(expected.text), lines_of(output)
    if len(wanted) == len(given) and all(_same(*pair, expected.tolerance) for pair in zip(wanted, given, strict=True)):
        return None
    # To find the difference of long texts takes too long: that of their parts from the first on is shown.
    both = enumerate(zip(wanted, given, strict=False))
    first = next((index for index, pair in both if not _same(*pair, expected.tolerance)), min(len(wanted), len(given)))
    lines = slice(max(0, first - LINES), first + LINES)
    heads = ["".join(each[first : first + 1]) for each in (wanted, given)]
    same = len(os.path.commonprefix(heads))  # noqa: RUF071 — they are no paths
    part = slice(max(0, same - LONGEST // 2), same + LONGEST // 2)
    wanted, given = ([line[part] for line in each[lines]] for each in (wanted, given))
    # A line within tolerance is shown as it is expected, without a difference.
    for index, (want, give) in enumerate(zip(wanted, given, strict=False)):
        if _same(want, give, expected.tolerance):
            given[index] = want
    difference = [line for line in difflib.ndiff(wanted, given) if not line.startswith("?")]
    pairs = zip(*([line[2:] for line in difference if line[0] == sign] for sign in "-+"), strict=False)
    named = next(filter(None, (lookalikes(*pair) for pair in pairs)), "")
    difference += [f"they look alike, and differ in {named}"] if named else []
    return Failure(expected.location, "OutputError", "the output is not what is expected", tuple(difference))


def lines_of(text: str) -> list[str]:
    """Return the lines of an output that are compared."""
    return [line.rstrip() for line in plain(text).strip("\n").split("\n")]


def _same(wanted: str, given: str, tolerance: float) -> bool:
    # Markdown may have expanded the tabs of the fence, which may be indented.
    forms = {given, *((" " * indent + given).expandtabs(4)[indent:] for indent in range(4))}
    return any(_agrees(wanted, form, tolerance) for form in forms)


def _agrees(wanted: str, given: str, tolerance: float) -> bool:
    if wanted == given:
        return True
    if _NUMBER.split(wanted) != _NUMBER.split(given):
        return False
    return all(
        want == give or _close(want, give, tolerance)
        for want, give in zip(_NUMBER.findall(wanted), _NUMBER.findall(given), strict=True)
    )


def _close(wanted: str, given: str, tolerance: float) -> bool:
    if ("e" in wanted.lower()) != ("e" in given.lower()):
        return False
    want, give = float(wanted), float(given)
    # Equal numbers that are written differently are text: 2.1 and 2.10 may be versions.
    return want != give and math.isclose(want, give, rel_tol=tolerance, abs_tol=0.0 if want else tolerance)


def rewrite(root: Path, outputs: Iterable[tuple[Expected, str]]) -> tuple[list[Expected], list[Failure]]:
    """Write the outputs of blocks into the `expected` fences that they differ from, in place.

    Returns the rewritten fences, and a failure for each that is not in its file as it was read: a snippet or
    another plugin has put it there.
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
            if _replace(lines, expected, lines_of(output)):
                rewritten.append(expected)
            else:
                told = "the output is not what is expected, and cannot be written here"
                why = "what is expected comes from elsewhere: from a snippet, or from another plugin"
                failures.append(Failure(expected.location, "OutputError", told, (why,)))
        if "".join(lines) != text:
            write(path, "".join(lines))
    return sorted(rewritten, key=lambda expected: expected.location), failures


def _replace(lines: list[str], expected: Expected, output: Sequence[str]) -> bool:
    """Replace the content of a fence by the output; return False if the file does not hold the fence."""
    first = expected.location.line
    opening = lines[first - 1] if first <= len(lines) else ""
    found = re.match(r"\ufeff?(?P<indent>[> \t]*)(?P<fence>`{3,}|~{3,})", opening)
    ends = (index for index in range(first, len(lines)) if found and lines[index].strip("> \t\r\n") == found["fence"])
    last = next(ends, None)
    if found is None or last is None or _letters("".join(lines[first:last])) != _letters(expected.text):
        return False
    runs = [len(line) - len(line.lstrip(found["fence"][0])) for line in (each.lstrip() for each in output)]
    if max(runs) >= len(found["fence"]):
        # The output would close the fence.
        longer = found["fence"][0] * (max(runs) + 1)
        lines[first - 1] = opening.replace(found["fence"], longer, 1)
        lines[last] = lines[last].replace(found["fence"], longer, 1)
    ending = opening[len(opening.rstrip("\r\n")) :]
    lines[first:last] = [(found["indent"] + line).rstrip() + ending for line in output]
    return True


def _letters(text: str) -> str:
    """Return text without blanks, line endings and marks of quotes, which depend on where the fence stands."""
    return re.sub(r"[\s>]+", "", text)
