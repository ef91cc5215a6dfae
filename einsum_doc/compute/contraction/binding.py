"""Equation + shapes -> Binding: every axis has its label and every label its size."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import index
from typing import Any, NoReturn

from einsum_doc.equation import ELLIPSIS, Equation, Role, Term
from einsum_doc.errors import (
    ArgumentError,
    EinsumError,
    EquationError,
    OperandError,
    Shape,
    describe,
    sequence,
    shown,
    whole,
)

Sizes = Mapping[str, int | Sequence[int]]
"""The size of each label; that of '...' is the sequence of its axes' sizes."""


@dataclass(frozen=True)
class Binding:
    """An equation whose sizes are known.

    The axes under an ellipsis have labels of their own, counted from the right because that is how they are
    aligned: '...1' is the last one.

    operands, output: one label per axis.
    shapes: the operands' shapes, as given; an axis of size 1 broadcasts against a larger one of its label.
    sizes: the size of each label.
    """

    operands: tuple[Term, ...]
    output: Term
    shapes: tuple[Shape, ...]
    sizes: Mapping[str, int]

    @property
    def output_shape(self) -> Shape:
        """The shape of the output."""
        return tuple(self.sizes[label] for label in self.output)


def bind(
    equation: Equation,
    shapes: Iterable[Sequence[int]],
    sizes: Sizes | None = None,
    upstream: Sequence[int] | None = None,
) -> Binding:
    """Give every axis its label and every label its size.

    >>> from einsum_doc import parse
    >>> binding = bind(parse("...j,jk->...k"), [(5, 2, 3), (3, 4)])
    >>> binding.output, binding.output_shape
    (('...2', '...1', 'k'), (5, 2, 4))

    shapes: one for each operand.
    sizes: of labels that are only in the output, or to broadcast a label that has size 1.
    upstream: the shape of the upstream gradient, from which such sizes are read if `sizes` does not say them.
    Raises: OperandError, if the shapes do not fit the equation or each other; EquationError, if a label of
    the output has no size.
    Source: broadcasting and alignment are those of `torch.einsum`.
    """
    given = dict(freeze(sizes))
    shape = None if upstream is None else tuple(upstream)
    return _Binder(equation, tuple(map(tuple, shapes)), given, shape).bind()


def read_sizes(text: str) -> dict[str, int | Shape]:
    """Read sizes that are written as text.

    >>> read_sizes("i=4,...=2x5")
    {'i': 4, '...': (2, 5)}

    Raises: OperandError, if the text is not of this form.
    """
    sizes: dict[str, int | Shape] = {}
    for part in filter(None, text.replace(" ", "").split(",")):
        label, _, value = part.partition("=")
        numbers = [number for number in value.split("x") if number or label != ELLIPSIS]
        if not all(number.isdecimal() for number in numbers) or (len(numbers) != 1 and label != ELLIPSIS):
            raise OperandError(f"sizes are written as i=4,j=3 or ...=2x5, not {part!r}")
        if label in sizes:
            raise OperandError(f"the size of {label!r} is given twice", label=label)
        sizes[label] = tuple(map(int, numbers)) if label == ELLIPSIS else int(numbers[0])
    return sizes


FrozenSizes = tuple[tuple[str, int | Shape], ...]
"""Sizes that can be hashed."""


def freeze(sizes: Sizes | None) -> FrozenSizes:
    """Convert sizes to a value that can be the key of a cache."""
    if sizes is not None and not isinstance(sizes, Mapping):
        raise ArgumentError(f"sizes are those of labels, such as {{'i': 4}}, not {shown(sizes)}")
    return tuple((str(label), _plain(size)) for label, size in (sizes or {}).items())


def _plain(size: Any) -> Any:
    """Convert a sequence to a tuple, and a whole number to an int: NumPy's, or one that torch.compile traces.

    What is neither is only shown, and may have no hash.
    """
    if isinstance(size, Sequence) and not isinstance(size, str):
        return tuple(map(_plain, size))
    try:
        return index(size)
    except TypeError:
        return shown(size)


def check_limit(memory_limit: int | None) -> int | None:
    """Return a memory limit, if it is one."""
    return None if memory_limit is None else whole(memory_limit, "memory_limit is")


def shapes_from(equation: Equation, sizes: Sizes | Sequence[Sequence[int]]) -> tuple[list[Shape], Sizes]:
    """Return the operands' shapes, and the sizes that only the output has.

    >>> from einsum_doc import parse
    >>> shapes_from(parse("ij->ik"), {"i": 2, "j": 3, "k": 4})
    ([(2, 3)], {'k': 4})

    sizes: of each label, or the shapes of the operands and then, if it has new labels, of the output.
    Raises: OperandError, if a label has no size, or a size no label.
    """
    broadcast = [label for label, roles in equation.roles.items() if Role.BROADCAST in roles]
    if not isinstance(sizes, Mapping):
        form = "shapes such as (4, 3), or a dict such as {'i': 4}"
        each = [sequence(shape, "a shape", "sizes") for shape in sequence(sizes, "sizes", form)]
        shapes = [tuple(whole(size, "a size is") for size in shape) for shape in each]
        count = len(equation.operands)
        if len(shapes) == count + 1:
            binding = bind(equation, shapes[:count], upstream=shapes[count])
            return shapes[:count], _sizes_of(binding, broadcast)
        bind(equation, shapes)
        return shapes, {}
    sizes = dict(freeze(sizes))
    given = [f"sizes: {sizes}"]
    for label in equation.labels:
        if label not in sizes and label != ELLIPSIS:
            places = equation.positions(label)
            raise OperandError(
                f"label {label!r} has no size", text=equation.text, label=label, places=places, given=given
            )
    for label in sizes:
        if label not in equation.labels:
            fault = f"a size is given for {label!r}, which is no label of the equation"
            raise OperandError(fault, text=equation.text, label=label, given=given)
    for label, size in sizes.items():
        if (wrong := _fault(label, size)) is not None:
            raise OperandError(wrong, text=equation.text, label=label, places=equation.positions(label))
    shapes = [_shape(term, sizes) for term in equation.operands]
    return shapes, {label: sizes[label] for label in broadcast if label in sizes}


def _sizes_of(binding: Binding, labels: Sequence[str]) -> Sizes:
    """Return the sizes of these labels; those of the ellipsis' axes as one."""
    sizes: dict[str, int | Sequence[int]] = {label: binding.sizes[label] for label in labels if label != ELLIPSIS}
    if ELLIPSIS in labels:
        sizes[ELLIPSIS] = [binding.sizes[axis] for axis in binding.output if axis.startswith(ELLIPSIS)]
    return sizes


def _shape(term: Sequence[str], sizes: Sizes) -> Shape:
    shape: list[int] = []
    for label in term:
        size = sizes.get(label, ())
        shape += [size] if isinstance(size, int) else size
    return tuple(shape)


@dataclass
class _Binder:
    """The arguments of `bind`, which its steps share and every error shows."""

    equation: Equation
    shapes: tuple[Shape, ...]
    given: dict[str, int | Shape]
    upstream: Shape | None

    def bind(self) -> Binding:
        self._check_number()
        operands = tuple(self._axes(number) for number in range(len(self.shapes)))
        output = self._output_axes(operands)
        sizes = self._operand_sizes(operands)
        self._add_given(sizes, output)
        self._add_upstream(sizes, output)
        for label in output:
            if label not in sizes:
                fault = f"{_name(label)} is in the output but in no operand, and has no size"
                self._refuse(fault, label=label, error=EquationError)
        return Binding(operands, output, self.shapes, sizes)

    def _check_number(self) -> None:
        expected, count = len(self.equation.operands), len(self.shapes)
        if expected != count:
            were = "was" if count == 1 else "were"
            raise OperandError(
                f"the equation has {_counted(expected, 'operand')}, but {count} {were} given",
                text=self.equation.text,
                places=[place for missing in range(count, expected) for place in self.equation.span(missing)],
                given=[f"operand {number}: shape {shape}" for number, shape in enumerate(self.shapes)],
            )

    def _axes(self, number: int) -> Term:
        """Return the label of each axis of an operand."""
        term, shape = self.equation.operands[number], self.shapes[number]
        labels = len(term) - (ELLIPSIS in term)
        spare = len(shape) - labels
        if spare < 0 or (spare > 0 and ELLIPSIS not in term):
            at_least = "at least " if ELLIPSIS in term else ""
            self._refuse(
                f"operand {number} has {_counted(len(shape), 'dimension')}, but its labels {''.join(term)!r} "
                f"need {at_least}{labels}",
                operands=[number],
            )
        return _expand(term, spare)

    def _output_axes(self, operands: tuple[Term, ...]) -> Term:
        """Return the label of each axis of the output; an ellipsis covers as many as the longest one."""
        count = max((sum(label.startswith(ELLIPSIS) for label in term) for term in operands), default=0)
        if all(ELLIPSIS not in term for term in self.equation.operands):
            given = self.given.get(ELLIPSIS)
            if isinstance(given, tuple):
                count = len(given)
            elif self.upstream is not None:
                count = max(0, len(self.upstream) - len(self.equation.output) + 1)
        return _expand(self.equation.output, count)

    def _operand_sizes(self, operands: tuple[Term, ...]) -> dict[str, int]:
        """Return the size of each label that is in an operand: 1 gives way to any other."""
        sizes: dict[str, int] = {}
        source: dict[str, int] = {}
        for number, (term, shape) in enumerate(zip(operands, self.shapes, strict=True)):
            own: dict[str, int] = {}
            for label, size in zip(term, shape, strict=True):
                if own.setdefault(label, size) != size:
                    self._refuse(
                        f"label {label!r} is repeated in operand {number} with sizes {own[label]} and {size}",
                        label=label,
                        operands=[number],
                    )
            for label, size in own.items():
                known = sizes.setdefault(label, size)
                source.setdefault(label, number)
                if known == 1 != size:
                    sizes[label], source[label] = size, number
                elif size not in (1, known):
                    earlier = source[label]
                    there, here = f"size {known} in operand {earlier}", f"size {size} in operand {number}"
                    self._refuse(
                        f"{_name(label)} has {there} and {here}",
                        label=label,
                        operands=[earlier, number],
                    )
        return sizes

    def _add_given(self, sizes: dict[str, int], output: Term) -> None:
        for label, size in self._given_axes():
            if label not in output:
                self._refuse(f"a size is given for {_name(label)}, which is not in the output", label=label)
            self._set_size(sizes, label, size, "by `sizes`")

    def _given_axes(self) -> list[tuple[str, int]]:
        """Return the sizes that were given, one for each axis under an ellipsis."""
        axes: list[tuple[str, int]] = []
        for label, size in self.given.items():
            if (fault := _fault(label, size)) is not None:
                self._refuse(fault, label=label)
            values = (size,) if isinstance(size, int) else size
            axes += zip(_expand((label,), len(values)), values, strict=True)
        return axes

    def _add_upstream(self, sizes: dict[str, int], output: Term) -> None:
        if self.upstream is None:
            return
        if len(self.upstream) != len(output):
            dimensions = _counted(len(self.upstream), "dimension")
            self._refuse(f"the upstream gradient has {dimensions}, but the output has {len(output)}")
        for label, size in zip(output, self.upstream, strict=True):
            if size != sizes.get(label):
                self._set_size(sizes, label, size, "in the upstream gradient", fixed=label in sizes)

    def _set_size(self, sizes: dict[str, int], label: str, size: int, where: str, *, fixed: bool = False) -> None:
        """Set a size from outside the operands; a size 1 of theirs gives way to it unless it is `fixed`."""
        known = sizes.get(label, size)
        if known != size and (fixed or known != 1):
            self._refuse(f"{_name(label)} has size {known} and is given size {size} {where}", label=label)
        sizes[label] = size

    def _refuse(
        self,
        fault: str,
        *,
        label: str | None = None,
        operands: Sequence[int] = (),
        error: type[EinsumError] = OperandError,
    ) -> NoReturn:
        """Raise an error that marks these operands, or a label: in them, or without any wherever it is."""
        if label is None:
            places = [place for number in operands for place in self.equation.span(number)]
        else:
            written = ELLIPSIS if label.startswith(ELLIPSIS) else label
            places = [place for where in operands or (...,) for place in self.equation.positions(written, where)]
        given = [
            describe(number, "".join(term), shape)
            for number, (term, shape) in enumerate(zip(self.equation.operands, self.shapes, strict=True))
        ]
        if self.upstream is not None:
            given.append(f"upstream gradient: shape {self.upstream}")
        raise error(fault, text=self.equation.text, places=places, label=label, operands=operands, given=given)


def _fault(label: str, size: object) -> str | None:
    """Return the fault of a size that was given, None if it has none."""
    if not isinstance(size, tuple if label == ELLIPSIS else int):
        kind = "a sequence of sizes" if label == ELLIPSIS else "one size"
        return f"{_name(label)} takes {kind}, not {size}"
    values = size if isinstance(size, tuple) else (size,)
    if any(not isinstance(value, int) or value < 0 for value in values):
        return f"the size given for {_name(label)} is {size!r}"
    return None


def _expand(term: Term, count: int) -> Term:
    """Replace the ellipsis of a term by the labels of `count` axes."""
    axes = tuple(f"{ELLIPSIS}{axis}" for axis in range(count, 0, -1))
    return tuple(axis for label in term for axis in (axes if label == ELLIPSIS else (label,)))


def _name(label: str) -> str:
    if not label.startswith(ELLIPSIS):
        return f"label {label!r}"
    return f"axis -{label.removeprefix(ELLIPSIS)} under the ellipsis" if label != ELLIPSIS else "the ellipsis"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
