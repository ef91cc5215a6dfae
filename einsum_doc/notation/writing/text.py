"""Derivation -> Unicode text for a terminal: numbered rows, their `=` aligned, each with its reason."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING
from unicodedata import combining

from einsum_doc.notation.expression import ACCENTS, GREEK

if TYPE_CHECKING:
    from einsum_doc.notation.deriving.derive import Derivation

_LEAST = 40  # columns for the reasons beside the rows; with fewer they stand below


def text(derivation: Derivation, width: int = 120) -> str:
    """A derivation, as a terminal shows it."""
    rows = [
        ("" if step.left is None else str(step.left), str(step.right), spoken(step.reason)) for step in derivation.steps
    ]
    left = max(_width(row[0]) for row in rows)
    digits = max(2, len(str(len(rows))))
    indent = digits + 2 + left + 3
    right = max(_width(row[1]) for row in rows)
    beside = width - indent - right - 3
    lines = [heading(derivation), ""]
    for number, (before, after, reason) in enumerate(rows, 1):
        line = f"{number:{digits}}  {_filled(before, left)} = {after}"
        if beside >= _LEAST:
            first, *more = _wrapped(reason, beside)
            lines.append(f"{_filled(line, indent + right)}   {first}")
            lines += [" " * (indent + right + 3) + words for words in more]
        else:
            lines.append(line)
            lines += [" " * indent + words for words in _wrapped(reason, width - indent)]
    lines += [
        "",
        *_wrapped(derivation.sentence, width),
        "",
        *_wrapped(spoken(derivation.lowering.words), width),
        "",
        *(f"    {line}" for line in derivation.lowering.code.splitlines()),
    ]
    return "\n".join(lines)


def _width(words: str) -> int:
    """The columns that a terminal needs: an accent stands on the letter before it."""
    return sum(not combining(character) for character in words)


def _filled(words: str, width: int) -> str:
    return words + " " * (width - _width(words))


def _wrapped(reason: str, width: int) -> list[str]:
    return textwrap.wrap(reason, max(width, 20), break_on_hyphens=False) or [""]


def heading(derivation: Derivation) -> str:
    """What is derived, and the equations that it comes to."""
    names = [spoken(f"${derivation.names[number]}$") for number in derivation.wrt]
    what = {
        "gradient": lambda: f"the gradient of {names[0]}",
        "tangent": lambda: f"the tangent of {spoken(f'${derivation.output}$')}",
        "second": lambda: f"the second derivative by {names[0]} and {names[1]}",
    }[derivation.mode]()
    found = " + ".join(f"{count} × " * (count > 1) + str(it.equation) for count, it in derivation.multiples)
    return f"{derivation.differentiated}: {what} is {found or 0}"


_ACCENTED = re.compile(r"\\([a-z]+)\{([^{}]*)\}")
_DOTS = re.compile(r" *\\dots *")
_COMMAND = re.compile(r"\\([a-zA-Z]+|,) ?")
_LONELY = re.compile(r"_\{([^'{}\s])\}")


def spoken(reason: str) -> str:
    r"""A reason, with its mathematics in Unicode.

    >>> spoken(r"Eliminate $\delta_{ii'}$: $\mathbf{1}_{j}$ stays.")
    "Eliminate δ_{ii'}: 1_j stays."
    """
    parts = reason.split("$")
    parts[1::2] = map(_unicode, parts[1::2])
    return "".join(parts)


def _unicode(formula: str) -> str:
    found, accents = _DOTS.sub("…", formula), 1
    while accents:
        found, accents = _ACCENTED.subn(_accent, found)
    found = _COMMAND.sub(_command, found)
    return _LONELY.sub(r"_\1", found)


def _accent(match: re.Match[str]) -> str:
    command, inner = match.groups()
    return inner + ACCENTS.get(command, "")


def _command(match: re.Match[str]) -> str:
    command = match.group(1)
    return {"cdots": "⋯ ", ",": ""}.get(command, GREEK.get(command, command))
