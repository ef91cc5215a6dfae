"""What a page says about the tensors of a row, as the prover needs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from einsum_doc.notation.expression import Expression, Index


@dataclass(frozen=True)
class Definition:
    """The right side of a definition, in which every sum is written, and the indices on its left. chain: its key."""

    indices: tuple[Index, ...]
    value: Expression
    chain: str


@dataclass(frozen=True)
class OfCode:
    """A tensor that is a function of a whole matrix: "inv", "det" or "logdet" of a tensor, and "" for any other."""

    function: str
    arguments: tuple[str, ...]
    auxiliary: bool = False


@dataclass(frozen=True)
class Facts:
    """What a page says about the tensors of a row.

    definitions, codes: of those that are computed, in the order in which they are defined. ranks: the number of
    indices of each. sinks: the tensors that the arbitrary scalars are functions of. depends: returns whether a tensor
    is computed from another, other than through those that are held fixed. size: returns the size of an index of a
    chain, or of an axis of a tensor. numbers: sizes that are known. positive: inputs that are never negative.
    symmetric: inputs that are. totals: inputs that sum to one, each with the axis. differentiated: tensors by which a
    derivative is. least: the least number of values that sizes have, if numbers stand as indices.
    """

    definitions: Mapping[str, Definition]
    codes: Mapping[str, OfCode]
    ranks: Mapping[str, int]
    sinks: Sequence[str]
    scalars: frozenset[str]
    depends: Callable[[str, str, Sequence[str]], bool]
    size: Callable[[tuple[object, ...]], str]
    numbers: Mapping[str, int]
    positive: frozenset[str] = frozenset()
    symmetric: frozenset[str] = frozenset()
    totals: Mapping[str, int] = field(default_factory=dict)
    differentiated: frozenset[str] = frozenset()
    least: Mapping[str, int] = field(default_factory=dict)
