"""Steps -> Unicode text for a terminal: numbered rows, their `=` aligned, each with its reason."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from unicodedata import combining

from einsum_doc.notation.expression import plain
from einsum_doc.notation.step import Step

_LEAST = 40  # columns for the reasons beside the rows; with fewer they stand below


def rows(steps: Sequence[Step], width: int) -> list[str]:
    """Return the lines of text that a terminal shows for the steps of a derivation."""
    cells = [("" if step.left is None else str(step.left), str(step.right), spoken(step.reason)) for step in steps]
    left = max(_columns(cell[0]) for cell in cells)
    digits = max(2, len(str(len(cells))))
    indent = digits + 2 + left + 3
    right = max(_columns(cell[1]) for cell in cells)
    beside = width - indent - right - 3
    lines = []
    for number, (before, after, reason) in enumerate(cells, 1):
        line = f"{number:{digits}}  {_filled(before, left)} = {after}"
        if beside >= _LEAST:
            first, *more = wrapped(reason, beside)
            lines.append(f"{_filled(line, indent + right)}   {first}")
            lines += [" " * (indent + right + 3) + words for words in more]
        else:
            lines.append(line)
            lines += [" " * indent + words for words in wrapped(reason, width - indent)]
    return lines


def _columns(words: str) -> int:
    """Return the columns that a terminal needs: an accent stands on the letter before it."""
    return sum(not combining(character) for character in words)


def _filled(words: str, width: int) -> str:
    return words + " " * (width - _columns(words))


def wrapped(sentence: str, width: int) -> list[str]:
    """Return the lines of a sentence."""
    return textwrap.wrap(sentence, max(width, 20), break_on_hyphens=False) or [""]


_DOTS = re.compile(r" *\\dots *")
_LONELY = re.compile(r"_\{([^'{}\s])\}")


def spoken(reason: str) -> str:
    r"""Return a reason with its mathematics in Unicode.

    >>> spoken(r"Eliminate $\delta_{ii'}$: $\mathbf{1}_{j}$ stays.")
    "Eliminate δ_{ii'}: 1_j stays."
    """
    parts = reason.split("$")
    parts[1::2] = [_LONELY.sub(r"_\1", plain(_DOTS.sub("…", formula))) for formula in parts[1::2]]
    return "".join(parts)
