"""The derivative of each component of an array by each component of another, by autograd."""

from __future__ import annotations

import torch
from torch import Tensor as Array

from einsum_doc.compute.checking.evaluation.arrays import largest
from einsum_doc.compute.checking.instances.undecided import check_size


def jacobian(output: Array, variable: Array, again: bool) -> Array:
    """Return the derivative of each component of `output` by each of `variable`, with the axes of both.

    again: it is to be differentiated itself.
    """
    shape = (*output.shape, *variable.shape)
    check_size(shape)
    if not output.requires_grad or not output.numel():
        return torch.zeros(shape, dtype=torch.float64)
    flat = output.reshape(-1)
    found = _columns(flat, variable, again) if flat.numel() > variable.numel() else None
    return (_rows(flat, variable, again) if found is None else found).reshape(shape)


def jacobian_scale(found: Array, level: float, variable: Array) -> Array:
    """Return a derivative's scale: its largest component; and a part of its function's level, as terms may cancel."""
    level /= largest(variable) or 1.0
    return torch.tensor(max(largest(found), level / 100), dtype=torch.float64).expand(found.shape)


def _columns(flat: Array, variable: Array, again: bool) -> Array | None:
    """Return the derivative of a vector from one backward pass for each component of the variable; None if it is wrong.

    A backward pass is linear in its weights, so these passes differentiate it by them. Code may have a backward
    pass that cannot be differentiated, or has another derivative: then the first pass says so.
    """
    weights = torch.linspace(0.5, 1.5, flat.numel(), dtype=torch.float64).requires_grad_()
    (row,) = torch.autograd.grad((flat * weights).sum(), variable, create_graph=True, allow_unused=True)
    if row is None:
        return torch.zeros((flat.numel(), variable.numel()), dtype=torch.float64)
    if not row.requires_grad:
        return None
    try:
        found = _rows(row.reshape(-1), weights, again)
    except RuntimeError:
        return None
    weight = weights.detach()
    size = found.detach().abs() @ weight + flat.detach().abs() @ weight / (largest(variable) or 1.0)
    if bool(((found.detach() @ weight - row.detach().reshape(-1)).abs() > 1e-9 * size).any()):
        return None
    return found.T


def _rows(flat: Array, variable: Array, again: bool) -> Array:
    """Return the gradient of each component of a vector, as the rows of a matrix."""
    gradients = []
    for number in range(flat.numel()):
        (row,) = torch.autograd.grad(flat[number], variable, retain_graph=True, create_graph=again, allow_unused=True)
        gradients.append(torch.zeros_like(variable) if row is None else row)
    return torch.stack(gradients).reshape(flat.numel(), -1)
