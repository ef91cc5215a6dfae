"""The output of a block compared with its `expected` fence."""

from __future__ import annotations

import difflib
import math
import re

from einsum_doc.pages.record.block import Expected
from einsum_doc.pages.record.result import Failure
from einsum_doc.pages.record.text import plain

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?)")


def differs(output: str, expected: Expected) -> Failure | None:
    """Return the difference between an output and what is expected as a failure; None if there is none.

    White space at the ends of lines and the colours of a terminal are ignored. A number written with a point or
    an exponent may differ by the tolerance: relative to the expected number, or absolute if that is 0.

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
    # A line within tolerance is shown as it is expected, without a difference.
    for index, (want, give) in enumerate(zip(wanted, given, strict=False)):
        if _same(want, give, expected.tolerance):
            given[index] = want
    difference = [line for line in difflib.ndiff(wanted, given) if not line.startswith("?")]
    return Failure(expected.location, "OutputError", "the output is not what is expected", tuple(difference))


def lines_of(text: str) -> list[str]:
    """Return the lines of an output that are compared."""
    return [line.rstrip() for line in plain(text).strip("\n").split("\n")]


def _same(wanted: str, given: str, tolerance: float) -> bool:
    if "\t" in given:  # Markdown has expanded the tabs of the fence
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
