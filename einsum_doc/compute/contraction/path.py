"""The order of contraction, judged by the cost of the forward and the backward pass together."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from math import prod
from typing import Any, NamedTuple

from opt_einsum import paths  # type: ignore[import-untyped]

from einsum_doc.equation import Term

Path = list[tuple[int, int]]
"""Pairs of tensors to contract: the operands are numbered first, then the results in order."""

EXHAUSTIVE = 6
"""The most operands for which every tree is considered; with more, those that opt_einsum's finders propose."""

SEARCHED = 10
"""The most operands for which opt_einsum's dynamic programming is used too; with more, only for chains and rings. For
sixteen operands with six neighbours each it would take seconds."""

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
    Source: the finders are opt_einsum's; up to six operands dynamic programming over the subsets is exact.
    """
    if len(leaves) < 3:
        return [(0, 1)] if len(leaves) == 2 else []
    held = {label for leaf in leaves for label in leaf}
    search = _Search([frozenset(leaf) for leaf in leaves], frozenset(wanted) & held, sizes, memory_limit)
    if len(leaves) <= EXHAUSTIVE:
        return search.best_of_all()
    return min(search.proposals(), key=search.evaluate)


def contraction_cost(
    left: frozenset[str], right: frozenset[str], result: frozenset[str], sizes: Mapping[str, int]
) -> float:
    """Return the cost of a contraction and the two that send its gradient back, in multiply-adds of a matrix product.

    Each of the three multiplies and adds once per value of all labels, and moves the same three tensors.
    """

    def size(labels: Iterable[str]) -> int:
        return prod(sizes[label] for label in labels)

    union = left | right
    thin = min(size(left & right - result), size(left - right), size(right - left)) < 2
    return 3.0 * size(union) * (_MOVE if thin else 1.0) + 3.0 * _MOVE * (size(left) + size(right) + size(result))


class _Subtree(NamedTuple):
    """The cheapest tree of a subset of the operands: the numbers of its largest tensor beyond the limit, its cost,
    its height, the subsets it splits in.
    """

    excess: int
    cost: float
    height: int
    split: tuple[int, int] | None


class _Search:
    """The arguments of `find_path`: the operands' labels, the output's, the sizes, and the limit."""

    def __init__(
        self, leaves: list[frozenset[str]], wanted: frozenset[str], sizes: Mapping[str, int], limit: int | None
    ) -> None:
        self.leaves = leaves
        self.wanted = wanted
        # Where a label has size 0 everything is free, and opt_einsum's dynamic programming finds no tree.
        self.sizes = {label: max(sizes[label], 1) for label in frozenset().union(*leaves)}
        self.limit = ROOM * max(map(self._size, [*leaves, wanted])) if limit is None else limit

    def best_of_all(self) -> Path:
        """Build the cheapest tree from those of all subsets of the operands; of equals, the lowest."""
        best: dict[int, _Subtree] = {}
        everything = (1 << len(self.leaves)) - 1
        for subset in range(1, everything + 1):
            best[subset] = _Subtree(0, 0.0, 0, None) if subset.bit_count() == 1 else self._best_split(subset, best)
        return _numbered(everything, best, len(self.leaves))

    def _best_split(self, subset: int, best: Mapping[int, _Subtree]) -> _Subtree:
        result, excess = self._result(subset), self._excess(subset)

        def joined(left: int, right: int) -> _Subtree:
            first, second = best[left], best[right]
            own = contraction_cost(self._result(left), self._result(right), result, self.sizes)
            most = max(first.excess, second.excess, excess)
            return _Subtree(most, first.cost + second.cost + own, 1 + max(first.height, second.height), (left, right))

        return min(joined(left, right) for left, right in splits(subset))

    def _result(self, subset: int) -> frozenset[str]:
        """Return the labels of the tensor that is made from a subset of the operands."""
        inside, outside = set[str](), set(self.wanted)
        for number, leaf in enumerate(self.leaves):
            (inside if subset >> number & 1 else outside).update(leaf)
        return frozenset(inside & outside)

    def proposals(self) -> Iterator[Path]:
        """Yield the trees that opt_einsum's finders propose."""
        finders: list[Any] = [paths.greedy]
        if len(self.leaves) <= SEARCHED or self._is_chain():
            aims = ("flops", "write", "combo", "size")
            finders += [partial(paths.dynamic_programming, minimize=aim) for aim in aims]
        for finder in finders:
            yield _renumbered(finder(self.leaves, self.wanted, self.sizes, None), len(self.leaves))

    def _is_chain(self) -> bool:
        """Return whether every operand shares labels with at most two others."""
        return all(sum(not leaf.isdisjoint(other) for other in self.leaves) <= 3 for leaf in self.leaves)

    def evaluate(self, path: Path) -> tuple[int, float]:
        """Return the numbers of a tree's largest tensor beyond the limit, and the cost of the tree."""
        subsets = [1 << number for number in range(len(self.leaves))]
        cost, excess = 0.0, 0
        for left, right in path:
            subsets.append(subsets[left] | subsets[right])
            first, second, result = map(self._result, (subsets[left], subsets[right], subsets[-1]))
            cost += contraction_cost(first, second, result, self.sizes)
            excess = max(excess, self._excess(subsets[-1]))
        return excess, cost

    def _excess(self, subset: int) -> int:
        """Return how many numbers the tensor of a subset has beyond the limit, which does not bind the output."""
        if subset + 1 == 1 << len(self.leaves):
            return 0
        return max(0, self._size(self._result(subset)) - self.limit)

    def _size(self, labels: Iterable[str]) -> int:
        return prod(self.sizes.get(label, 1) for label in labels)


def splits(subset: int) -> Iterator[tuple[int, int]]:
    """Yield every way to split a set, given as bits, in two; each once."""
    part = (subset - 1) & subset
    while part > subset - part:
        yield subset - part, part
        part = (part - 1) & subset


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
