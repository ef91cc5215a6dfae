"""Errors that name the fault, mark it with a caret, and show the input."""

from collections.abc import Iterable, Sequence

Shape = tuple[int, ...]


class EinsumError(ValueError):
    """Something is wrong with an einsum; the facts are fields, `str()` is the whole message.

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
