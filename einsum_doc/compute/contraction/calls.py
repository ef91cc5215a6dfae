"""The einsum of two tensors -> TorchCall: the operation of torch, and how its operands are brought to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from math import prod
from typing import NamedTuple

from einsum_doc.compute.contraction.axes import as_matrices
from einsum_doc.equation import Term
from einsum_doc.errors import Shape

Permutation = tuple[int, ...] | None
"""For each axis of a result, the axis that it was before, as for `permute`. None is no change."""


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

    vector_order, vector_shape: of the vectors, with an axis of size 1 for each free label.
    matrix_order: of the matrices.
    """

    vector_order: Permutation
    vector_shape: Shape
    matrix_order: Permutation


@dataclass(frozen=True)
class TorchCall:
    """The einsum of two tensors without repeated or lone labels, as one call of torch.

    swapped: whether left and right trade places first: torch is better at a row times a matrix than at a
    matrix times a column.
    left_order, right_order: how each tensor's axes are permuted: for a matrix product to batch, free,
    contracted and batch, contracted, free.
    left_shape, right_shape: its shape then, with the groups flattened, or missing axes put in with size 1;
    None where that is its shape already.
    contracted: how many axes are summed; length: how many numbers, for each of the result.
    shape, order: of the result, before its axes are permuted, and how they are.
    size: how many numbers the result has.
    multiply_adds: one for each value of all labels.
    alignment: of a batch of vectors and matrices that would each have to be copied; None for any other.
    """

    operation: Operation
    swapped: bool
    left_order: Permutation
    left_shape: Shape | None
    right_order: Permutation
    right_shape: Shape | None
    contracted: int
    length: int
    shape: Shape | None
    order: Permutation
    size: int
    multiply_adds: int
    alignment: Alignment | None

    @property
    def contracts(self) -> bool:
        """Whether a label is summed, and not only multiplied."""
        return self.operation is not Operation.PRODUCT


def choose_call(
    left: Term, right: Term, result: Term, sizes: Mapping[str, int], *, swap: bool | None = None
) -> TorchCall:
    """Choose the torch call for `left,right->result`, of distinct labels and none in `left` or `right` alone.

    swap: whether the right one comes first in a matrix product; without it, as suits the result.
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
    vectors = operation is Operation.BATCH and not rows
    alignment = _alignment(left, right, batch, contracted, columns, sizes) if vectors else None
    return TorchCall(
        operation=operation,
        swapped=swapped,
        left_order=permutation(left, orders[0]),
        left_shape=None if shapes[0] == shape(orders[0]) else shapes[0],
        right_order=permutation(right, orders[1]),
        right_shape=None if shapes[1] == shape(orders[1]) else shapes[1],
        contracted=len(contracted),
        length=size(contracted),
        shape=None if flat == shape(made) else shape(made),
        order=permutation(made, result),
        size=size(result),
        multiply_adds=size(tuple(dict.fromkeys((*left, *right)))),
        alignment=alignment,
    )


def _alignment(
    vector: Term, matrix: Term, batch: Term, contracted: Term, columns: Term, sizes: Mapping[str, int]
) -> Alignment | None:
    """Align a batch of vectors and matrices, unless the matrices lie in memory as `bmm` takes them."""
    if matrix == as_matrices(matrix, batch, contracted, columns):
        return None
    shape = tuple(1 if label in columns else sizes[label] for label in (*batch, *columns, *contracted))
    return Alignment(
        permutation(vector, (*batch, *contracted)), shape, permutation(matrix, (*batch, *columns, *contracted))
    )


def permutation(labels: Sequence[str], target: Sequence[str]) -> Permutation:
    """Return how axes with these labels are permuted to the target's order."""
    return None if tuple(labels) == tuple(target) else tuple(labels.index(label) for label in target)
