"""The einsum of two tensors -> TorchCall: an operation of torch, and the steps that prepare its operands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from math import prod
from typing import Any, NamedTuple

from einsum_doc.compute.contraction.axes import as_matrices
from einsum_doc.compute.contraction.path import is_part
from einsum_doc.equation import Term
from einsum_doc.errors import Shape

Step = tuple[str, tuple[Any, ...]]
"""A method of a tensor, and its arguments."""

Steps = tuple[Step, ...]
"""The methods to call in turn; none where they would change nothing."""


class Operation(Enum):
    """The torch operation that a contraction is."""

    PRODUCT = auto()
    """No label is contracted: a product of tensors that are aligned with the result."""
    DOT = auto()
    """Every label is contracted: the inner product of two vectors."""
    ROWS = auto()
    """No label is free: the inner products of the rows of two matrices."""
    MATRIX = auto()
    """A product of two matrices."""
    BATCH = auto()
    """As many products of two matrices as the batch labels have values."""


class Alignment(NamedTuple):
    """The axes of a batch of vectors and matrices as batch, free and contracted, to be multiplied and summed.

    `bmm` would copy each matrix by itself where the batch labels are the last in memory: 'ab,cb->acb' in
    benchmarks/einsum.py takes 5 ms, and 35 ms without (`--without alignment`).

    vectors: brings the vectors there, with an axis of size 1 for each free label; matrices: likewise.
    """

    vectors: Steps
    matrices: Steps


@dataclass(frozen=True)
class TorchCall:
    """The einsum of two tensors without repeated or lone labels, as one call of torch.

    swapped: true if left and right trade places first: torch is faster at a row times a matrix than at a
    matrix times a column.
    left_order, right_order: permute each tensor's axes: for a matrix product to batch, free, contracted and batch,
    contracted, free.
    left_shape, right_shape: then flatten the groups, or put in missing axes with size 1.
    contracted: the number of summed axes; length: the number of products summed into each component.
    shape, order: part the groups of the result, and permute its axes.
    size: the number of components of the result.
    multiply_adds: one for each value of all labels.
    copied: for the left and the right tensor, whether it is copied to be flattened.
    alignment: of a batch of vectors and matrices that would each have to be copied; None for any other.
    """

    operation: Operation
    swapped: bool
    left_order: Steps
    left_shape: Steps
    right_order: Steps
    right_shape: Steps
    contracted: int
    length: int
    shape: Steps
    order: Steps
    size: int
    multiply_adds: int
    copied: tuple[bool, bool]
    alignment: Alignment | None

    @property
    def contracts(self) -> bool:
        """True if a label is summed, and not only multiplied."""
        return self.operation is not Operation.PRODUCT


def choose_call(
    left: Term, right: Term, result: Term, sizes: Mapping[str, int], *, swap: bool | None = None
) -> TorchCall:
    """Choose the torch call for `left,right->result`, of distinct labels and none in `left` or `right` alone.

    swap: true if the right one comes first in a matrix product; None for the order that suits the result.
    """

    def shape(labels: Sequence[str]) -> Shape:
        return tuple(sizes[label] for label in labels)

    def size(labels: Sequence[str]) -> int:
        return prod(shape(labels))

    larger = left if size(left) >= size(right) else right
    contracted = tuple(label for label in larger if label in left and label in right and label not in result)
    batch = tuple(label for label in result if label in left and label in right)
    rows = tuple(label for label in left if label not in right)
    columns = tuple(label for label in right if label not in left)
    if swap is None:
        swap = result == (*batch, *columns, *rows)
    # A row times a matrix is faster than a matrix times a column.
    swapped = bool(contracted and rows and (swap or not columns))
    if swapped:
        left, right, rows, columns = right, left, columns, rows
    made = (*batch, *rows, *columns)
    head: Shape = (size(batch),) if batch else ()
    if not contracted:
        operation, made = Operation.PRODUCT, result
        orders = [tuple(label for label in result if label in own) for own in (left, right)]
        shapes = [tuple(sizes[label] if label in own else 1 for label in result) for own in (left, right)]
        flat = shape(result)
    elif not rows and not columns:
        operation, flat = (Operation.ROWS, (*head, 1, 1)) if batch else (Operation.DOT, ())
        orders, shapes = [(*batch, *contracted)] * 2, [(*head, size(contracted))] * 2
    else:
        operation = Operation.BATCH if batch else Operation.MATRIX
        if len(rows) == len(columns) == len(contracted) == 1:
            head = shape(batch)
        orders = [(*batch, *rows, *contracted), (*batch, *contracted, *columns)]
        shapes = [(*head, size(rows), size(contracted)), (*head, size(contracted), size(columns))]
        flat = (*head, size(rows), size(columns))
    copied = _copied((left, rows), (right, columns), contracted, () if len(head) > 1 else batch)
    vectors = operation is Operation.BATCH and not rows
    return TorchCall(
        operation=operation,
        swapped=swapped,
        left_order=permute(left, orders[0]),
        left_shape=reshape(shape(orders[0]), shapes[0]),
        right_order=permute(right, orders[1]),
        right_shape=reshape(shape(orders[1]), shapes[1]),
        contracted=len(contracted),
        length=size(contracted),
        shape=reshape(flat, shape(made)),
        order=permute(made, result),
        size=size(result),
        multiply_adds=size(tuple(dict.fromkeys((*left, *right)))),
        copied=copied[::-1] if swapped else copied,
        alignment=_alignment(left, right, batch, contracted, columns, sizes) if vectors else None,
    )


def _copied(left: tuple[Term, Term], right: tuple[Term, Term], contracted: Term, batch: Term) -> tuple[bool, bool]:
    """Return whether each tensor, given with its free labels, has labels to merge that are not next to each other."""

    def is_copied(own: Term, free: Term) -> bool:
        return bool(contracted) and not all(is_part(group, own) for group in (batch, free, contracted))

    return is_copied(*left), is_copied(*right)


def _alignment(
    vector: Term, matrix: Term, batch: Term, contracted: Term, columns: Term, sizes: Mapping[str, int]
) -> Alignment | None:
    """Align a batch of vectors and matrices, unless the matrices lie in memory as `bmm` takes them."""
    if matrix == as_matrices(matrix, batch, contracted, columns):
        return None
    aligned, known = (*batch, *columns, *contracted), (*batch, *contracted)
    shape = tuple(1 if label in columns else sizes[label] for label in aligned)
    vectors = (*permute(vector, known), *reshape(tuple(sizes[label] for label in known), shape))
    return Alignment(vectors, permute(matrix, aligned))


def permute(labels: Sequence[str], target: Sequence[str]) -> Steps:
    """Permute axes with these labels to the target's order."""
    return () if tuple(labels) == tuple(target) else (("permute", tuple(labels.index(label) for label in target)),)


def reshape(shape: Shape, target: Shape) -> Steps:
    """Reshape a tensor."""
    return () if shape == target else (("reshape", (target,)),)
