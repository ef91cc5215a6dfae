"""Statements -> the axes and indices that must have one size, and the ranges that must have one length."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, MutableMapping, Sequence
from itertools import combinations
from typing import Any, TypeAlias

from einsum_doc.notation.expression import (
    Affine,
    Bounded,
    Coordinate,
    Delta,
    Expression,
    Extent,
    Fixed,
    Index,
    Indicator,
    NewIndex,
    Range,
    RangeProduct,
    Size,
    Subscript,
    Tensor,
    subscripts,
)
from einsum_doc.notation.subscripts import inner
from einsum_doc.notation.sums.arithmetic import arithmetic_of
from einsum_doc.notation.symbols.table import Statement, SymbolTable

SizeNode: TypeAlias = tuple[Any, ...]
"""A thing that has a size or a length: its kind and its names, such as ("axis", "x", 0)."""


class SizeClasses:
    """Disjoint sets of nodes of one size, or of one length.

    small: true if no size may be above 3. least: the smallest size that some nodes may have. pinned: given sizes.
    reach: the sizes at which the numbers in conditions, such as i = 5, are met; some instances have them.
    """

    def __init__(self, small: bool = False) -> None:
        self.small = small
        self.above: dict[SizeNode, SizeNode] = {}
        self.least: dict[SizeNode, int] = {}
        self.reach: dict[SizeNode, int] = {}
        self.pinned: dict[SizeNode, int] = {}

    def root(self, node: SizeNode) -> SizeNode:
        """Return the representative of a node's class; add the node if it is new."""
        path = []
        self.above.setdefault(node, node)
        while self.above[node] != node:
            path.append(node)
            node = self.above[node]
        for each in path:
            self.above[each] = node
        return node

    def join(self, first: SizeNode, second: SizeNode) -> None:
        """Give two nodes one size."""
        self.above[self.root(second)] = self.root(first)

    def bound(self, node: SizeNode, number: Coordinate) -> None:
        """Require a size at which a number can be an index, and not the last one."""
        self.least[node] = max(self.least.get(node, 0), number.value + 2)

    def roots(self) -> list[SizeNode]:
        """Return one node of each class, in order of appearance."""
        return list(dict.fromkeys(self.root(node) for node in list(self.above)))


def axes_of(ranks: Mapping[str, int], table: SymbolTable, small: bool = False) -> SizeClasses:
    """Return the axes of tensors of these ranks; those that a directive or a row of the page makes equal are joined."""
    sizes = SizeClasses(small)
    for name, rank in ranks.items():
        for axis in range(rank):
            sizes.root(("axis", name, axis))
        if name in table.domains and table.domains[name].square:
            sizes.join(("axis", name, rank - 2), ("axis", name, rank - 1))
    for name, first, second in sorted(table.square):
        if name in ranks:
            sizes.join(("axis", name, first), ("axis", name, second))
    return sizes


def join_lengths(statement: Statement, lengths: SizeClasses) -> None:
    """Join the ranges that a statement puts in one slot of a tensor, or in one product with dots."""
    for ends in statement.ranges:
        lengths.root(("range", statement.key, ends))
    for part in (part for side in statement.sides for part in side.walk()):
        if isinstance(part, Tensor):
            for slot, subscript in enumerate(part.indices):
                if isinstance(subscript, Range):
                    ends = (subscript.first.letter, subscript.last.letter)
                    lengths.join(("range", statement.key, ends), ("slot", part.name, slot))
        elif isinstance(part, RangeProduct):
            last = [index.letter for index in part.last.indices if isinstance(index, Index)]
            met = [ends for letter in last for ends in statement.ranges if ends[1] == letter]
            for ends in met[1:]:
                lengths.join(("range", statement.key, met[0]), ("range", statement.key, ends))


def join_sizes(statement: Statement, wide: Sequence[Expression], sizes: SizeClasses) -> None:
    """Join the axes and the indices that meet in the sides of a statement, written without dots."""
    for part in (part for side in wide for part in side.walk()):
        indices = part.indices if isinstance(part, Tensor | Delta) else part.own
        nodes = [node_of(subscript, statement.key) for subscript in indices]
        for node in nodes:
            if node is not None:
                sizes.root(node)
        if isinstance(part, Tensor):
            for number, (subscript, node) in enumerate(zip(part.indices, nodes, strict=True)):
                axis: SizeNode = ("axis", part.name, number)
                if node is not None:
                    sizes.join(axis, node)
                elif isinstance(subscript, Coordinate):
                    sizes.bound(axis, subscript)
        elif isinstance(part, Delta):
            first, second = (node if node is None or not isinstance(node[-1], Bounded) else None for node in nodes)
            if first is not None and second is not None:
                sizes.join(first, second)
            for subscript, node in zip(part.indices, (second, first), strict=True):
                if isinstance(subscript, Coordinate) and node is not None:
                    sizes.bound(node, subscript)
        elif isinstance(part, Size):
            sizes.root(("index", statement.key, part.index))
        if isinstance(part, Delta | Indicator):
            sums = [each.terms for each in part.indices if isinstance(each, Affine)]
            numbers = [abs(number) for terms in sums for number, own in terms if not own]
            for index in inner(part.indices) if numbers else ():
                if isinstance(index, Index) and not isinstance(index, Bounded):
                    node = sizes.root(("index", statement.key, index))
                    sizes.reach[node] = max(sum(numbers) + 2, sizes.reach.get(node, 0))
    _join_equal(statement, {index for side in wide for index in subscripts(side)}, sizes)


def classes(statement: Statement) -> list[list[SizeNode]]:
    """Return the axes and indices of a statement, those of one size together."""
    sizes = SizeClasses()
    join_sizes(statement, statement.written(dict.fromkeys(statement.ranges, 1)).wide, sizes)
    found: dict[SizeNode, list[SizeNode]] = {}
    for node in sizes.above:
        found.setdefault(sizes.root(node), []).append(node)
    return list(found.values())


def equal_axes(statement: Statement) -> Iterator[tuple[str, int, int]]:
    """Yield the tensors of a statement that it makes square, with the two axes of one size."""
    for found in classes(statement) if not statement.ranges else ():
        axes = sorted(node for node in found if node[0] == "axis")
        for (_, name, first), (_, other, second) in combinations(axes, 2):
            if name == other:
                yield name, first, second


def name_axes(
    statement: Statement, ranges: Mapping[str, Collection[str]], named: MutableMapping[SizeNode, str]
) -> None:
    """Note the names of the numbers of values along axes, by the ranges of the indices at them.

    Raises: NotationError, if one has two names: a sum up to another letter could be over a part of it.
    """
    for found in classes(statement):
        letters = {node[2].letter for node in found if node[0] == "index"}
        names = {name for name, own in ranges.items() if not letters.isdisjoint(own)}
        names.update(named[node] for node in found if node in named)
        if len(names) > 1:
            both = " and ".join(sorted(names))
            raise statement.fail(f"{both} are the number of values of one index", "one letter for both")
        for node in found if names else ():
            if node[0] == "axis":
                named[node] = min(names)


def join_capitals(statements: Iterable[Statement], sizes: SizeClasses) -> None:
    """Join a capital in a statement without its index with the indices of its letter in all statements."""
    parts = {each.key: [part for side in each.sides for part in side.walk()] for each in statements}
    indices = {
        key: {index for part in own for index in part.own if isinstance(index, Index)} for key, own in parts.items()
    }
    for key, own in parts.items():
        for size in (index for index in sizes_in(own) if index not in indices[key]):
            sizes.join(("capital", size.letter), ("index", key, size))
            for other, index in ((other, index) for other, found in indices.items() for index in found):
                if index.letter == size.letter and not isinstance(index, NewIndex | Bounded):
                    sizes.join(("capital", size.letter), ("index", other, index))


def sizes_in(parts: Iterable[Expression]) -> Iterator[Index]:
    """Yield the indices whose number of values stands in an expression, by itself or in index arithmetic."""
    for part in parts:
        if isinstance(part, Size):
            yield part.index
        for index in arithmetic_of(part):
            ends = (index.low, index.high) if isinstance(index, Bounded) else (index,)
            terms = [term for end in ends if isinstance(end, Affine) for term in end.terms]
            yield from (atom.index for _, atoms in terms for atom in atoms if isinstance(atom, Extent))


def _join_equal(statement: Statement, own: set[Subscript], sizes: SizeClasses) -> None:
    """Join the indices of a statement as the directive `size` says; one with limits has that of its range."""
    own = {Index(each.letter, each.primes) if isinstance(each, Bounded) else each for each in own}
    for named, other in statement.equal:
        said: SizeNode = ("said", statement.chain, named)
        for end in [named] if isinstance(other, int) else [named, other]:
            if end in own:
                sizes.join(("said", statement.chain, end), ("index", statement.key, end))
        if isinstance(other, int):
            sizes.pinned[said] = other
        else:
            sizes.join(said, ("said", statement.chain, other))


def node_of(subscript: Subscript, key: str) -> SizeNode | None:
    """Return the node of an index of its own; None for a number or a computed index."""
    if isinstance(subscript, Index):
        return ("index", key, subscript)
    return ("fixed", subscript.letter) if isinstance(subscript, Fixed) else None
