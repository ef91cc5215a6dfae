"""einsum, vjp, jvp, hvp: one Plan run forwards and backwards."""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.utils._python_dispatch import _pop_mode, _push_mode

from einsum_doc.compute.contraction.binding import FrozenSizes, Sizes, bind, check_limit, freeze
from einsum_doc.compute.contraction.operands import (
    check_differentiable,
    check_dtypes,
    check_operands,
    check_tangents,
    check_upstream,
    tensors_in,
)
from einsum_doc.compute.contraction.pairwise import (
    contract_in_pairs,
    hvp_in_pairs,
    is_symbolic,
    is_watched,
    jvp_in_pairs,
    torch_einsum,
    torch_takes,
    vjp_in_pairs,
)
from einsum_doc.compute.contraction.path import EXHAUSTIVE
from einsum_doc.compute.contraction.plan import Plan, make_plan
from einsum_doc.compute.contraction.primitives import apply, autocasts
from einsum_doc.compute.contraction.sweep import (
    as_dtype,
    memory_of,
    needed_values,
    sweep_backward,
    sweep_backward_tangent,
    sweep_forward,
    sweep_tangent,
)
from einsum_doc.equation import Equation, from_sublists, parse
from einsum_doc.errors import ArgumentError, EquationError, Shape


def einsum(*arguments: Any, sizes: Sizes | None = None, memory_limit: int | None = None) -> Tensor:
    """Compute the einsum of tensors: a drop-in for `torch.einsum` whose backward pass is the derived one.

    >>> x, y = torch.ones(4, 3), torch.ones(3, 5)
    >>> einsum("ij,jk->ik", x, y).shape
    torch.Size([4, 5])
    >>> einsum(x, [0, 1], y, [1, 2], [0, 2]).shape
    torch.Size([4, 5])
    >>> einsum("i->ij", torch.arange(2), sizes={"j": 3})
    tensor([[0, 0, 0],
            [1, 1, 1]])

    The equation is closed: a label repeated in the output writes the diagonal, and one that is only in the
    output broadcasts, with its size in `sizes`. There is at least one operand: '->' takes one scalar.
    Whichever operands require a gradient, no more is kept for the backward pass than by `torch.einsum`, and the peak of
    both passes is not higher: where our own program would need more memory, torch's runs.
    memory_limit: the most numbers in an intermediate tensor, if there is such an order of contraction;
    without it, eight times as many as the largest operand or the output. As in opt_einsum, a low limit trades
    time for memory.
    Shapes: each operand has one axis per label of its term; the output one per label of the output.
    Raises: EquationError, if the equation cannot be read; OperandError, if the operands do not fit it; ArgumentError,
    if it is no text, or they are no tensors. Where torch raises a RuntimeError or a TypeError, ours is one, too.
    Source: the semantics of every equation that torch accepts are those of `torch.einsum`.
    """
    equation, operands = read_call(arguments)
    check_operands(equation, operands)
    memory_limit = check_limit(memory_limit)
    if is_watched(operands, sizes):
        return contract_in_pairs(equation, operands, sizes, memory_limit)
    with_grad = operands if torch.is_grad_enabled() else ()
    wanted = tuple(number for number, operand in enumerate(with_grad) if operand.requires_grad)
    shapes = tuple(operand.shape for operand in operands)
    same = _first_same(operands)
    plan = _plan(equation, shapes, freeze(sizes), None, same, memory_limit, wanted).merged
    check_dtypes(equation, plan, operands)
    ours = not wanted or plan.plain or sizes or memory_limit is not None or not _only_reverse_mode(operands[0])
    if not ours and _needs_more(plan, equation, same, wanted, *{operand.dtype for operand in operands}):
        return torch_einsum(str(equation), *operands)
    output = _run(plan, *operands)
    if output is operands[0]:
        view: Tensor = output.view_as(output)
        return view
    if plan.output.broadcasts:
        return output.clone(memory_format=torch.contiguous_format)
    return output if torch.is_grad_enabled() else _own(output, operands)


def vjp(
    equation: Equation | str, operands: Sequence[Tensor], dldz: Tensor, *, memory_limit: int | None = None
) -> tuple[Tensor, ...]:
    """Compute the gradient of each operand from the upstream gradient.

    >>> x, y = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])
    >>> vjp("i,i->", (x, y), torch.tensor(10.0))
    (tensor([30., 40.]), tensor([10., 20.]))

    One tensor in several slots has a gradient for each; slots that can trade places, as in 'i,i->', get the same
    tensor.
    memory_limit: as in `einsum`.
    Shapes: `dldz` has that of the output, and gives the size of a label that is only there; each gradient
    has that of its operand.
    Raises: as `einsum`; OperandError also if an operand is not floating point or complex.
    """
    equation, operands, memory_limit = _checked(equation, operands, dldz, memory_limit)
    if is_symbolic((*operands, dldz)):
        return vjp_in_pairs(equation, operands, dldz, memory_limit)
    plan = _plan_of(equation, operands, dldz, memory_limit)
    wanted = _distinct(plan)
    values = sweep_forward(plan, operands, keep=needed_values(plan, wanted), last=False)
    return _written(plan, sweep_backward(plan, values, apply(plan.output.reading, dldz), wanted), operands)


def jvp(
    equation: Equation | str,
    operands: Sequence[Tensor],
    tangents: Sequence[Tensor | None],
    *,
    sizes: Sizes | None = None,
    memory_limit: int | None = None,
) -> Tensor:
    """Compute the tangent of the output from those of the operands.

    >>> x, y = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])
    >>> jvp("i,i->", (x, y), (torch.tensor([1.0, 0.0]), None))
    tensor(3.)

    tangents: one for each operand, None for one that does not move.
    memory_limit: as in `einsum`.
    Shapes: each tangent has that of its operand; the result that of the output.
    Raises: as `einsum`; OperandError also if a tangent does not fit its operand.
    """
    equation, operands, tangents = parse(equation), tensors_in(operands, "operands"), tensors_in(tangents, "tangents")
    check_operands(equation, operands)
    check_tangents(equation, operands, tangents)
    check_differentiable(equation, operands, [number for number, v in enumerate(tangents) if v is not None])
    memory_limit = check_limit(memory_limit)
    if is_symbolic((*operands, *tangents), sizes):
        return jvp_in_pairs(equation, operands, tangents, sizes, memory_limit)
    plan = _plan(equation, _shapes(operands), freeze(sizes), None, _first_same(operands, tangents), memory_limit)
    check_dtypes(equation, plan, operands)
    values = sweep_forward(plan, operands, keep=plan.first_equal, last=False)
    tangent = sweep_tangent(plan, values, _read(plan, tangents))[plan.last]
    if tangent is None:
        return torch.zeros_like(einsum(equation, *operands, sizes=sizes))
    output = apply(plan.output.writing, tangent)
    return output.clone(memory_format=torch.contiguous_format) if plan.output.broadcasts else output


def hvp(
    equation: Equation | str,
    operands: Sequence[Tensor],
    dldz: Tensor,
    tangents: Sequence[Tensor | None],
    *,
    memory_limit: int | None = None,
) -> tuple[Tensor, ...]:
    """Compute the tangents of the gradients: the Hessian of ⟨dldz, z⟩ times a vector.

    >>> x, y = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])
    >>> hvp("i,i->", (x, y), torch.tensor(10.0), (torch.tensor([1.0, 0.0]), None))
    (tensor([0., 0.]), tensor([10.,  0.]))

    tangents: one for each operand, None for one that does not move.
    memory_limit: as in `einsum`.
    Shapes: each tangent and each result has that of its operand.
    Raises: as `vjp`; OperandError also if a tangent does not fit its operand.
    """
    tangents = tensors_in(tangents, "tangents")
    equation, operands, memory_limit = _checked(equation, operands, dldz, memory_limit)
    check_tangents(equation, operands, tangents)
    if is_symbolic((*operands, dldz, *tangents)):
        return hvp_in_pairs(equation, operands, dldz, tangents, memory_limit)
    plan = _plan_of(equation, operands, dldz, memory_limit, tangents)
    values = sweep_forward(plan, operands, keep=plan.first_equal, last=False)
    moved = sweep_tangent(plan, values, _read(plan, tangents), last=False)
    found = sweep_backward_tangent(plan, values, moved, apply(plan.output.reading, dldz), _distinct(plan))
    return _written(plan, found, operands)


def _checked(
    equation: Equation | str, operands: Sequence[Tensor], dldz: Tensor, memory_limit: int | None
) -> tuple[Equation, tuple[Tensor, ...], int | None]:
    """Check an einsum whose gradient is to be computed; return it, its operands and the limit."""
    equation, operands, memory_limit = parse(equation), tensors_in(operands, "operands"), check_limit(memory_limit)
    check_operands(equation, operands)
    check_differentiable(equation, operands, range(len(operands)))
    check_upstream(equation, operands, dldz)
    return equation, operands, memory_limit


def _plan_of(
    equation: Equation,
    operands: Sequence[Tensor],
    dldz: Tensor,
    memory_limit: int | None,
    *tangents: Sequence[Tensor | None],
) -> Plan:
    """Return the plan of an einsum whose gradient is computed; all of its tensors are known."""
    plan = _plan(equation, _shapes(operands), (), *_shapes([dldz]), _first_same(operands, *tangents), memory_limit)
    check_dtypes(equation, plan, operands)
    return plan


_T = TypeVar("_T", Tensor, Tensor | None)


def _read(plan: Plan, tensors: Sequence[_T]) -> list[_T]:
    """Read each tensor as the tree sees it; of equal ones only the first."""
    leaves: list[_T] = []
    for number, (axes, tensor) in enumerate(zip(plan.operands, tensors, strict=True)):
        first = plan.first_equal[number]
        leaves.append(leaves[first] if first < number else tensor if tensor is None else apply(axes.reading, tensor))
    return leaves


def _distinct(plan: Plan) -> tuple[bool, ...]:
    """Return for each operand whether its gradient is computed: it is not, if an earlier operand has the same."""
    return tuple(plan.same_gradient[number] == number for number in range(len(plan.operands)))


def _written(plan: Plan, gradients: Sequence[Tensor | None], operands: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Write the gradients of the leaves as those of the operands."""

    def written(number: int) -> Tensor:
        gradient, operand = gradients[number], operands[number]
        if gradient is None:
            return torch.zeros_like(operand)
        return apply(plan.operands[number].writing, as_dtype(gradient, operand.dtype))

    numbers = plan.same_gradient[: len(operands)]
    made = {number: written(number) for number in set(numbers)}
    return tuple(made[number] for number in numbers)


def read_call(arguments: tuple[Any, ...]) -> tuple[Equation, tuple[Any, ...]]:
    """Return the equation and operands of a call: text first, sublists between, or the operands in one list."""
    if not arguments:
        raise EquationError("einsum takes an equation and its operands, or operands each with its sublist")
    if hasattr(arguments[0], "__torch_function__"):
        sublists, output = arguments[1::2], arguments[-1:] if len(arguments) % 2 == 1 else ()
        if not sublists or any(sublist is None or _is_no_sublist(sublist) for sublist in (*sublists, *output)):
            given = ", ".join(type(argument).__name__ for argument in arguments)
            fault = f"an operand comes with its sublist, as in einsum(x, [0, 1], y, [1, 2]), not einsum({given})"
            raise ArgumentError(fault)
        return from_sublists(sublists, *output), arguments[: len(arguments) - 1 : 2]
    equation, operands = parse(arguments[0]), arguments[1:]
    while len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    return equation, operands


def _is_no_sublist(sublist: Any) -> bool:
    """Return whether a sublist is rather an operand: a tensor, but not of a few whole numbers."""
    return isinstance(sublist, Tensor) and (sublist.ndim != 1 or sublist.is_floating_point() or sublist.is_complex())


def _shapes(operands: Sequence[Tensor]) -> tuple[Shape, ...]:
    # Numbers, also while torch.jit traces: then a size is a tensor.
    return tuple(tuple(map(int, operand.shape)) for operand in operands)


def _first_same(*tensors: Sequence[Tensor | None]) -> tuple[int, ...] | None:
    """Return for each operand the first that is the same tensor with the same tangent; None if all differ."""
    if len(set(map(id, tensors[0]))) == len(tensors[0]):
        return None
    names = [tuple(map(id, own)) for own in zip(*tensors, strict=True)]
    return None if len(set(names)) == len(names) else tuple(map(names.index, names))


@lru_cache(maxsize=2048)
def _plan(
    equation: Equation,
    shapes: tuple[Shape, ...],
    sizes: FrozenSizes,
    upstream: Shape | None,
    same: tuple[int, ...] | None,
    memory_limit: int | None,
    wanted: tuple[int, ...] | None = None,
) -> Plan:
    """Return the plan, made once for an equation and shapes."""
    return make_plan(bind(equation, shapes, dict(sizes), upstream), same, memory_limit, wanted)


_UPSTREAM: Sequence[Callable[[Tensor], Tensor]] = (
    lambda output: output.new_empty(output.shape),
    lambda output: output.new_empty(()).expand(output.shape),  # that of a sum
    lambda output: output.new_empty_strided(output.shape, output.stride()),  # that of an elementwise operation
)


@lru_cache(maxsize=2048)
def _needs_more(
    plan: Plan, equation: Equation, same: tuple[int, ...] | None, wanted: tuple[int, ...], *dtypes: torch.dtype
) -> bool:
    """Return whether a plan keeps more between the passes than `torch.einsum`, or needs more at its peak.

    Measured once, on tensors without numbers: torch's operations decide what is a view and what a copy.
    """
    if len(dtypes) > 1 or not torch_takes(equation):
        return False
    # The modes of the program may count the calls.
    modes = [_pop_mode() for _ in range(torch._C._len_torch_dispatch_stack())]
    try:
        leaves = [
            torch.empty(axes.shape, dtype=dtypes[0], device="meta", requires_grad=number in wanted)
            for number, axes in enumerate(plan.operands)
        ]
        operands = [leaves[number] for number in same or range(len(leaves))]
        inputs = [leaves[number] for number in wanted if same is None or same[number] == number]
        functions = partial(_run, plan), partial(torch_einsum, str(equation))
        # The upstream gradient matters for the last contraction, which is one of many in a large network.
        for upstream in _UPSTREAM[: 3 if len(operands) <= EXHAUSTIVE else 1]:
            ours, theirs = (memory_of(function, operands, inputs, upstream) for function in functions)
            if ours[0] > theirs[0] or ours[1] > theirs[1]:
                return True
    finally:
        for mode in reversed(modes):
            _push_mode(mode)
    return False


def _run(plan: Plan, *operands: Tensor) -> Tensor:
    """Run the tree and write the output."""
    return apply(plan.output.writing, _contract(plan, operands))


def _contract(plan: Plan, operands: Sequence[Tensor]) -> Tensor:
    """Run the tree; where only the reverse sweep can be asked for, with the plan's own."""
    wanted = tuple([operands[leaf].requires_grad for leaf in plan.leaves])
    ours = True in wanted and False in plan.torch_derives and _only_reverse_mode(operands[0])
    last = sweep_forward(plan, operands, nodes=wanted if ours else ())[-1]
    assert last is not None
    return last


def _only_reverse_mode(leaf: Tensor) -> bool:
    """Return whether only the reverse sweep can be asked for.

    Under torch.func, forward-mode AD, autocast or the compiler the tree is run in torch's own calls, which all
    of them understand; they derive the same reverse sweep from it.
    """
    return (
        torch.is_grad_enabled()
        and forward_ad._current_level < 0
        and not torch._C._are_functorch_transforms_active()
        and not torch.compiler.is_compiling()
        and not autocasts(leaf)
    )


def _own(output: Tensor, operands: Sequence[Tensor]) -> Tensor:
    """Return an output as a tensor of its own, unless it is a view of an operand.

    Autograd refuses to change a view in place that was made without a graph.
    """
    base = output._base
    shared = base is None or any(base is operand or base is operand._base for operand in operands)
    return output if shared else output.detach()
