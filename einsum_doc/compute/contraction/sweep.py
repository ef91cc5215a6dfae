"""A Plan run forwards and backwards over tensors, in torch's own differentiable calls.

In a sweep the tensors of the tree are numbered as in the plan: the leaves as read, then each contraction's result.
"""

from collections.abc import Collection, Sequence
from functools import lru_cache

import torch
from torch import Tensor

from einsum_doc.compute.contraction.plan import Contraction, Plan
from einsum_doc.compute.contraction.primitives import contract

Values = list[Tensor | None]
"""The tensors of the tree by number; None for one that is not kept."""


def sweep_forward(plan: Plan, leaves: Sequence[Tensor], keep: Collection[int] = (), *, last: bool = True) -> Values:
    """Compute the tensors of the tree; return those to keep and the last one, and free the others after their last use.

    last: whether to compute the last one, which the gradients do not need.
    """
    values: Values = list(leaves)
    for number, contraction in enumerate(plan.contractions if last else plan.contractions[:-1]):
        if plan.first_equal[contraction.result] != contraction.result:
            values.append(None)
            continue
        values.append(_forward(plan, contraction, values))
        for used in (plan.first_equal[contraction.left], plan.first_equal[contraction.right]):
            if used not in keep and plan.last_uses[used] == number:
                values[used] = None
    return [values[first] for first in plan.first_equal[: len(values)]]


def sweep_backward(plan: Plan, values: Values, upstream: Tensor, wanted: tuple[bool, ...]) -> list[Tensor | None]:
    """Compute the gradient of each leaf that is wanted.

    values: of the forward sweep, those in `needed_values`.
    wanted: for each leaf, true if its gradient is to be computed.
    """
    reached = requires_gradient(plan, wanted)
    gradients = {plan.last: upstream.contiguous() if plan.output.contiguous else upstream}
    for contraction in reversed(plan.contractions):
        if not reached[contraction.result]:
            continue
        own = gradients.pop(contraction.result)
        square = contraction.symmetric and contraction.left == contraction.right
        for call, target, other in contraction.backward[: 1 if square else 2]:
            if reached[target]:
                part = contract(call, own, _present(values, other).conj())
                _add(gradients, target, 2 * part if square else part)
    return [gradients.get(number) if wanted[number] else None for number in range(len(plan.leaves))]


def sweep_tangent(plan: Plan, values: Values, leaf_tangents: Sequence[Tensor | None], *, last: bool = True) -> Values:
    """Compute the tangent of each tensor of the tree, None for zero, from those of the leaves.

    The plan's equal tensors are equal in value and tangent.
    values: of the forward sweep, all of them but the last.
    last: whether to compute that of the last one.
    """
    tangents: Values = list(leaf_tangents)
    for contraction in plan.contractions if last else plan.contractions[:-1]:
        left, right = tangents[contraction.left], tangents[contraction.right]
        if plan.first_equal[contraction.result] != contraction.result:
            tangents.append(tangents[plan.first_equal[contraction.result]])
            continue
        parts = []
        square = contraction.symmetric and plan.first_equal[contraction.left] == plan.first_equal[contraction.right]
        if left is not None:
            part = contract(contraction.forward, left, _present(values, contraction.right))
            parts.append(2 * part if square else part)
        if right is not None and not square:
            parts.append(contract(contraction.forward, _present(values, contraction.left), right))
        tangents.append(sum(parts[1:], parts[0]) if parts else None)
    return tangents


def sweep_backward_tangent(
    plan: Plan, values: Values, tangents: Values, upstream: Tensor, wanted: tuple[bool, ...]
) -> list[Tensor | None]:
    """Compute the tangent of each wanted leaf's gradient, None for zero; the upstream gradient is constant.

    values, tangents: the tensors of the tree and their tangents, all of them but the last.
    """
    reached = requires_gradient(plan, wanted)
    gradients, changes = {plan.last: upstream}, dict[int, Tensor]()
    for contraction in reversed(plan.contractions):
        if not reached[contraction.result]:
            continue
        own, change = gradients.pop(contraction.result), changes.pop(contraction.result, None)
        for call, target, other in contraction.backward:
            if not reached[target]:
                continue
            value, tangent = _present(values, other).conj(), tangents[other]
            if target >= len(plan.leaves):
                _add(gradients, target, contract(call, own, value))
            if change is not None:
                _add(changes, target, contract(call, change, value))
            if tangent is not None:
                _add(changes, target, contract(call, own, tangent.conj()))
    return [changes.get(number) for number in range(len(plan.leaves))]


def _add(totals: dict[int, Tensor], number: int, part: Tensor) -> None:
    known = totals.get(number)
    totals[number] = part if known is None else known + part


@lru_cache(maxsize=1024)
def needed_values(plan: Plan, wanted: tuple[bool, ...]) -> frozenset[int]:
    """Return the tensors of the forward sweep that the reverse sweep reads."""
    reached = requires_gradient(plan, wanted)
    siblings = {contraction.right for contraction in plan.contractions if reached[contraction.left]}
    siblings |= {contraction.left for contraction in plan.contractions if reached[contraction.right]}
    return frozenset(plan.first_equal[number] for number in siblings)


@lru_cache(maxsize=1024)
def saved_values(plan: Plan, wanted: tuple[bool, ...]) -> tuple[int, ...]:
    """Return the tensors to keep between the passes: the needed ones, and leaves to compute them again from."""
    sources = {number for number in recomputed_values(plan, wanted) if number < len(plan.leaves)}
    return tuple(sorted(needed_values(plan, wanted) | sources))


@lru_cache(maxsize=1024)
def requires_gradient(plan: Plan, wanted: tuple[bool, ...]) -> Sequence[bool]:
    """Return whether each tensor of the tree is computed from a wanted leaf."""
    reached = list(wanted)
    for contraction in plan.contractions:
        reached.append(reached[contraction.left] or reached[contraction.right])
    return reached


@lru_cache(maxsize=1024)
def recomputed_values(plan: Plan, wanted: tuple[bool, ...]) -> frozenset[int]:
    """Return the tensors that a differentiable reverse sweep computes again, and the leaves it computes them from.

    Those are the needed ones that depend on a wanted leaf, and the tensors that they are computed from. A tensor that
    depends on none is constant; as the sibling of one that does, it is needed, and so kept, already.
    """
    reached = requires_gradient(plan, wanted)
    recomputed = {number for number in needed_values(plan, wanted) if reached[number]}
    for contraction in reversed(plan.contractions):
        if contraction.result in recomputed:
            recomputed |= {number for number in (contraction.left, contraction.right) if reached[number]}
    return frozenset(recomputed)


def recompute(plan: Plan, values: Values, wanted: tuple[bool, ...]) -> None:
    """Compute again, from the leaves and so differentiably, the tensors that the reverse sweep reads."""
    recomputed = recomputed_values(plan, wanted)
    for contraction in plan.contractions:
        if contraction.result in recomputed:
            values[contraction.result] = _forward(plan, contraction, values)


def as_dtype(gradient: Tensor, dtype: torch.dtype) -> Tensor:
    """Convert a gradient to the dtype of its operand: to the real part, for a real operand of a complex einsum."""
    if gradient.dtype == dtype:
        return gradient
    return (gradient if dtype.is_complex or not gradient.is_complex() else gradient.real).to(dtype)


def _forward(plan: Plan, contraction: Contraction, values: Values) -> Tensor:
    left, right = (_present(values, plan.first_equal[side]) for side in (contraction.left, contraction.right))
    return contract(contraction.forward, left, right)


def _present(values: Sequence[Tensor | None], number: int) -> Tensor:
    value = values[number]
    assert value is not None, f"tensor {number} of the tree was not kept"
    return value
