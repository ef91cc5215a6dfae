"""The tensors of a contraction tree, each with its labels in an order that spares copies."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, takewhile
from math import prod

from einsum_doc.compute.contraction.path import Path, find_path, in_runs, is_part, labels_of
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
    leaves: Sequence[Term],
    output: Term,
    sizes: Mapping[str, int],
    memory_limit: int | None = None,
    wanted: Collection[int] | None = None,
    terms: Sequence[Collection[str]] | None = None,
) -> OrderedTree:
    """Choose the tree, and label orders in which its contractions are matrix products without copies.

    >>> order_tree(["bij", "bjk"], ("b", "i", "k"), {"b": 2, "i": 3, "j": 4, "k": 5}).tensors[2]
    ('b', 'i', 'k')

    A batch of matrices has its batch labels first or second, and the free and contracted labels each together.
    The result of a contraction is in the order batch, free in one tensor, free in the other; the next contraction
    decides which of these two is first, so the orders are chosen from the output backwards. An operand that has
    no such order is copied to it, once for all its contractions.
    """
    path = find_path(leaves, output, sizes, memory_limit, wanted, terms)
    kept = labels_of(leaves, output, path)
    reached = [wanted is None or number in wanted for number in range(len(leaves))]
    for pair in path:
        reached.append(any(reached[side] for side in pair))
    tensors = [tuple(leaf) for leaf in leaves] + [()] * len(path)
    expanded = [0] * len(leaves)
    operand, labels = _expansion(leaves, output, path, kept, sizes)
    if labels:
        expanded[operand] = len(labels)
        kept[operand] |= set(labels)
        tensors[operand] = (*labels, *tensors[operand])
    groups: dict[int, tuple[Term, ...]] = {len(tensors) - 1: (output,)}
    copies_upstream = False
    for number in range(len(tensors) - 1, len(leaves) - 1, -1):
        left, right = path[number - len(leaves)]
        given = [tensors[side] if side < len(leaves) else () for side in (left, right)]
        shared, result = kept[left] & kept[right], kept[number]
        contracted = _sorted(shared - result, *given)
        batch, first, second, ordered = max(
            _arrangements(shared & result, kept[left] - shared, kept[right] - shared, given, groups[number]),
            key=lambda found: (
                _fits(found[-1], groups[number]),
                sum(is_part(own, found[-1]) for own in groups[number]),
            ),
        )
        if number == len(tensors) - 1 and (first or second if contracted else first and second and not batch):
            # With the copy, 'ab,cd->acbd' takes 6 ms instead of 13: benchmarks/einsum.py --without upstream-copies.
            target = tuple(label for label in output if label in result)
            copies_upstream = target != as_matrices(target, batch, *_heads_and_tails(first, second, target))
        if not contracted:
            # A product can be made in any order; so, last, in that of its gradient, which is contracted with both.
            tensors[number] = ordered if copies_upstream else _sorted(result, *groups[number])
            groups |= {side: (_sorted(kept[side], tensors[number]),) for side in (left, right)}
            continue
        groups |= {left: (batch, first, contracted), right: (batch, contracted, second)}
        for side, free, other in ((left, first, right), (right, second, left)):
            if side < len(leaves) and free and not (reached[other] and in_runs(tensors[side], batch, free, contracted)):
                tensors[side] = as_matrices(tensors[side], batch, free, contracted)
        tensors[number] = ordered
    return OrderedTree(path, tuple(tensors), tuple(expanded), copies_upstream)


def _fits(labels: Term, groups: Sequence[Term]) -> bool:
    """Return whether labels are in an order that the next contraction takes."""
    return labels == (as_matrices(labels, *groups) if len(groups) > 1 else groups[0])


def _arrangements(
    batch: Collection[str],
    first: Collection[str],
    second: Collection[str],
    given: Sequence[Term],
    groups: Sequence[Term],
) -> Iterator[tuple[Term, Term, Term, Term]]:
    """Yield orders of a product's batch labels and of those free in either tensor, and with them of its result.

    given: the orders of the two tensors, empty where they can be chosen.
    groups: the labels that the next contraction takes together, in its order; of the last two either can be first.
    """
    for wanted in (groups, (*groups[:-2], *groups[:-3:-1])):
        order = tuple(chain.from_iterable(wanted))
        own = _sorted(batch, *given, order), _sorted(first, given[0], order), _sorted(second, given[1], order)
        heads, tails = _heads_and_tails(own[1], own[2], order)
        yield *own, (*own[0], *heads, *tails)
        yield *own, (*own[0], *tails, *heads)


def _heads_and_tails(first: Term, second: Term, order: Term) -> tuple[Term, Term]:
    """Return the rows and columns of a product: the columns have the label that is last in an order."""
    last = next((label for label in reversed(order) if label in first or label in second), None)
    return (second, first) if last in first else (first, second)


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
            # than the copies that it saves, of the other operand and of the upstream gradient.
            products = size(contracted) * size(rows) * size(columns)
            if max(size(contracted), size(rows)) <= size(columns) and products >= SMALL:
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
