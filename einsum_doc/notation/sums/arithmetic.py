r"""Index arithmetic -> deltas: `x_{i+m}` becomes the sum of x_k δ_{k,i+m} over k, so that only deltas are computed.

In the result, indices and numbers in them count from 0.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from einsum_doc.notation.expression import (
    Affine,
    Bounded,
    Delta,
    Expression,
    Fixed,
    Index,
    Indicator,
    NewIndex,
    Partial,
    Picked,
    Product,
    Subscript,
    Summation,
    Tensor,
    mapped,
    with_indices,
)
from einsum_doc.notation.matrices.shapes import Fail


@dataclass(frozen=True)
class Slot(NewIndex):
    """The index of a tensor in place of one that is computed; `written` is that one."""

    written: str = field(default="", compare=False)

    def __str__(self) -> str:
        return self.written


@dataclass(frozen=True)
class Placement(Delta):
    """The delta of an index of a tensor and what is written in its place; zero: the tensor is 0 outside its range."""

    tensor: str = field(kw_only=True)
    zero: bool = field(kw_only=True)


class Placed(Summation):
    """A component, or its derivative, at an index that is computed."""

    is_component = True

    def __str__(self) -> str:
        if not isinstance(self.body, Product):  # A change that looks for a slip has taken its delta away.
            return super().__str__()
        inside, *deltas = self.body.factors
        written = {delta.indices[0]: delta.indices[1] for delta in deltas if isinstance(delta, Delta)}
        return str(with_indices(inside, written))


class Arithmetic:
    """The index arithmetic of a chain. origin: the first value of every index. zero: the tensors that are 0 outside."""

    def __init__(self, origin: int, zero: Collection[str], fail: Fail) -> None:
        self.origin = origin
        self.zero = zero
        self.fail = fail
        self.count = 0

    def lowered(self, expression: Expression) -> Expression:
        """Return an expression with deltas in place of index arithmetic on tensors.

        Raises: NotationError, where a shifted component could be a tensor of its own.
        """
        match expression:
            case Tensor():
                return self._placed(expression, (expression,))
            case Partial(Tensor() as body, by):
                if body.name == by.name and _computed((*body.indices, *by.indices)):
                    letter = next((index for index in body.own if isinstance(index, Index)), "t")
                    expected = f"'% label {letter}' for names of their own, such as the steps of a recursion"
                    fault = f"are {body} and {by} components of one tensor, or two tensors?"
                    raise self.fail(fault, expression.at, expected)
                return self._placed(expression, (body, by))
            case Partial(body, by):
                return self._placed(replace(expression, body=self.lowered(body)), (by,))
            case Delta(indices) | Indicator(indices):
                return replace(expression, indices=tuple(map(self._from_zero, indices)))
            case Summation(indices):
                found = mapped(expression, self.lowered)
                assert isinstance(found, Summation)
                return replace(found, indices=tuple(map(self._from_zero, indices)))
            case _:
                return mapped(expression, self.lowered)

    def _placed(self, expression: Expression, tensors: tuple[Tensor, ...]) -> Expression:
        """Return a tensor, or a derivative with these tensors, with new indices where they are computed."""
        deltas: list[Placement] = []
        new = [self._with_new_indices(tensor, deltas) for tensor in tensors]
        if not deltas:
            return expression
        found: Expression = new[0]
        if isinstance(expression, Partial):
            found = replace(expression, by=new[-1], body=new[0] if len(new) > 1 else expression.body)
        summed = tuple(delta.indices[0] for delta in deltas)
        return Placed(summed, Product((found, *deltas), at=expression.at), at=expression.at)

    def _with_new_indices(self, tensor: Tensor, deltas: list[Placement]) -> Tensor:
        indices: list[Subscript] = []
        for index in tensor.indices:
            if _computed((index,)):
                self.count += 1
                new = Slot(f"{tensor.name} {self.count}", written=str(index), at=index.at)
                written = self._from_zero(index)
                deltas.append(Placement((new, written), tensor=tensor.name, zero=tensor.name in self.zero, at=index.at))
                indices.append(new)
            else:
                indices.append(index)
        return replace(tensor, indices=tuple(indices))

    def _from_zero(self, index: Any) -> Any:
        """Return an index in which all count from 0."""
        if isinstance(index, Bounded):
            start, end = (replace(each, terms=(*each.terms, (-self.origin, ()))) for each in (index.low, index.high))
            return replace(index, low=start, high=end)
        if isinstance(index, Picked):
            return replace(index, indices=tuple(map(self._from_zero, index.indices)))
        if not isinstance(index, Affine):
            return index
        found: list[Any] = [(-self.origin, ())] if self.origin else []
        for number, atoms in index.terms:
            found.append((number, tuple(map(self._from_zero, atoms))))
            rest = tuple(atom for atom in atoms if not isinstance(atom, Index | Fixed | Picked))
            if self.origin and len(rest) < len(atoms):
                found.append((number * self.origin, rest))
        return replace(index, terms=tuple(found))


def _computed(indices: tuple[Subscript, ...]) -> bool:
    return any(isinstance(index, Affine | Picked | Bounded) for index in indices)


def arithmetic_of(part: Expression) -> Iterator[Subscript]:
    """Yield the computed indices on an expression itself."""
    indices = part.indices if isinstance(part, Tensor | Delta | Indicator) else ()
    yield from (index for index in indices if _computed((index,)))
