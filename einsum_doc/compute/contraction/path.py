"""The order of contraction, judged by the cost of the forward and the backward pass together."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from math import inf, prod
from typing import NamedTuple

from opt_einsum import paths  # type: ignore[import-untyped]

from einsum_doc.equation import Term

Path = list[tuple[int, int]]
"""Pairs of tensors to contract: the operands are numbered first, then the results in order."""

EXHAUSTIVE = 9
"""The most operands for which every tree is considered: 50 ms for nine."""

LINED = 50
"""The most operands for which all trees along two lines are considered: 0.1 s for 50."""

ROOM = 8
"""The size limit of an intermediate tensor, in units of the largest operand or output, without a memory limit."""

_MOVE = 8.0
"""The cost of reading or writing a number, in multiply-adds of a matrix product."""


def find_path(
    leaves: Sequence[Term],
    output: Collection[str],
    sizes: Mapping[str, int],
    memory_limit: int | None = None,
    wanted: Collection[int] | None = None,
    terms: Sequence[Collection[str]] | None = None,
) -> Path:
    """Find the cheapest contraction tree that needs no more memory than the one of `torch.einsum`.

    >>> find_path(["ij", "jk", "kl"], "il", {"i": 9, "j": 9, "k": 9, "l": 1})
    [(1, 2), (0, 3)]

    leaves: the labels of each operand, distinct and none of them alone; output: those of the output.
    memory_limit: the most numbers in an intermediate tensor; without it, eight times as many as the
    largest operand or the output. If no tree keeps to it, the largest tensor is as small as possible.
    wanted: the operands whose gradients are computed; without it, all.
    terms: the labels of each operand, with those that are alone or have size 1, if there are any.
    Source: up to nine operands dynamic programming over the subsets is exact. Up to 50, the same over intervals, as
    for a chain of matrices, finds the cheapest tree along two lines of operands: as they are written, and as the tree
    of `torch.einsum`, which is opt_einsum's, groups them. With more, it is that tree.
    """
    if len(leaves) < 3:
        return [(0, 1)] if len(leaves) == 2 else []
    wanted = range(len(leaves)) if wanted is None else wanted
    return _Search(leaves, output, sizes, wanted, terms or leaves).find(memory_limit)


def in_runs(labels: Term, *groups: Collection[str]) -> bool:
    """Return whether the labels of each group are next to each other: then a matrix product needs no copy."""
    places = [[labels.index(label) for label in group] for group in groups if group]
    return all(max(own) - min(own) < len(own) for own in places)


def labels_of(leaves: Sequence[Collection[str]], output: Collection[str], path: Path) -> list[frozenset[str]]:
    """Return the labels of every tensor of a tree, in no order."""
    found = list(map(frozenset, leaves))
    holders = Counter(label for labels in (*found, output) for label in labels)
    for left, right in path:
        holders.subtract((*found[left], *found[right]))
        result = frozenset(label for label in found[left] | found[right] if holders[label])
        holders.update(result)
        found.append(result)
    return found


def contraction_cost(values: float, left: float, right: float, result: float) -> float:
    """Return the cost of a contraction and the two that send its gradient back, in multiply-adds of a matrix product.

    Each of the three multiplies and adds once per value of all labels, and moves the same three tensors.
    left, right, result: the numbers in each.
    """
    # With one row, one column, or nothing to sum, a tensor has as many numbers as there are values.
    thin = values < 2 * max(left, right, result)
    return 3.0 * values * (_MOVE if thin else 1.0) + 3.0 * _MOVE * (left + right + result)


def is_part(group: Term, labels: Term) -> bool:
    """Return whether labels are next to each other in this order."""
    return any(labels[place : place + len(group)] == group for place in range(len(labels) or 1))


class _Subtree(NamedTuple):
    """The best tree of a subset of the operands.

    excess: the numbers of its largest tensor beyond the limit.
    kept: the numbers kept between the passes, if they matter.
    split: the subsets it splits in.
    """

    excess: float = 0.0
    kept: float = 0.0
    cost: float = 0.0
    height: int = 0
    split: tuple[int, int] | None = None


class _Needs(NamedTuple):
    """The cost of a tree and its memory, in numbers: of its largest tensor but the output, kept between the passes,
    and the most at a time beyond the operands.
    """

    largest: float
    kept: float
    peak: float
    cost: float


class _Search:
    """The arguments of `find_path`. Subsets of the operands are given as bits."""

    def __init__(
        self,
        leaves: Sequence[Term],
        output: Collection[str],
        sizes: Mapping[str, int],
        wanted: Collection[int],
        terms: Sequence[Collection[str]],
    ) -> None:
        self.leaves = leaves
        self.count = len(leaves)
        self.everything = (1 << self.count) - 1
        self.wanted = sum(1 << number for number in wanted)
        self.terms = [*map(frozenset, terms)]
        self.labels = {1 << number: frozenset(leaf) for number, leaf in enumerate(leaves)}
        self.output = frozenset(output).intersection(frozenset().union(*terms))
        # Where a label has size 0 everything is free, and every tree costs the same.
        self.sizes = {label: max(sizes[label], 1) for label in frozenset().union(*terms)}
        self.numbers = {subset: self._size(leaf) for subset, leaf in self.labels.items()}
        self.summed = sum(
            subset
            for (subset, leaf), term in zip(self.labels.items(), self.terms, strict=True)
            if self._size(term) > self.numbers[subset]
        )
        self.holders = {label: self.everything + 1 if label in self.output else 0 for label in self.sizes}
        for subset, leaf in self.labels.items():
            for label in leaf:
                self.holders[label] |= subset
        self.limit = inf

    def find(self, limit: int | None) -> Path:
        """Return the cheapest of the trees that need no more memory than torch's."""
        eager = _renumbered(paths.auto(self.terms, self.output, self.sizes), self.count)
        room = self.evaluate(eager)
        largest = max(*self.numbers.values(), self._size(self.output))
        self.limit = max(ROOM * largest, room.largest) if limit is None else limit

        def rank(path: Path) -> tuple[float, ...]:
            own = self.evaluate(path)
            excess = (own.largest - self.limit, own.kept - room.kept, own.peak - room.peak)
            return *(max(0.0, beyond) for beyond in excess), own.cost

        best = min([*self.proposals(eager, least_kept=False), eager], key=rank)
        return min([*self.proposals(eager, least_kept=True), eager], key=rank) if best is eager else best

    def proposals(self, eager: Path, *, least_kept: bool) -> Iterator[Path]:
        """Yield the trees that are the cheapest of many, or that keep least between the passes."""
        if self.count <= EXHAUSTIVE:
            every = ((subset, splits(subset)) for subset in range(self.everything + 1) if _several(subset))
            yield self._best(every, least_kept)
        elif self.count <= LINED:
            for line in (range(self.count), _line(eager, self.count)):
                yield self._best(_intervals(line), least_kept)

    def evaluate(self, path: Path) -> _Needs:
        """Return the cost of a tree, and its memory, with every tensor freed after its last use."""
        subsets = [1 << number for number in range(self.count)]
        alive = kept = peak = largest = cost = 0.0
        saved: list[float] = []
        for left, right in path:
            first, second = subsets[left], subsets[right]
            subsets.append(first | second)
            cost += self._cost(first, second)
            made = self.numbers[first | second]
            alive += made + sum(
                self._made(*pair) for pair in ((first, second), (second, first)) if not _several(pair[0])
            )
            peak = max(peak, alive)
            saved.append(self._saved(first, second))
            kept += saved[-1]
            alive += saved[-1] - self._made(first, second) - self._made(second, first)
            largest = max(largest, made if first | second != self.everything else 0.0)
        for (left, right), subset, freed in zip(path[::-1], subsets[::-1], saved[::-1], strict=False):
            if subset & self.wanted:
                alive += sum(self.numbers[subsets[side]] for side in (left, right) if subsets[side] & self.wanted)
                peak = max(peak, alive)
                alive -= freed + (self.numbers[subset] if subset != self.everything else 0.0)
        return _Needs(largest, kept, peak, cost)

    def _made(self, subset: int, other: int) -> float:
        """Return the numbers of the tensor of a subset, 0 for an operand that is neither summed nor copied.

        One whose labels do not lie in memory as a matrix product takes them is copied, by torch too.
        """
        if not _several(subset) and not subset & self.summed:
            own, partner, result = self.labels[subset], self.labels[other], self.labels[subset | other]
            batch, contracted, free = own & partner & result, own & partner - result, own - partner
            if not contracted or in_runs(self.leaves[subset.bit_length() - 1], batch, contracted, free):
                return 0.0
        return self.numbers[subset]

    def _saved(self, left: int, right: int) -> float:
        """Return the numbers that are kept for the gradients of a contraction's sides."""
        ways = ((left, right), (right, left))
        return sum(self._made(side, other) for side, other in ways if other & self.wanted)

    def _best(self, subsets: Iterable[tuple[int, Iterable[tuple[int, int]]]], least_kept: bool) -> Path:
        """Build the best tree from those of subsets, each of which comes with its splits; of equals, the lowest."""
        best = {1 << number: _Subtree() for number in range(self.count)}
        for subset, ways in subsets:
            best[subset] = _Subtree(inf, inf, inf)
            for left, right in ways:
                # Most splits cost more than the best so far even without their own contraction.
                if least_kept or best[left].cost + best[right].cost <= best[subset].cost or best[subset].excess:
                    best[subset] = min(best[subset], self._joined(left, right, best, least_kept))
        return _numbered(self.everything, best, self.count)

    def _joined(self, left: int, right: int, best: Mapping[int, _Subtree], least_kept: bool) -> _Subtree:
        """Return the tree that contracts the trees of two subsets."""
        first, second = best[left], best[right]
        cost = first.cost + second.cost + self._cost(left, right)
        # The limit does not bind the output.
        own = 0.0 if left | right == self.everything else self.numbers[left | right] - self.limit
        kept = first.kept + second.kept + self._saved(left, right) if least_kept else 0.0
        height = 1 + max(first.height, second.height)
        return _Subtree(max(first.excess, second.excess, own), kept, cost, height, (left, right))

    def _cost(self, left: int, right: int) -> float:
        """Return the cost of contracting the tensors of two subsets."""
        both, values = left | right, self.labels[left] | self.labels[right]
        if both not in self.labels:
            self.labels[both] = frozenset(label for label in values if self.holders[label] & ~both)
            self.numbers[both] = self._size(self.labels[both])
        return contraction_cost(self._size(values), self.numbers[left], self.numbers[right], self.numbers[both])

    def _size(self, labels: Iterable[str]) -> float:
        return prod(map(self.sizes.__getitem__, labels), start=1.0)


def _several(subset: int) -> bool:
    """Return whether a set, given as bits, has more than one member."""
    return subset & (subset - 1) != 0


def splits(subset: int) -> Iterator[tuple[int, int]]:
    """Yield every way to split a set, given as bits, in two; each once."""
    part = (subset - 1) & subset
    while part > subset - part:
        yield subset - part, part
        part = (part - 1) & subset


def _intervals(line: Iterable[int]) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """Yield the intervals of a line of operands from short to long, as bits, each with its splits in two intervals."""
    starts = [0, *accumulate(1 << number for number in line)]
    for length in range(2, len(starts)):
        for first in range(len(starts) - length):
            last = first + length
            ways = [(starts[m] - starts[first], starts[last] - starts[m]) for m in range(first + 1, last)]
            yield starts[last] - starts[first], ways


def _line(path: Path, count: int) -> list[int]:
    """Return the operands in a line, in which those of every tensor of a tree are neighbours."""
    lines = [[number] for number in range(count)]
    for left, right in path:
        lines.append(lines[left] + lines[right])
    return lines[-1]


def _numbered(subset: int, best: Mapping[int, _Subtree], count: int) -> Path:
    """Return the path of a subset's best tree."""
    path: Path = []

    def grow(part: int) -> int:
        split = best[part].split
        if split is None:
            return part.bit_length() - 1
        left, right = sorted(map(grow, split))
        path.append((left, right))
        return count + len(path) - 1

    grow(subset)
    return path


def _renumbered(found: Iterable[Iterable[int]], count: int) -> Path:
    """Convert opt_einsum's path, which gives positions in a shrinking list, to numbers of tensors."""
    alive = list(range(count))
    path: Path = []
    for places in found:
        left, right = sorted(alive.pop(place) for place in sorted(places, reverse=True))
        path.append((left, right))
        alive.append(count + len(path) - 1)
    return path
