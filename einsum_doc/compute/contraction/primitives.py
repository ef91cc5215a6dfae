"""A Plan's step -> the torch call that does it best."""

from collections.abc import Sequence

import torch
from torch import Tensor

from einsum_doc.compute.contraction.plan import Aligned, Kind, Pair, Slot
from einsum_doc.errors import Shape

SHORT = 256
"""Up to so long rows are multiplied by `bmm`; longer ones by a product and a sum (measured on CPUs)."""

_BMM_AXES = 3
"""The axes of what `bmm` takes."""


def contract(pair: Pair, left: Tensor, right: Tensor) -> Tensor:
    """One contraction of the tree."""
    if pair.swapped:
        left, right = right, left
    if pair.aligned is not None and left.dtype == right.dtype and _sums_well(left):
        return _multiply_and_sum(pair, *_aligned(pair.aligned, left, right))
    if pair.left_order is not None:
        left = torch.permute(left, pair.left_order)
    if pair.right_order is not None:
        right = torch.permute(right, pair.right_order)
    kind = pair.kind
    if left.dtype != right.dtype and kind is not Kind.PRODUCT:
        # So comes the gradient of a product of two dtypes, or such a product that was made first.
        dtype = torch.promote_types(left.dtype, right.dtype)
        left, right = left.to(dtype), right.to(dtype)
    if kind is Kind.ROWS and (not _are_short_rows(pair, left, right)) and _sums_well(left):
        return _multiply_and_sum(pair, left, right)
    if pair.left_shape is not None:
        left = left.reshape(pair.left_shape)
    if pair.right_shape is not None:
        right = right.reshape(pair.right_shape)
    if kind is Kind.PRODUCT:
        return left * right
    if kind is Kind.MATRIX:
        product = torch.mm(left, right)
    elif kind is Kind.BATCH:
        if left.shape[-2] == 1 and left.stride(-1) != 1:
            left = left.contiguous()  # a batch of vectors: once, and not one by one
        # Of more axes `matmul` makes those of `bmm`, at less cost than calls from here.
        product = torch.bmm(left, right) if left.dim() == _BMM_AXES else torch.matmul(left, right)
    elif kind is Kind.ROWS:
        product = torch.bmm(left.unsqueeze(-2), right.unsqueeze(-1))
    else:
        return torch.dot(left, right) if _sums_well(left) else torch.mm(left[None, :], right[:, None])[0, 0]
    if pair.shape is not None:
        product = product.reshape(pair.shape)
    return product if pair.order is None else torch.permute(product, pair.order)


def _aligned(how: Aligned, vector: Tensor, matrix: Tensor) -> tuple[Tensor, Tensor]:
    """The matrix and the vector of a batch, with axes for batch, free and contracted labels in both."""
    vector_order, shape, matrix_order = how
    if vector_order is not None:
        vector = torch.permute(vector, vector_order)
    if matrix_order is not None:
        matrix = torch.permute(matrix, matrix_order)
    return matrix, vector.reshape(shape)


def _multiply_and_sum(pair: Pair, left: Tensor, right: Tensor) -> Tensor:
    """The sum of a product along its last axes, which are the contracted ones."""
    product = left * right
    product = _summed(product, range(product.dim() - pair.contracted, product.dim()))
    return product if pair.order is None else torch.permute(product, pair.order)


def _summed(tensor: Tensor, axes: Sequence[int]) -> Tensor:
    """The sum over axes, with the others in the order of memory: in another one torch takes ten times as long."""
    kept = [axis for axis in range(tensor.dim()) if axis not in axes]
    if len(kept) <= 1:
        return tensor.sum(tuple(axes))
    order = sorted(kept, key=tensor.stride, reverse=True)
    if order == kept:
        return tensor.sum(tuple(axes))
    summed = tensor.permute(*axes, *order).sum(tuple(range(len(axes))))
    return summed.permute([order.index(axis) for axis in kept])


def _are_short_rows(pair: Pair, left: Tensor, right: Tensor) -> bool:
    return pair.length <= SHORT and left.is_contiguous() and right.is_contiguous()


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


def read(slot: Slot, tensor: Tensor) -> Tensor:
    """Bring a tensor to the tree: drop axes of size 1, take diagonals, sum lone labels, expand along lent ones."""
    if slot.plain:
        return tensor
    tensor = _read_own(slot, tensor)
    if slot.dense:
        tensor = tensor.contiguous()
    return tensor.expand(*slot.lent, *tensor.shape) if slot.lent else tensor


def _read_own(slot: Slot, tensor: Tensor) -> Tensor:
    if slot.sums is not None:
        summed, order = slot.sums
        tensor = _summed(tensor, summed) if summed else tensor
        return tensor if order is None else torch.permute(tensor, order)
    labels = list(slot.squeezed)
    tensor = _reshaped(tensor, tuple(slot.sizes[label] for label in labels))
    for label in slot.distinct:
        while labels.count(label) > 1:
            first = labels.index(label)
            second = labels.index(label, first + 1)
            tensor = tensor.diagonal(0, first, second)
            labels = [*(kept for axis, kept in enumerate(labels) if axis not in (first, second)), label]
    lone = [axis for axis, label in enumerate(labels) if label not in slot.labels]
    if lone:
        tensor = _summed(tensor, lone)
        labels = [label for label in labels if label in slot.labels]
    return _permuted(tensor, [labels.index(label) for label in slot.labels])


def write(slot: Slot, tensor: Tensor) -> Tensor:
    """Bring a tensor from the tree: sum lent labels, expand lone ones, write diagonals, put back axes of size 1.

    The transpose of `read`. The result may be an expanded view.
    """
    if slot.plain:
        return tensor
    if slot.lent:
        tensor = _summed(tensor, range(len(slot.lent)))
    if slot.back is not None:
        (order,) = slot.back
        return tensor if order is None else torch.permute(tensor, order)
    known = [label for label in slot.distinct if label in slot.labels]
    tensor = _permuted(tensor, [slot.labels.index(label) for label in known])
    labels = list(slot.distinct)
    tensor = _reshaped(tensor, tuple(slot.sizes[label] if label in known else 1 for label in labels))
    if len(known) < len(labels):
        tensor = tensor.expand([slot.sizes[label] for label in labels])
    for label in slot.distinct:
        for _ in range(slot.squeezed.count(label) - 1):
            tensor = torch.diag_embed(tensor.movedim(labels.index(label), -1))
            labels.remove(label)
            labels += [label, label]
    return _reshaped(_permuted(tensor, _matching(labels, list(slot.squeezed))), slot.shape)


def _matching(labels: list[str], target: list[str]) -> list[int]:
    """The order that brings labels, some of them repeated, to the target's."""
    places: dict[str, list[int]] = {}
    for axis, label in enumerate(labels):
        places.setdefault(label, []).append(axis)
    return [places[label].pop(0) for label in target]


def _permuted(tensor: Tensor, order: list[int]) -> Tensor:
    return tensor if order == list(range(len(order))) else tensor.permute(order)


def _reshaped(tensor: Tensor, shape: Shape) -> Tensor:
    return tensor if tensor.shape == shape else tensor.reshape(shape)
