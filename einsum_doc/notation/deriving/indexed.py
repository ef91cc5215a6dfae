"""Equation -> IndexedEquation: its tensors, their names and indices, and the product that defines its output."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from einsum_doc.derivatives import check_operand
from einsum_doc.equation import ELLIPSIS, Equation
from einsum_doc.errors import NotationError, OperandError, sequence
from einsum_doc.notation.deriving.letters import GREEK_LETTERS, NAMES, Letters, accented
from einsum_doc.notation.deriving.rules import Factors, primed
from einsum_doc.notation.expression import Delta, Expression, Index, One, Partial, Subscript, Tensor, identifier
from einsum_doc.notation.reading.parse import parse_expression
from einsum_doc.notation.reading.vocabulary import BOLD_STYLES


class IndexedEquation:
    """An equation in index notation, as `z = x y ...`.

    subscripts: the index of each label, or its range for an ellipsis.
    terms: the subscripts of each operand.
    tensors: the operands.
    z: the output, with an index of its own for each axis.
    deltas: those between axes of the output that have the same label.
    ones: the one-tensors of labels that are summed alone, or are only in the output.
    upstream: the derivative of the loss by the output.
    """

    def __init__(self, equation: Equation, names: Sequence[str] | None, output: str | None, loss: str | None) -> None:
        self.equation = equation
        if names is not None:
            names = sequence(names, "names", "names in LaTeX")
        given = [*(names or ()), *(name for name in (output, loss) if name is not None)]
        for name in given:
            _check_name(name)
        for scalar in (loss, None if equation.output else output):
            if scalar is not None:
                _check_name(scalar, scalar=True)
        self.letters = Letters(equation, given)
        self.subscripts = self.letters.subscripts
        self.output = output or self.letters.first_of("zuvstrqp", NAMES, GREEK_LETTERS)
        self.loss = loss or self.letters.first_of("l", [r"\mathcal{L}", r"\mathcal{J}"])
        indices, self.deltas = self._output_indices()
        if names is None:
            self.names = self.letters.names(len(equation.operands))
        else:
            self.names = names
            self._check_names()
        self.terms = tuple(tuple(map(self.subscripts.__getitem__, term)) for term in equation.operands)
        self.tensors = tuple(map(Tensor, self.names, self.terms))
        self.z = Tensor(self.output, indices)
        self.ones = self._ones()
        self.upstream = Partial(Tensor(self.loss), self.z)

    def _output_indices(self) -> tuple[tuple[Subscript, ...], tuple[Delta, ...]]:
        """Return an index of its own for each axis of the output, and the deltas between those of one label."""
        indices: list[Subscript] = []
        deltas: list[Delta] = []
        for label in self.equation.output:
            index = self.subscripts[label]
            if index in indices:
                fresh = Index(self.letters.fresh(index.letter if isinstance(index, Index) else "a"))
                deltas.append(Delta((index, fresh)))
                index = fresh
            indices.append(index)
        return tuple(indices), tuple(deltas)

    def _ones(self) -> tuple[One, ...]:
        ones = []
        for label in self.equation.labels:
            index = self.subscripts[label]
            count = sum(term.count(label) for term in self.equation.operands)
            count += sum(index in delta.indices for delta in self.deltas)
            if count == 0 or (count == 1 and label not in self.equation.output):
                ones.append(One((index,)))
        return tuple(ones)

    def factors(self, replaced: Mapping[int, Factors] | None = None) -> list[Expression]:
        """Return the factors on the right side, with others for the operands in some slots."""
        slots = [(replaced or {}).get(slot, [tensor]) for slot, tensor in enumerate(self.tensors)]
        return [*(factor for slot in slots for factor in slot), *self.deltas, *self.ones]

    def slots(self, name: str) -> list[int]:
        """Return the slots in which a tensor stands."""
        return [slot for slot, other in enumerate(self.names) if other == name]

    def primed_indices(self, *numbers: int) -> tuple[Subscript, ...]:
        """Return a primed index for each axis of some operands: a label's second axis has two primes, and so on."""
        count: dict[Subscript, int] = {}
        found = []
        for index in (index for number in numbers for index in self.terms[number]):
            count[index] = count.get(index, 0) + 1
            found.append(primed(index, count[index]))
        return tuple(found)

    def deltas_in(self, slot: int, by: Tensor) -> Factors:
        """Return the deltas that differentiation leaves in a slot; those over a range first, where dots stand alone."""
        deltas = [Delta((index, fresh)) for index, fresh in zip(self.terms[slot], by.indices, strict=True)]
        return sorted(deltas, key=lambda delta: isinstance(delta.indices[0], Index))

    def operand(self, number: int | None) -> int:
        """Return the number of an operand, checked; None is the only one."""
        count = len(self.names)
        if number is None and count > 1:
            fault = f"wrt is missing: the equation has {count}, numbered from 0"
            raise OperandError(fault, text=self.equation.text)
        return check_operand(self.equation, 0 if number is None else number)

    def other_operand(self, first: int | None, second: int | None) -> int:
        """Return the operand to differentiate by as well; None is the one that is left."""
        rest = [number for number in range(len(self.names)) if number != first]
        if second is None and len(rest) == 1:
            return rest[0]
        if second is None:
            raise OperandError("wrt2 is missing: the second derivative is by two operands", text=self.equation.text)
        return self.operand(second)

    def _check_names(self) -> None:
        operands, names = self.equation.operands, self.names
        if len(names) != len(operands):
            called = f"{len(names)} {'name' if len(names) == 1 else 'names'}"
            raise OperandError(f"{called} for {len(operands)} operands: {', '.join(names)}", text=self.equation.text)
        for name in (self.output, self.loss):
            if name in names:
                what = "output" if name == self.output else "loss"
                raise OperandError(f"the {what} and an operand are both called {name}", text=self.equation.text)
        spelt: dict[str, str] = {}
        for spelling in (self.output, *names):
            if (same := spelt.setdefault(identifier(spelling), spelling)) != spelling:
                fault = f"{same} and {spelling} are both called {identifier(spelling)} in code"
                raise OperandError(fault, text=self.equation.text)
        for number, name in enumerate(names):
            if not operands[number]:
                _check_name(name, scalar=True)
            first = names.index(name)
            one, other = operands[first], operands[number]
            if len(one) != len(other) or (ELLIPSIS in one) != (ELLIPSIS in other):
                differ = "differ in their number of axes"
            elif ELLIPSIS in one and one.index(ELLIPSIS) != other.index(ELLIPSIS):
                differ = "have their ellipses in different places: name the axes"
            else:
                continue
            raise OperandError(
                f"operands {first} and {number} are both called {name}, but {differ}",
                text=self.equation.text,
                operands=[first, number],
            )

    def check_accents(self, accent: str, names: Iterable[str], what: str) -> None:
        """Check that no operand has a name that a derivation needs for something else."""
        for name in names:
            if (made := accented(accent, name)) in (*self.names, self.output):
                raise OperandError(f"{made} is the name of {what} here, and of an operand", text=self.equation.text)


def _check_name(name: str, scalar: bool = False) -> None:
    if not _is_name(name, scalar):
        expected = (
            "scalar: a letter such as x that is not bold" if scalar else "tensor: a letter such as x, or \\mathbf{x}"
        )
        raise OperandError(f"{name!r} is no name of a {expected}{_spelling(name, scalar)}")


def _is_name(name: str, scalar: bool) -> bool:
    """Return whether a name can be read, as that of a scalar or that of a tensor with indices."""
    try:
        found = parse_expression(name if scalar else name + "_{i}")
    except (NotationError, TypeError):
        return False
    bold = scalar and any(style in name for style in BOLD_STYLES)
    return isinstance(found, Tensor) and found.name == name and not bold


_SPELLINGS = {
    r"([A-Za-z]{2,})": r"\\mathrm{\1}",
    r"(.+)_\{?([A-Za-z]+)\}?": r"\1_{\\text{\2}}",
    r"(.+?)_?\{?(\d+)\}?": r"\1^{(\2)}",
}
"""Words, and letters with a subscript or a number: how they are typed, and as names in LaTeX."""


def _spelling(name: str, scalar: bool) -> str:
    r"""Return the hint how a name is spelt in LaTeX, if it can be one.

    >>> _spelling("query", False), _spelling("W_q", False), _spelling("x1", False), _spelling("?", False)
    ('; write \\mathrm{query}', '; write W_{\\text{q}}', '; write x^{(1)}', '')
    """
    for typed, spelt in _SPELLINGS.items() if isinstance(name, str) else ():
        if (found := re.fullmatch(typed, name)) and _is_name(found.expand(spelt), scalar):
            return f"; write {found.expand(spelt)}"
    return ""
