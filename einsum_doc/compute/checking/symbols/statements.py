"""A chain or a definition -> its sides without dots and with every sum written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

from einsum_doc.errors import NotationError
from einsum_doc.notation.expression import Expression, Index
from einsum_doc.notation.reading.ranges import Ends, expanded, ranges
from einsum_doc.notation.reading.scope import Scope

EqualSize: TypeAlias = tuple[Index, Index | int]
"""An index, and another of the same size, or its size: what `% size` says."""


@dataclass(frozen=True)
class Written:
    """A statement for one choice of how many indices its ranges stand for.

    wide: its sides without dots. sides: the same with every sum written. free: its free indices, sorted.
    """

    wide: tuple[Expression, ...]
    sides: tuple[Expression, ...]
    free: tuple[Index, ...]


@dataclass(eq=False)
class Statement:
    """Sides that share their indices: those of a chain, or the two of the definition that begins it.

    key: tells its indices from those of other statements. chain: the key of its chain.
    equal, kept: what the directives `size` and `no sum` of its text say. defines: it begins with a new name.
    """

    key: str
    chain: str
    sides: Sequence[Expression]
    scope: Scope
    equal: Sequence[EqualSize]
    kept: Sequence[Index] = ()
    defines: bool = False
    _written: dict[tuple[int, ...], Written] = field(default_factory=dict)

    @cached_property
    def ranges(self) -> tuple[Ends, ...]:
        """The ranges of indices in it.

        Raises: NotationError, as `scope.ranges`.
        """
        return ranges(self.sides, self.scope.text)

    def written(self, lengths: Mapping[Ends, int]) -> Written:
        """Write a statement out, with as many indices for each of its ranges as `lengths` says."""
        key = tuple(lengths.values())
        if key not in self._written:
            wide = tuple(expanded(side, lengths) for side in self.sides)
            free = self.scope.free(wide, self.kept)
            if self.defines:
                free |= {index for index in wide[0].own if isinstance(index, Index)}
            sides = tuple(self.scope.side(side, free, self.sides[0]) for side in wide)
            order = sorted(free, key=lambda index: (index.letter, index.primes))
            self._written[key] = Written(wide, sides, tuple(order))
        return self._written[key]

    def fail(self, fault: str, expected: str) -> NotationError:
        """Return an error that points at its left side."""
        return self.scope.fail(fault, self.sides[0].at, expected)
