"""Errors that name the fault, mark it with a caret, and show the input."""

import reprlib
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from operator import index
from typing import Any

Shape = tuple[int, ...]


class EinsumError(ValueError, RuntimeError):
    """Something is wrong with an einsum; the facts are fields, `str()` is the whole message.

    It is a ValueError and a RuntimeError: `torch.einsum` raises both.

    >>> print(EinsumError("stray character '$'", text="i$->i", places=[1]))
    stray character '$'
      i$->i
       ^

    fault: the fault in one line.
    text: the equation, as it was written.
    places: positions in `text` that are at fault; a caret stands under each.
    label: the label at fault, if it is one label.
    operands: the numbers of the operands at fault.
    given: the operands that were given, one line each: labels and shape.
    """

    def __init__(
        self,
        fault: str,
        *,
        text: str | None = None,
        places: Iterable[int] = (),
        label: str | None = None,
        operands: Iterable[int] = (),
        given: Sequence[str] = (),
    ) -> None:
        super().__init__(fault)
        self.fault = fault
        self.text = text
        self.places = tuple(sorted(set(places)))
        self.label = label
        self.operands = tuple(operands)
        self.given = tuple(given)

    def __str__(self) -> str:
        marked = [] if self.text is None else _marked(self.text, self.places)
        return "\n".join([self.fault, *marked, *("  " + line for line in self.given)])


def _marked(line: str, places: Sequence[int]) -> list[str]:
    """Return a line of text, indented, and a line with a caret under each place in it, if there are any."""
    lines = ["  " + "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)]
    if places:
        lines.append("  " + "".join("^" if place in places else " " for place in range(places[-1] + 1)))
    return lines


class EquationError(EinsumError):
    """The equation itself is at fault: it cannot be read, or has no meaning.

    >>> from einsum_doc import parse
    >>> parse("ij,j1->i")
    Traceback (most recent call last):
        ...
    einsum_doc.errors.EquationError: stray character '1'
      ij,j1->i
          ^
    """


class OperandError(EinsumError):
    """The operands do not fit the equation: their number, dimensions, sizes, dtypes or devices.

    >>> from einsum_doc import cost
    >>> cost("ik,kj->ij", [(4, 3), (2, 5)])
    Traceback (most recent call last):
        ...
    einsum_doc.errors.OperandError: label 'k' has size 3 in operand 0 and size 2 in operand 1
      ik,kj->ij
       ^ ^
      operand 0: ik, shape (4, 3)
      operand 1: kj, shape (2, 5)
    """


class ArgumentError(EinsumError, TypeError):
    """An argument has a type or a value that the function does not take.

    >>> from einsum_doc import emit
    >>> emit("ij->i", 0, "numpi")
    Traceback (most recent call last):
        ...
    einsum_doc.errors.ArgumentError: there is no library 'numpi': did you mean 'numpy'?

    It is a TypeError too: `torch.einsum` raises one for what is no tensor or no text.
    """


def shown(value: Any) -> str:
    """Return an argument as an error shows it: on one line, and cut if it is long."""
    return " ".join(reprlib.repr(value).split())


def whole(value: Any, what: str) -> int:
    """Return an argument that is a whole number from 0 on; `what` begins the sentence that refuses another."""
    try:
        number = index(value)
    except TypeError:
        number = -1
    if number < 0:
        raise ArgumentError(f"{what} a whole number from 0 on, not {shown(value)}")
    return number


def chosen(value: Any, name: str, choices: Iterable[str]) -> str:
    """Return an argument that is one of several words."""
    words = list(choices)
    if isinstance(value, str) and value in words:
        return value
    close = get_close_matches(str(value), words, 1, 0.75)
    hint = f"did you mean {close[0]!r}?" if close else ", ".join(words)
    raise ArgumentError(f"there is no {name} {shown(value)}: {hint}")


def sequence(value: Any, name: str, of: str) -> tuple[Any, ...]:
    """Return the items of an argument that is a sequence."""
    try:
        return tuple(value)
    except TypeError:
        raise ArgumentError(f"{name} is a sequence of {of}, not {shown(value)}") from None


def describe(number: int, term: str, shape: Sequence[int]) -> str:
    """Describe one operand in a line of an error's message.

    >>> describe(0, "ik", (4, 3))
    'operand 0: ik, shape (4, 3)'
    """
    return f"operand {number}: {term or 'no labels'}, shape {tuple(shape)}"


class NotationError(ValueError):
    r"""Index notation that cannot be read, or has no meaning.

    >>> print(NotationError("an index is missing", text="x_ = y_i", position=(0, 3), expected="an index"))
    an index is missing
      x_ = y_i
         ^
      expected: an index

    fault: the fault in one line.
    text: the whole text that was to be read; `position` is the line and the column in it, both from 0.
    expected: a description of valid input there.
    """

    def __init__(self, fault: str, *, text: str = "", position: tuple[int, int] = (0, 0), expected: str = "") -> None:
        super().__init__(fault)
        self.fault = fault
        self.text = text
        self.position = position
        self.expected = expected

    def __str__(self) -> str:
        number, column = self.position
        rows = self.text.split("\n")
        row = rows[number] if number < len(rows) else ""
        expected = ["  expected: " + self.expected] if self.expected else []
        return "\n".join([self.fault, *_marked(row, [column]), *expected])
