"""A planned call -> torch's own: contractions, and tensors on their way to the tree and back."""

from collections.abc import Sequence

import torch
from torch import Tensor

from einsum_doc.compute.contraction.calls import Operation, Steps, TorchCall

SHORT = 256
"""The longest rows that are multiplied by `bmm`; longer ones are multiplied and summed (measured on CPUs)."""

_BMM_AXES = 3
"""The number of axes that `bmm` takes."""


def contract(call: TorchCall, left: Tensor, right: Tensor) -> Tensor:
    """Contract two tensors of the tree."""
    if call.swapped:
        left, right = right, left
    if left.dtype != right.dtype and call.contracts:
        # The gradient of a product of two dtypes, or of a tensor that such a product made.
        dtype = torch.promote_types(left.dtype, right.dtype)
        left, right = left.to(dtype), right.to(dtype)
    if call.alignment is not None and _sums_well(left):
        vectors, matrices = apply(call.alignment.vectors, left), apply(call.alignment.matrices, right)
        return _multiply_and_sum(call, matrices, vectors)
    left = apply(call.left_order, left)
    right = apply(call.right_order, right)
    operation = call.operation
    if operation is Operation.ROWS and (not _are_short_rows(call, left, right)) and _sums_well(left):
        return _multiply_and_sum(call, left, right)
    left = apply(call.left_shape, left)
    right = apply(call.right_shape, right)
    if operation is Operation.PRODUCT:
        return left * right
    if operation is Operation.MATRIX:
        product = torch.mm(left, right)
    elif operation is Operation.BATCH:
        if left.shape[-2] == 1 and left.stride(-1) > 1:
            left = left.contiguous()  # bmm would copy a batch of vectors one by one
        # `matmul` merges more axes into those of `bmm`, at less cost than calls from here.
        product = torch.bmm(left, right) if left.dim() == _BMM_AXES else torch.matmul(left, right)
    elif operation is Operation.ROWS:
        product = torch.bmm(left.unsqueeze(-2), right.unsqueeze(-1))
    else:
        return torch.dot(left, right) if _sums_well(left) else torch.mm(left[None, :], right[:, None])[0, 0]
    return apply(call.order, apply(call.shape, product))


def apply(steps: Steps, tensor: Tensor) -> Tensor:
    """Take the steps of a tensor on its way to the tree, within it, or back."""
    for name, arguments in steps:
        tensor = _sum(tensor, *arguments) if name == "sum" else getattr(tensor, name)(*arguments)
    return tensor


def _multiply_and_sum(call: TorchCall, left: Tensor, right: Tensor) -> Tensor:
    """Sum a product along its last axes, which are the contracted ones."""
    product = left * right
    return apply(call.order, _sum(product, range(product.dim() - call.contracted, product.dim())))


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
    """Return whether a product and its sum give the same as a matrix product.

    In short dtypes the products would be rounded, a sum of integers has another dtype, and autocast
    gives a matrix product another dtype.
    """
    return tensor.dtype in _WIDE and not autocasts(tensor)


def autocasts(tensor: Tensor) -> bool:
    """Return whether autocast is on for the device of a tensor; some devices do not have it."""
    if not torch._C._is_any_autocast_enabled():
        return False
    device = tensor.device.type
    return torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)
