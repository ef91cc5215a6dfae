"""A Plan run forwards and backwards over tensors, in torch's own differentiable calls.

In a sweep the tensors of the tree are numbered as in the plan: the leaves as read, then each contraction's result.
"""

import weakref
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from einsum_doc.compute.contraction.plan import Contraction, Plan
from einsum_doc.compute.contraction.primitives import apply, contract

Values = list[Tensor | None]
"""The tensors of the tree by number; None for one that is not kept."""


def sweep_forward(
    plan: Plan,
    operands: Sequence[Tensor],
    keep: Collection[int] = (),
    *,
    last: bool = True,
    nodes: tuple[bool, ...] = (),
) -> Values:
    """Compute the tensors of the tree; return those to keep and the last one, and free the others after their last use.

    An operand is read when it is used: a copy or a sum of it is there no sooner.
    last: whether to compute the last one, which the gradients do not need.
    nodes: for each leaf, whether autograd takes its gradient; the contractions that torch would derive in another way
    are then nodes of its graph.
    """
    reached = requires_gradient(plan, nodes) if nodes else ()
    values: Values = [None] * len(plan.leaves)

    def take(tensor: int, number: int) -> Tensor:
        if tensor < len(plan.leaves) and values[tensor] is None:
            operand = plan.leaves[tensor]
            values[tensor] = apply(plan.operands[operand].reading, operands[operand])
        value = values[tensor]
        assert value is not None
        if plan.last_uses.get(tensor) == number and tensor not in keep:
            values[tensor] = None
        return value

    for number, contraction in enumerate(plan.contractions if last else plan.contractions[:-1]):
        if plan.first_equal[contraction.result] != contraction.result:
            values.append(None)
            continue
        left, right = plan.first_equal[contraction.left], plan.first_equal[contraction.right]
        # No name holds a tensor: a copy that the call makes takes its place. One on both sides is taken last.
        first = -1 if left == right else number
        if reached and reached[contraction.result] and not plan.torch_derives[number]:
            copies = plan.copies_upstream if contraction.result == plan.last else ()
            node: Any = _ContractionNode
            values.append(node.apply(contraction, copies, take(left, first), take(right, number)))
        else:
            values.append(contract(contraction.forward, take(left, first), take(right, number)))
    for number in keep if plan.contractions else (0,):
        if number < len(plan.leaves):
            take(number, -1)
    return [values[first] for first in plan.first_equal[: len(values)]]


def sweep_backward(plan: Plan, values: Values, upstream: Tensor, wanted: tuple[bool, ...]) -> list[Tensor | None]:
    """Compute the gradient of each leaf that is wanted.

    values: of the forward sweep, those in `needed_values`; they are freed after their use.
    wanted: for each leaf, true if its gradient is to be computed.
    """
    reached = requires_gradient(plan, wanted)
    gradients = {plan.last: upstream.contiguous() if plan.output.contiguous else upstream}
    for contraction in reversed(plan.contractions):
        if not reached[contraction.result]:
            continue
        _send_back(contraction, gradients.pop(contraction.result), values, reached, gradients)
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


def _send_back(
    contraction: Contraction,
    upstream: Tensor,
    values: Values | dict[int, Tensor | None],
    reached: Sequence[bool] | Mapping[int, bool],
    gradients: dict[int, Tensor],
    copies: Collection[int] = (),
) -> None:
    """Add what the gradient of a contraction's result gives to those of its sides that are reached.

    values: those of the sides are freed after their use.
    copies: the sides whose gradients are made from a copy of the result's gradient.
    """
    own = upstream
    square = contraction.symmetric and contraction.left == contraction.right
    for call, target, other in contraction.backward[: 1 if square else 2]:
        if reached[target]:
            own = own.contiguous() if target in copies else upstream
            part = contract(call, own, _present(values, other).conj())
            _add(gradients, target, 2 * part if square else part)
        if target != other:
            values[other] = None
    values[contraction.left] = values[contraction.right] = None


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
def requires_gradient(plan: Plan, wanted: tuple[bool, ...]) -> Sequence[bool]:
    """Return whether each tensor of the tree is computed from a wanted leaf."""
    reached = list(wanted)
    for contraction in plan.contractions:
        reached.append(reached[contraction.left] or reached[contraction.right])
    return reached


def memory_of(
    function: Callable[..., Tensor],
    operands: Sequence[Tensor],
    wanted: Sequence[Tensor],
    upstream: Callable[[Tensor], Tensor],
) -> tuple[int, int]:
    """Measure the bytes that are alive between the passes, and the most at a time, of tensors that a function makes.

    upstream: makes the upstream gradient from the output; neither it nor the operands count.
    """
    made = _Allocations(operands)
    hooks: AbstractContextManager[Any] = nullcontext()
    if torch._C._autograd._saved_tensors_hooks_is_enabled():  # type: ignore[attr-defined]
        # The program's own hooks may count what is saved.
        hooks = torch.autograd.graph.saved_tensors_hooks(lambda tensor: tensor, lambda tensor: tensor)
    with torch.autograd.set_detect_anomaly(False), hooks:
        with made:
            output = function(*operands)
        dldz, between = upstream(output.detach()), made.alive
        made.know(dldz)
        with made:
            # torch.autograd.grad would import torch's compiler, which takes a second.
            torch.autograd.Variable._execution_engine.run_backward(
                (output,), (dldz,), False, False, tuple(wanted), allow_unreachable=False, accumulate_grad=False
            )
    return between, made.peak


def as_dtype(gradient: Tensor, dtype: torch.dtype) -> Tensor:
    """Convert a gradient to the dtype of its operand: to the real part, for a real operand of a complex einsum."""
    if gradient.dtype == dtype:
        return gradient
    return (gradient if dtype.is_complex or not gradient.is_complex() else gradient.real).to(dtype)


def _present(values: Values | Mapping[int, Tensor | None], number: int) -> Tensor:
    value = values[number]
    assert value is not None, f"tensor {number} of the tree was not kept"
    return value


class _ContractionNode(torch.autograd.Function):
    """A contraction as a node of autograd's graph."""

    @staticmethod
    def forward(ctx: Any, contraction: Contraction, copies: Collection[int], left: Tensor, right: Tensor) -> Tensor:
        """Return the contraction, and save the tensors that the gradients are made from; copies: as in `_send_back`."""
        ctx.contraction, ctx.copies, ctx.dtypes = contraction, copies, (left.dtype, right.dtype)
        _, _, to_left, to_right = ctx.needs_input_grad
        ctx.save_for_backward(left if to_right else None, right if to_left else None)
        return contract(contraction.forward, left, right).detach()

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> Any:
        """Make the gradients; differentiably, if they are to be differentiated."""
        contraction: Contraction = ctx.contraction
        sides = contraction.left, contraction.right
        values = dict(zip(sides, ctx.saved_tensors, strict=True))
        ctx.maybe_clear_saved_tensors()
        reached = dict(zip(sides, ctx.needs_input_grad[2:], strict=True))
        gradients: dict[int, Tensor] = {}
        _send_back(contraction, upstream, values, reached, gradients, ctx.copies)
        # A tensor on both sides has one gradient.
        found = [gradients.pop(side, None) for side in sides]
        return (
            None,
            None,
            *(
                None if gradient is None else as_dtype(gradient, dtype)
                for gradient, dtype in zip(found, ctx.dtypes, strict=True)
            ),
        )


class _Allocations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of new tensors without numbers that are alive, and the most at a time."""

    def __init__(self, known: Sequence[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.references: dict[int, object] = {}
        self.alive = self.peak = 0
        for tensor in known:
            self.know(tensor)

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # To skip it, torch would import it.

    def know(self, tensor: Tensor) -> None:
        """Do not count a tensor."""
        self.references[tensor.untyped_storage()._cdata] = tensor

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        make = _MADE.get(function.overloadpacket.__name__)
        result: Tensor = function(*args, **(kwargs or {})) if make is None else make(*args)
        storage = result.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key not in self.references:
            self.alive += size
            self.peak = max(self.peak, self.alive)

            def free(_: object) -> None:
                del self.references[key]
                self.alive -= size

            self.references[key] = weakref.ref(storage, free)
        return result


def _summed(tensor: Tensor, axes: Sequence[int] = (), keepdim: bool = False) -> Tensor:
    own = [axis % tensor.dim() for axis in axes or range(tensor.dim())]
    kept = [1 if axis in own else size for axis, size in enumerate(tensor.shape) if keepdim or axis not in own]
    return tensor.new_empty(kept)


def _elementwise(*arguments: Any) -> Tensor:
    """Make the result of an elementwise operation, with its axes in the order of memory that torch chooses.

    Source: ATen's `TensorIteratorBase::reorder_dimensions`.
    """
    given = [own for own in arguments if isinstance(own, Tensor)]
    tensors: Sequence[Tensor] = torch.broadcast_tensors(*given)  # type: ignore[no-untyped-call]
    first, shape = tensors[0], tensors[0].shape
    for layout in torch.contiguous_format, torch.channels_last:
        if all(own.is_contiguous(memory_format=layout) for own in tensors):
            return torch.empty(shape, dtype=first.dtype, device=first.device, memory_format=layout)
    strides = list(zip(*(own.stride() for own in tensors), strict=True))
    order = list(reversed(range(len(shape))))
    for number in range(1, len(order)):
        place = number
        for before in reversed(range(number)):
            one, other = order[before], order[place]
            # Axes of length 1 count, too. Where strides are equal, a longer axis moves out, and a shorter one may.
            pairs = ((a, b) for a, b in zip(strides[one], strides[other], strict=True) if a and b)
            difference = next(filter(None, (a - b or max(shape[one] - shape[other], 0) for a, b in pairs)), 0)
            if difference < 0:
                break
            if difference > 0:
                order[before], order[place] = other, one
                place = before
    result, step = [1] * len(shape), 1
    for axis in order:
        result[axis], step = step, step * shape[axis]
    alike = all(own.stride() == first.stride() for own in tensors)
    if alike and all(length == 1 or a == b for length, a, b in zip(shape, first.stride(), result, strict=True)):
        result = list(first.stride())
    return first.new_empty_strided(shape, result)


# Without numbers, torch's own are slow, and import its compiler.
_MADE: dict[str, Callable[..., Tensor]] = {
    "mm": lambda left, right: left.new_empty((left.shape[0], right.shape[1])),
    "bmm": lambda left, right: left.new_empty((*left.shape[:2], right.shape[2])),
    "dot": lambda left, _: left.new_empty(()),
    "sum": _summed,
    "mul": _elementwise,
    "add": _elementwise,
    "add_": lambda total, _: total,
    "diagonal_backward": lambda gradient, shape, *_: gradient.new_empty(shape),
}
