"""The derivative of each component of an array by each component of another, by autograd."""

from __future__ import annotations

import sys
from contextlib import suppress

import torch
from torch import Tensor as Array

from einsum_doc.compute.checking.evaluation.arrays import largest
from einsum_doc.compute.checking.instances.undecided import check_size

BATCHED_FROM, BATCHED_AGAIN = 200, 12
"""From how many backward passes on they are done in one that is batched: the first such call is slow."""

AT_ONCE = 256
"""The most backward passes in a batched one."""


def jacobian(output: Array, variable: Array, through: int) -> Array:
    """Return the derivative of each component of `output` by each of `variable`, with the axes of both.

    through: how many backward passes may go through this derivative later; 0 if it is not differentiated.
    """
    shape = (*output.shape, *variable.shape)
    check_size(shape)
    if not output.requires_grad or not output.numel():
        return torch.zeros(shape, dtype=torch.float64)
    flat = output.reshape(-1)
    found = _columns(flat, variable, through) if flat.numel() > variable.numel() else None
    return (_rows(flat, variable, through) if found is None else found).reshape(shape)


def jacobian_scale(found: Array, level: float, variable: Array) -> Array:
    """Return a derivative's scale: its largest component; and a part of its function's level, as terms may cancel."""
    level /= largest(variable) or 1.0
    return torch.tensor(max(largest(found), level / 100), dtype=torch.float64).expand(found.shape)


def _columns(flat: Array, variable: Array, through: int) -> Array | None:
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
        found = _rows(row.reshape(-1), weights, through)
    except RuntimeError:
        return None
    weight = weights.detach()
    size = found.detach().abs() @ weight + flat.detach().abs() @ weight / (largest(variable) or 1.0)
    if bool(((found.detach() @ weight - row.detach().reshape(-1)).abs() > 1e-9 * size).any()):
        return None
    return found.T


def _rows(flat: Array, variable: Array, through: int) -> Array:
    """Return the gradient of each component of a vector, as the rows of a matrix."""
    count, keep = flat.numel(), through > 0
    first_call = "torch.fx.experimental.symbolic_shapes" not in sys.modules
    if count * max(through, 1) >= (BATCHED_FROM if first_call else BATCHED_AGAIN):
        with suppress(RuntimeError):  # Code may do what cannot be batched.
            return _batched_rows(flat, variable, keep)
    gradients = []
    for number in range(count):
        last = number == count - 1
        (row,) = torch.autograd.grad(
            flat[number], variable, retain_graph=keep or not last, create_graph=keep, allow_unused=True
        )
        gradients.append(torch.zeros_like(variable) if row is None else row)
    return torch.stack(gradients).reshape(count, -1)


def _batched_rows(flat: Array, variable: Array, keep: bool) -> Array:
    """Return the same, many rows in one backward pass."""
    count, parts = flat.numel(), []
    for start in range(0, count, AT_ONCE):
        unit = torch.zeros((min(AT_ONCE, count - start), count), dtype=torch.float64)
        unit.diagonal(start).fill_(1)
        (found,) = torch.autograd.grad(
            flat, variable, unit, retain_graph=True, create_graph=keep, is_grads_batched=True, allow_unused=True
        )
        parts.append(torch.zeros((len(unit), variable.numel()), dtype=torch.float64) if found is None else found)
    return torch.cat([part.reshape(len(part), -1) for part in parts])
