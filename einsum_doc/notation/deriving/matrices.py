"""The terms of a last line -> the same in matrix form: matrices, columns and scalars without indices."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

from einsum_doc.errors import NotationError
from einsum_doc.notation.deriving.rules import Factors, product
from einsum_doc.notation.expression import Expression, Index, Partial, Product, Subscript, Sum, Tensor
from einsum_doc.notation.matrices.nodes import MatrixFunction, Transpose
from einsum_doc.notation.reading.parse import parse_expression


def matrix_form(left: Expression, terms: Sequence[Factors]) -> tuple[Expression, Expression] | None:
    r"""Return both sides of a line without indices, or None if it has no such form, or would say nothing new.

    >>> i, j, k = map(Index, "ijk")
    >>> left, right = matrix_form(Tensor("z", (i, k)), [[Tensor("x", (i, j)), Tensor("y", (k, j))]])
    >>> print(left, "=", right)
    z = x yᵀ
    """
    head, *factors = map(_bare, (left, *chain.from_iterable(terms)))
    if head is None or not terms:
        return None
    rights = []
    for term in terms:
        found = [each for each in map(_bare, term) if each]
        right = _MatrixProduct(found, head.indices).product if len(found) == len(term) else None
        if right is None:
            return None
        rights.append(right)
    every = [head, *(each for each in factors if each)]
    names = {part.name for each in every for part in each.value.walk() if isinstance(part, Tensor)}
    right = rights[0] if len(rights) == 1 else Sum(tuple(rights))
    telling = any(isinstance(part, Product | Transpose) for part in right.walk()) and any(
        each.indices for each in every
    )
    return (head.value, right) if telling and all(map(_is_read_alone, names)) else None


class _Bare(NamedTuple):
    """A factor without its indices, and these."""

    value: Expression
    indices: tuple[Subscript, ...]


def _bare(factor: Expression) -> _Bare | None:
    """Return a factor without its indices; None if it is no component of a vector or a matrix."""
    match factor:
        case Tensor(name, indices):
            value: Expression = Tensor(name)
        case Partial(Tensor(loss, ()), Tensor(name, indices), ()):
            value = Partial(Tensor(loss), Tensor(name))
        case _:
            return None
    single = len(set(indices)) == len(indices) <= 2 and all(isinstance(index, Index) for index in indices)
    return _Bare(value, indices) if single else None


def _is_read_alone(name: str) -> bool:
    """Return whether a name means a tensor without indices too, unlike e and π."""
    try:
        return parse_expression(name) == Tensor(name) and name != "d"
    except NotationError:
        return False


class _MatrixProduct:
    """The factors of a term, taken one after another, each next to that with which it shares an index.

    product: the matrix product; None if an index is in more or fewer factors, or the factors are no single chain.
    """

    def __init__(self, factors: Sequence[_Bare], free: Sequence[Subscript]) -> None:
        scalars = [each.value for each in factors if not each.indices]
        self.rest = [each for each in factors if each.indices]
        every = [index for each in self.rest for index in each.indices]
        single = all(every.count(index) == (1 if index in free else 2) for index in {*every, *free})
        found = self._between(free) if self.rest and single else None if self.rest else []
        self.product = None if found is None or self.rest else product([*scalars, *found])

    def _between(self, free: Sequence[Subscript]) -> list[Expression] | None:
        if not free:
            return self._closed()
        found, end = self._from(free[0])
        if len(free) == 1 or end is not None:
            return found if end == (free[1] if len(free) == 2 else None) else None
        other, end = self._from(free[1])
        return None if end is not None else [*found, *map(_transposed, reversed(other))]

    def _closed(self) -> list[Expression] | None:
        """Return the chain of a scalar: from a vector to another, or the trace of one that ends where it begins."""
        first = min(self.rest, key=lambda each: (len(each.indices), isinstance(each.value, Partial)))
        self.rest.remove(first)
        factor, indices = first
        found, end = self._from(indices[0])
        whole = [_transposed(factor), *found]
        if len(indices) == 1:
            return whole if end is None else None
        return [MatrixFunction("tr", product(whole))] if end == indices[1] else None

    def _from(self, index: Subscript) -> tuple[list[Expression], Subscript | None]:
        """Take the factors from that with an index on, up to a column, or to an index that no other factor has."""
        found: list[Expression] = []
        while taken := next((each for each in self.rest if index in each.indices), None):
            self.rest.remove(taken)
            factor, indices = taken
            if len(indices) == 1:
                return [*found, factor], None
            found.append(factor if indices[0] == index else Transpose(factor))
            index = indices[indices[0] == index]
        return found, index


def _transposed(factor: Expression) -> Expression:
    return factor.body if isinstance(factor, Transpose) else Transpose(factor)
