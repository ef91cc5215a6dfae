"""A planned call -> torch's own: contractions, and tensors on their way to the tree and back."""

from collections.abc import Sequence

import torch
from torch import Tensor

from einsum_doc.compute.contraction.calls import Alignment, Operation, TorchCall
from einsum_doc.compute.contraction.plan import AxisMap

SHORT = 256
"""The longest rows that are multiplied by `bmm`; longer ones are multiplied and summed (measured on CPUs)."""

_BMM_AXES = 3
"""The number of axes that `bmm` takes."""


def contract(call: TorchCall, left: Tensor, right: Tensor) -> Tensor:
    """Contract two tensors of the tree."""
    if call.swapped:
        left, right = right, left
    if call.alignment is not None and left.dtype == right.dtype and _sums_well(left):
        return _multiply_and_sum(call, *_align(call.alignment, left, right))
    if call.left_order is not None:
        left = torch.permute(left, call.left_order)
    if call.right_order is not None:
        right = torch.permute(right, call.right_order)
    operation = call.operation
    if left.dtype != right.dtype and operation is not Operation.PRODUCT:
        # The gradient of a product of two dtypes, or of a tensor that such a product made.
        dtype = torch.promote_types(left.dtype, right.dtype)
        left, right = left.to(dtype), right.to(dtype)
    if operation is Operation.ROWS and (not _are_short_rows(call, left, right)) and _sums_well(left):
        return _multiply_and_sum(call, left, right)
    if call.left_shape is not None:
        left = left.reshape(call.left_shape)
    if call.right_shape is not None:
        right = right.reshape(call.right_shape)
    if operation is Operation.PRODUCT:
        return left * right
    if operation is Operation.MATRIX:
        product = torch.mm(left, right)
    elif operation is Operation.BATCH:
        if left.shape[-2] == 1 and left.stride(-1) != 1:
            left = left.contiguous()  # bmm would copy a batch of vectors one by one
        # Of more axes `matmul` makes those of `bmm`, at less cost than calls from here.
        product = torch.bmm(left, right) if left.dim() == _BMM_AXES else torch.matmul(left, right)
    elif operation is Operation.ROWS:
        product = torch.bmm(left.unsqueeze(-2), right.unsqueeze(-1))
    else:
        return torch.dot(left, right) if _sums_well(left) else torch.mm(left[None, :], right[:, None])[0, 0]
    if call.shape is not None:
        product = product.reshape(call.shape)
    return product if call.order is None else torch.permute(product, call.order)


def _align(alignment: Alignment, vector: Tensor, matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Bring the matrices and vectors of a batch to axes for batch, free and contracted labels."""
    if alignment.vector_order is not None:
        vector = torch.permute(vector, alignment.vector_order)
    if alignment.matrix_order is not None:
        matrix = torch.permute(matrix, alignment.matrix_order)
    return matrix, vector.reshape(alignment.vector_shape)


def _multiply_and_sum(call: TorchCall, left: Tensor, right: Tensor) -> Tensor:
    """Sum a product along its last axes, which are the contracted ones."""
    product = left * right
    product = _sum(product, range(product.dim() - call.contracted, product.dim()))
    return product if call.order is None else torch.permute(product, call.order)


def _sum(tensor: Tensor, axes: Sequence[int]) -> Tensor:
    """Sum over axes, with the others in the order of memory: in another one torch takes ten times as long."""
    kept = [axis for axis in range(tensor.dim()) if axis not in axes]
    if len(kept) <= 1:
        return tensor.sum(tuple(axes))
    order = sorted(kept, key=tensor.stride, reverse=True)
    if order == kept:
        return tensor.sum(tuple(axes))
    summed = tensor.permute(*axes, *order).sum(tuple(range(len(axes))))
    return summed.permute([order.index(axis) for axis in kept])


def _are_short_rows(call: TorchCall, left: Tensor, right: Tensor) -> bool:
    return call.length <= SHORT and left.is_contiguous() and right.is_contiguous()


_WIDE = frozenset((torch.float32, torch.float64, torch.complex64, torch.complex128))


def _sums_well(tensor: Tensor) -> bool:
    """Whether a product and its sum give what a matrix product gives.

    In short dtypes the products would be rounded, a sum of integers has another dtype, and autocast
    gives a matrix product another dtype.
    """
    return tensor.dtype in _WIDE and not autocasts(tensor)


def autocasts(tensor: Tensor) -> bool:
    """Whether autocast is on where the tensor is; some devices do not know it."""
    if not torch._C._is_any_autocast_enabled():
        return False
    device = tensor.device.type
    return torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)


def read(axes: AxisMap, tensor: Tensor) -> Tensor:
    """Bring a tensor to the tree: drop axes of size 1, take diagonals, sum lone labels, expand along missing ones."""
    if axes.is_identity:
        return tensor
    shape, diagonals, summed, order = axes.reading
    if shape is not None:
        tensor = tensor.reshape(shape)
    for first, second in diagonals:
        tensor = tensor.diagonal(0, first, second)
    if summed:
        tensor = _sum(tensor, summed)
    if order is not None:
        tensor = torch.permute(tensor, order)
    if axes.contiguous:
        tensor = tensor.contiguous()
    return tensor.expand(*axes.expanded, *tensor.shape) if axes.expanded else tensor


def write(axes: AxisMap, tensor: Tensor) -> Tensor:
    """Bring a tensor from the tree, by the transpose of `read`. The result may be an expanded view."""
    if axes.is_identity:
        return tensor
    if axes.expanded:
        tensor = _sum(tensor, range(len(axes.expanded)))
    order, ones, sizes, diagonals, final_order, shape = axes.writing
    if order is not None:
        tensor = torch.permute(tensor, order)
    if ones is not None:
        tensor = tensor.reshape(ones).expand(sizes)
    for axis in diagonals:
        tensor = torch.diag_embed(tensor.movedim(axis, -1))
    if final_order is not None:
        tensor = torch.permute(tensor, final_order)
    return tensor if shape is None else tensor.reshape(shape)
