"""Which tensors a contraction tree has, and in which order each has its labels."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from math import prod

from einsum_doc.compute.contraction.path import Path, find_path
from einsum_doc.equation import Term

SMALL = 1 << 12
"""Matrix products of fewer multiply-adds are not worth a batch: copying for one large one is no slower."""


@dataclass(frozen=True)
class Layout:
    """A contraction tree whose tensors have their labels in order.

    path: the pairs to contract; the operands are numbered first, then the results in order.
    tensors: the labels of each operand and each result.
    lent: for each operand, how many of them, in front, it does not have: it is expanded along these.
    settles: whether a gradient that comes in the output's order has to be copied to be a batch of matrices.
    """

    path: Path
    tensors: tuple[Term, ...]
    lent: tuple[int, ...]
    settles: bool


def arrange(leaves: Sequence[Term], output: Term, sizes: Mapping[str, int], memory_limit: int | None = None) -> Layout:
    """Choose the tree, and orders with which its contractions are matrix products without copies.

    >>> arrange(["bij", "bjk"], ("b", "i", "k"), {"b": 2, "i": 3, "j": 4, "k": 5}).tensors[2]
    ('b', 'i', 'k')

    A batch of matrices has its batch labels first or second, and the free and contracted labels each together. What a
    contraction makes is in the order batch, free in one, free in the other, and it is free to choose which is
    first: that is decided from the output backwards, by what the next contraction wants. An operand that does
    not have such an order is copied to it, once for all its contractions. Where the output's order parts the
    labels that are free in one operand, as in 'ij,bik->bjk', those in front are lent to the other: so it is a
    batch of products, while the result of a single one, and its gradient, would have to be copied.
    """
    path = find_path(leaves, output, sizes, memory_limit)
    kept = _kept(leaves, output, path)
    tensors = [tuple(leaf) for leaf in leaves] + [()] * len(path)
    lent = [0] * len(leaves)
    for borrower, labels in _loans(leaves, output, path, kept, sizes):
        lent[borrower] = len(labels)
        kept[borrower] |= set(labels)
        tensors[borrower] = (*labels, *tensors[borrower])
    wanted: dict[int, Term] = {len(tensors) - 1: output}
    settles = False
    for number in range(len(tensors) - 1, len(leaves) - 1, -1):
        left, right = path[number - len(leaves)]
        given = [tensors[side] if side < len(leaves) else () for side in (left, right)]
        shared, result = kept[left] & kept[right], kept[number]
        batch = _sorted(shared & result, *given, wanted[number])
        contracted = _sorted(shared - result, *given)
        first = _sorted(kept[left] - shared, given[0], wanted[number])
        second = _sorted(kept[right] - shared, given[1], wanted[number])
        target = tuple(label for label in wanted[number] if label in result)
        heads, tails = (second, first) if first and target[-1] in first else (first, second)
        ordered = (*batch, *heads, *tails)
        if number == len(tensors) - 1 and (first or second if contracted else first and second and not batch):
            settles = target != as_matrices(target, batch, heads, tails)
        if not contracted:
            # A product can be made in any order; so, last, in that of its gradient, which is contracted with both.
            tensors[number] = ordered if settles else _sorted(result, wanted[number])
            wanted |= {side: _sorted(kept[side], tensors[number]) for side in (left, right)}
            continue
        wanted |= {left: (*batch, *first, *contracted), right: (*batch, *contracted, *second)}
        for side, free in ((left, first), (right, second)):
            if side < len(leaves) and free:
                tensors[side] = as_matrices(tensors[side], batch, free, contracted)
        tensors[number] = ordered
    return Layout(path, tuple(tensors), tuple(lent), settles)


def _loans(
    leaves: Sequence[Term], output: Term, path: Path, kept: Sequence[frozenset[str]], sizes: Mapping[str, int]
) -> Iterator[tuple[int, Term]]:
    """Which operand the last contraction lends which labels to; there is one at most."""

    def size(labels: Collection[str]) -> int:
        return prod(sizes[label] for label in labels)

    for pair in path[-1:]:
        target = [label for label in output if label in kept[-1]]
        for borrower, lender in (pair, pair[::-1]):
            contracted = kept[borrower] & kept[lender]
            labels = tuple(takewhile(kept[lender].__contains__, target))
            columns = [label for label in target if label in kept[lender] and label not in labels]
            rows = [label for label in target if label in kept[borrower]]
            parted = labels and rows and columns and target == [*labels, *rows, *columns]
            if borrower >= len(leaves) or not parted or not contracted.isdisjoint(target):
                continue
            # The borrower's gradient is made for each value of the labels, and then summed: that has to be
            # less than what is not copied.
            products = size(contracted) * size(rows) * size(columns)
            if size(contracted) <= size(columns) and products >= SMALL:
                yield borrower, labels


def as_matrices(labels: Term, batch: Term, rows: Term, columns: Term) -> Term:
    """The labels as those of a batch of matrices, with the last one last: as they are, if they are such.

    Batch labels need not come first, but they must not be last.
    """
    if labels[-1] in rows:
        rows, columns = columns, rows
    return labels if columns and labels == (*rows, *batch, *columns) else (*batch, *rows, *columns)


def _kept(leaves: Sequence[Term], output: Term, path: Path) -> list[frozenset[str]]:
    """The labels of every tensor, in no order."""
    kept = [frozenset(leaf) for leaf in leaves]
    alive = set(range(len(leaves)))
    for left, right in path:
        alive -= {left, right}
        needed = frozenset(output).union(*(kept[tensor] for tensor in alive))
        alive.add(len(kept))
        kept.append((kept[left] | kept[right]) & needed)
    return kept


def _sorted(labels: Collection[str], *orders: Sequence[str]) -> Term:
    """Labels in the first order that has each, and the others last."""
    ranked = [label for order in orders for label in order]
    return tuple(sorted(labels, key=lambda label: (ranked.index(label) if label in ranked else len(ranked), label)))
