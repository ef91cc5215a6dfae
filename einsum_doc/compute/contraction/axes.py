"""The tensors of a contraction tree, each with its labels in an order that spares copies."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from math import prod

from einsum_doc.compute.contraction.path import Path, find_path, labels_of
from einsum_doc.equation import Term

SMALL = 1 << 12
"""Matrix products of fewer multiply-adds are not worth a batch: copying for one large one is no slower."""


@dataclass(frozen=True)
class OrderedTree:
    """A contraction tree whose tensors have their labels in order.

    path: the pairs to contract; the operands are numbered first, then the results in order.
    tensors: the labels of each operand and each result.
    expanded: for each operand, the number of leading labels that it lacks: it is expanded along them.
    copies_upstream: whether an upstream gradient in the output's order has to be copied to be a batch of matrices.
    """

    path: Path
    tensors: tuple[Term, ...]
    expanded: tuple[int, ...]
    copies_upstream: bool


def order_tree(
    leaves: Sequence[Term], output: Term, sizes: Mapping[str, int], memory_limit: int | None = None
) -> OrderedTree:
    """Choose the tree, and label orders in which its contractions are matrix products without copies.

    >>> order_tree(["bij", "bjk"], ("b", "i", "k"), {"b": 2, "i": 3, "j": 4, "k": 5}).tensors[2]
    ('b', 'i', 'k')

    A batch of matrices has its batch labels first or second, and the free and contracted labels each together.
    The result of a contraction is in the order batch, free in one tensor, free in the other; the next contraction
    decides which of these two is first, so the orders are chosen from the output backwards. An operand that has
    no such order is copied to it, once for all its contractions.
    """
    path = find_path(leaves, output, sizes, memory_limit)
    kept = labels_of(leaves, output, path)
    tensors = [tuple(leaf) for leaf in leaves] + [()] * len(path)
    expanded = [0] * len(leaves)
    operand, labels = _expansion(leaves, output, path, kept, sizes)
    if labels:
        expanded[operand] = len(labels)
        kept[operand] |= set(labels)
        tensors[operand] = (*labels, *tensors[operand])
    wanted: dict[int, Term] = {len(tensors) - 1: output}
    copies_upstream = False
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
            # With the copy, 'ab,cd->acbd' takes 6 ms instead of 13: benchmarks/einsum.py --without upstream-copies.
            copies_upstream = target != as_matrices(target, batch, heads, tails)
        if not contracted:
            # A product can be made in any order; so, last, in that of its gradient, which is contracted with both.
            tensors[number] = ordered if copies_upstream else _sorted(result, wanted[number])
            wanted |= {side: _sorted(kept[side], tensors[number]) for side in (left, right)}
            continue
        wanted |= {left: (*batch, *first, *contracted), right: (*batch, *contracted, *second)}
        for side, free in ((left, first), (right, second)):
            if side < len(leaves) and free:
                tensors[side] = as_matrices(tensors[side], batch, free, contracted)
        tensors[number] = ordered
    return OrderedTree(path, tuple(tensors), tuple(expanded), copies_upstream)


def _expansion(
    leaves: Sequence[Term], output: Term, path: Path, kept: Sequence[frozenset[str]], sizes: Mapping[str, int]
) -> tuple[int, Term]:
    """Choose an operand of the last contraction, and labels along which to expand it.

    Where the output's order parts the labels that are free in one operand, as in 'ij,bik->bjk', the other operand
    is expanded along those in front: that makes a batch of products, while the result of a single product, and its
    gradient, would be copied. For 'oc,bchw->bohw' in benchmarks/einsum.py that is 13 MB at the peak instead of 25,
    and 0 MB kept for the backward pass instead of 4 (`--without expansion`).
    """

    def size(labels: Collection[str]) -> int:
        return prod(sizes[label] for label in labels)

    for pair in path[-1:]:
        target = [label for label in output if label in kept[-1]]
        for operand, other in (pair, pair[::-1]):
            contracted = kept[operand] & kept[other]
            labels = tuple(takewhile(kept[other].__contains__, target))
            columns = [label for label in target if label in kept[other] and label not in labels]
            rows = [label for label in target if label in kept[operand]]
            parted = labels and rows and columns and target == [*labels, *rows, *columns]
            if operand >= len(leaves) or not parted or not contracted.isdisjoint(target):
                continue
            # The operand's gradient is made for each value of the labels, and then summed: that has to be less
            # than the copy that it saves.
            products = size(contracted) * size(rows) * size(columns)
            if size(contracted) <= size(columns) and products >= SMALL:
                return operand, labels
    return 0, ()


def as_matrices(labels: Term, batch: Term, rows: Term, columns: Term) -> Term:
    """Return labels in the order of a batch of matrices, with the last one last; unchanged, if they have such an order.

    Batch labels need not come first, but they must not be last.
    """
    if labels[-1] in rows:
        rows, columns = columns, rows
    return labels if columns and labels == (*rows, *batch, *columns) else (*batch, *rows, *columns)


def _sorted(labels: Collection[str], *orders: Sequence[str]) -> Term:
    """Sort labels by the first order that has each; the others come last."""
    ranked = [label for order in orders for label in order]
    return tuple(sorted(labels, key=lambda label: (ranked.index(label) if label in ranked else len(ranked), label)))
