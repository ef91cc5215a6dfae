"""The sides of a chain as written -> the same with constant indices and the capitals of ranges recognised."""

from __future__ import annotations

from dataclasses import replace

from einsum_doc.compute.checking.symbols.table import SymbolTable
from einsum_doc.notation.expression import (
    Delta,
    Expression,
    Fixed,
    Index,
    One,
    Partial,
    Range,
    RangeProduct,
    Size,
    Subscript,
    Summation,
    Tensor,
    letters,
    plain,
    rebuilt,
    subscripts,
)
from einsum_doc.notation.reading.parse import Chain
from einsum_doc.notation.reading.scope import Scope


def sides_of(chain: Chain) -> list[Expression]:
    """Return the left side of a chain and all right sides."""
    return [chain.head, *(relation.right for relation in chain.relations)]


def resolved(chain: Chain, key: str, table: SymbolTable, scope: Scope) -> list[Expression]:
    """Return the sides of a chain with its constant indices and its capitals recognised.

    Raises: NotationError, where a letter has two meanings.
    """
    resolution = _Resolution(sides_of(chain), key, table, scope)
    return [rebuilt(side, resolution.part) for side in resolution.sides]


class _Resolution:
    """The letters of one chain."""

    def __init__(self, sides: list[Expression], key: str, table: SymbolTable, scope: Scope) -> None:
        self.sides = sides
        self.key = key
        self.table = table
        self.fail = scope.fail
        written = [subscript for side in sides for subscript in subscripts(side)]
        self.letters = letters(written)
        self.indices = {index for index in written if isinstance(index, Index)}
        partials = (part for side in sides for part in side.walk() if isinstance(part, Partial))
        self.differentiated = {id(part) for partial in partials for part in partial.parts}

    def part(self, part: Expression) -> Expression:
        """Return a part with the letters that stand on itself resolved."""
        match part:
            case Tensor(_, ()) if id(part) not in self.differentiated:
                return self._scalar(part)
            case Tensor(_, indices) | Delta(indices) | One(indices):
                return replace(part, indices=tuple(map(self._subscript, indices)))
            case Summation():
                return self._summation(part)
            case RangeProduct(first, last):
                last = replace(last, indices=tuple(map(self._subscript, last.indices)))
                return replace(part, first=None if first is None else self.part(first), last=last)
            case _:
                return part

    def _subscript(self, subscript: Subscript) -> Subscript:
        inside = (subscript.first, subscript.last) if isinstance(subscript, Range) else (subscript,)
        for end in inside:
            if not isinstance(end, Index):
                continue
            if end.letter in self.table.fixed:
                if end.primes or isinstance(subscript, Range):
                    fault = f"{plain(end.letter)} is a constant index"
                    raise self.fail(fault, end.at, "it alone, without primes")
                return Fixed(end.letter, at=end.at)
            if len(end.letter) == 1 and end.letter.isupper():
                expected = f"'% fixed {end.letter}', if it is a constant index"
                raise self.fail(f"the capital {end.letter} as an index", end.at, expected)
        return subscript

    def _scalar(self, part: Tensor) -> Expression:
        """Return the size that a capital stands for; a scalar as it is."""
        name, letter = part.name, part.name.lower()
        if name.rstrip("'") in self.letters | self.table.fixed:
            fault = f"{plain(name)} is an index here, and has no value"
            raise self.fail(fault, part.at, "another letter for one of them")
        if not self.table.is_capital(name):
            return part
        if letter in self.letters:
            candidates = [index for index in self.indices if index.letter == letter]
            if not candidates:
                raise self.fail(f"{name} is the range of an index with dots", part.at, "an index of its own")
            index = min(candidates, key=lambda index: index.primes)
            self.table.capitals.setdefault(name, self.key)
            return Size(name, index, at=part.at)
        if name in self.table.capitals:
            fault = f"{name} was the range of {letter}, and no {letter} is here"
            raise self.fail(fault, part.at, f"an index {letter} in this chain")
        return part

    def _summation(self, part: Summation) -> Expression:
        first, *_ = part.indices
        found = tuple(map(self._subscript, part.indices))
        if any(isinstance(subscript, Fixed) for subscript in found):
            raise self.fail("a sum over a constant index", part.at, "an index that is not fixed")
        if part.capital:
            if not self.table.is_capital(part.capital) or part.capital in self.table.fixed:
                fault = f"{part.capital} has a meaning already, and is not the range of {first}"
                raise self.fail(fault, part.at, rf"\sum_{{{first}}}, or another letter")
            self.table.capitals.setdefault(part.capital, self.key)
        return replace(part, indices=found)
