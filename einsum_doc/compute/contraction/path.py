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

LINED = 32
"""The most operands for which all trees along two lines are considered: 30 ms for 32."""

ROOM = 8
"""The size limit of an intermediate tensor, in units of the largest operand or output, without a memory limit."""

_MOVE = 8.0
"""The cost of reading or writing a number, in multiply-adds of a matrix product."""


def find_path(
    leaves: Sequence[Term], wanted: Collection[str], sizes: Mapping[str, int], memory_limit: int | None = None
) -> Path:
    """Find the cheapest contraction tree whose intermediate tensors are not too large.

    >>> find_path(["ij", "jk", "kl"], "il", {"i": 9, "j": 9, "k": 9, "l": 1})
    [(1, 2), (0, 3)]

    leaves: the labels of each operand, distinct and none of them alone; wanted: those of the output.
    memory_limit: the most numbers in an intermediate tensor; without it, eight times as many as the
    largest operand or the output. If no tree keeps to it, the largest tensor is as small as possible.
    Source: up to nine operands dynamic programming over the subsets is exact. With more, opt_einsum's greedy search
    proposes a tree; up to 32, dynamic programming over intervals, as for a chain of matrices, finds the cheapest
    along two lines of operands: as they are written, and as that tree groups them.
    """
    if len(leaves) < 3:
        return [(0, 1)] if len(leaves) == 2 else []
    search = _Search(list(map(frozenset, leaves)), frozenset(wanted), sizes, memory_limit)
    return min(search.proposals(), key=search.evaluate)


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


class _Subtree(NamedTuple):
    """The cheapest tree of a subset of the operands: the numbers of its largest tensor beyond the limit, its cost,
    its height, the subsets it splits in.
    """

    excess: float
    cost: float
    height: int
    split: tuple[int, int] | None


class _Search:
    """The arguments of `find_path`: the operands' labels, the output's, the sizes, and the limit.

    Subsets of the operands are given as bits.
    """

    def __init__(
        self, leaves: list[frozenset[str]], wanted: frozenset[str], sizes: Mapping[str, int], limit: int | None
    ) -> None:
        self.leaves = leaves
        self.wanted = wanted & frozenset().union(*leaves)
        # Where a label has size 0 everything is free, and every tree costs the same.
        self.sizes = {label: max(sizes[label], 1) for label in frozenset().union(*leaves)}
        self.limit = ROOM * max(map(self._size, [*leaves, self.wanted])) if limit is None else limit
        self.everything = (1 << len(leaves)) - 1
        self.labels = {1 << number: leaf for number, leaf in enumerate(leaves)}
        self.numbers = {subset: self._size(leaf) for subset, leaf in self.labels.items()}
        self.holders = {label: self.everything + 1 if label in wanted else 0 for label in self.sizes}
        for subset, leaf in self.labels.items():
            for label in leaf:
                self.holders[label] |= subset

    def proposals(self) -> Iterator[Path]:
        """Yield trees."""
        count = len(self.leaves)
        if count <= EXHAUSTIVE:
            yield self._best((subset, splits(subset)) for subset in range(self.everything + 1) if subset & (subset - 1))
            return
        greedy = _renumbered(paths.greedy(self.leaves, self.wanted, self.sizes), count)
        yield greedy
        for line in (range(count), _line(greedy, count)) if count <= LINED else ():
            yield self._best(_intervals(line))

    def evaluate(self, path: Path) -> tuple[float, float]:
        """Return the numbers of a tree's largest tensor beyond the limit, and the cost of the tree."""
        subsets = [1 << number for number in range(len(self.leaves))]
        best = dict.fromkeys(subsets, _LEAF)
        for left, right in path:
            subsets.append(subsets[left] | subsets[right])
            best[subsets[-1]] = self._joined(subsets[left], subsets[right], best)
        return best[self.everything][:2]

    def _best(self, subsets: Iterable[tuple[int, Iterable[tuple[int, int]]]]) -> Path:
        """Build the cheapest tree from those of subsets, each of which comes with its splits; of equals, the lowest."""
        best = dict.fromkeys((1 << number for number in range(len(self.leaves))), _LEAF)
        for subset, ways in subsets:
            best[subset] = _Subtree(inf, inf, 0, None)
            for left, right in ways:
                # Most splits cost more than the best so far even without their own contraction.
                if best[left].cost + best[right].cost <= best[subset].cost or best[subset].excess:
                    best[subset] = min(best[subset], self._joined(left, right, best))
        return _numbered(self.everything, best, len(self.leaves))

    def _joined(self, left: int, right: int, best: Mapping[int, _Subtree]) -> _Subtree:
        """Return the tree that contracts the trees of two subsets."""
        both, values = left | right, self.labels[left] | self.labels[right]
        if both not in self.labels:
            self.labels[both] = frozenset(label for label in values if self.holders[label] & ~both)
            self.numbers[both] = self._size(self.labels[both])
        result, first, second = self.numbers[both], best[left], best[right]
        own = contraction_cost(self._size(values), self.numbers[left], self.numbers[right], result)
        # The limit does not bind the output.
        excess = max(first.excess, second.excess, 0 if both == self.everything else result - self.limit)
        height = 1 + max(first.height, second.height)
        return _Subtree(excess, first.cost + second.cost + own, height, (left, right))

    def _size(self, labels: Iterable[str]) -> float:
        return prod(map(self.sizes.__getitem__, labels), start=1.0)


_LEAF = _Subtree(0, 0.0, 0, None)


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
