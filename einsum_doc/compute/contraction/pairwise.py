"""An einsum as calls of `torch.einsum` of two operands, for compilers, tracers and other readers of the calls."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from itertools import chain, islice
from operator import add
from typing import Any

import torch
from torch import SymInt, Tensor
from torch.nn import Parameter
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack

from einsum_doc.compute.contraction.binding import Sizes, bind
from einsum_doc.compute.contraction.operands import check_dtypes
from einsum_doc.compute.contraction.plan import AxisMap, make_plan
from einsum_doc.compute.contraction.primitives import apply
from einsum_doc.compute.contraction.sweep import as_dtype
from einsum_doc.derivatives import gradient
from einsum_doc.equation import ELLIPSIS, Equation, Role, Term
from einsum_doc.notation.writing.lowering import in_ascii

_PLAIN = frozenset((Tensor, Parameter))
torch_einsum = torch.einsum
"""torch's own, also where a program has put ours in its place."""


def is_watched(operands: Sequence[Tensor], sizes: Sizes | None) -> bool:
    """Return whether the calls have to be those of `torch.einsum`, for any sizes.

    While a program is compiled, that is where a size is symbolic. Elsewhere it is where calls are read or rewritten: by
    a type of tensors, a tracer, or a mode of torch such as `FlopCounterMode`. A mode that is not torch's sees the calls
    of the plan, which it may be there to measure.
    """
    if torch.compiler.is_compiling():
        return is_symbolic(operands, sizes)
    return (
        not _PLAIN.issuperset(map(type, operands))
        or torch._C._get_tracing_state() is not None
        or (torch._C._len_torch_dispatch_stack() > 0 and any(map(is_of_torch, _get_current_dispatch_mode_stack())))
    )


def is_symbolic(tensors: Iterable[Tensor | None], sizes: Sizes | None = None) -> bool:
    """Return whether a size is symbolic: of a tensor, or given."""
    values = sizes.values() if isinstance(sizes, Mapping) else ()  # `freeze` refuses others
    given = (size if isinstance(size, (list, tuple)) else [size] for size in values)
    shapes = (tensor.shape for tensor in tensors if tensor is not None)
    return any(isinstance(size, SymInt) for size in chain(*shapes, *given))


def is_of_torch(mode: object) -> bool:
    """Return whether a mode is defined by torch itself."""
    return type(mode).__module__.startswith("torch.")


def torch_takes(equation: Equation) -> bool:
    """Return whether `torch.einsum` takes an equation: all labels are ASCII, and the output's are distinct and held."""
    new = [label for label, roles in equation.roles.items() if Role.BROADCAST in roles and label != ELLIPSIS]
    return not new and len(set(equation.output)) == len(equation.output) and str(equation).isascii()


def contract_in_pairs(
    equation: Equation, operands: Sequence[Tensor], sizes: Sizes | None, memory_limit: int | None
) -> Tensor:
    """Contract two operands at a time by `torch.einsum`, in the order of the plan for the sizes at hand.

    Only the order depends on these sizes, so symbolic ones remain symbolic.
    """
    shapes, hints = _hints([tuple(operand.shape) for operand in operands], sizes or {})
    binding = bind(equation, shapes, hints)
    plan = make_plan(binding, None, memory_limit)
    check_dtypes(equation, plan, operands)
    core = tuple(label for label in dict.fromkeys(equation.output) if any(label in own for own in equation.operands))
    left = dict(enumerate(zip(equation.operands, operands, strict=True)))
    groups: list[tuple[tuple[int, ...], int]] = [((each.left, each.right), each.result) for each in plan.contractions]
    for numbers, result in groups or [((0,), 0)]:
        terms, tensors = zip(*map(left.pop, numbers), strict=True)
        wanted = {*core, *(label for term, _ in left.values() for label in term)}
        term = tuple(label for label in dict.fromkeys(chain(*terms)) if label in wanted) if left else core
        left[result] = term, _einsum(terms, term, tensors)
    ((_, value),) = left.values()
    return _close(value, frozenset(chain(*binding.operands)), binding.output, dict(_axes(sizes or {})))


def vjp_in_pairs(
    equation: Equation, operands: Sequence[Tensor], dldz: Tensor, memory_limit: int | None
) -> tuple[Tensor, ...]:
    """Compute each gradient by an einsum of its own, in pairs."""
    factors = [operand.conj() for operand in operands]
    return tuple(
        _gradient(equation, number, operand, [*factors[:number], *factors[number + 1 :]], dldz, memory_limit)
        for number, operand in enumerate(operands)
    )


def jvp_in_pairs(
    equation: Equation,
    operands: Sequence[Tensor],
    tangents: Sequence[Tensor | None],
    sizes: Sizes | None,
    memory_limit: int | None,
) -> Tensor:
    """Compute the tangent of the output as a sum of einsums, in pairs."""
    parts = [
        contract_in_pairs(equation, [*operands[:number], tangent, *operands[number + 1 :]], sizes, memory_limit)
        for number, tangent in enumerate(tangents)
        if tangent is not None
    ]
    return reduce(add, parts) if parts else 0 * contract_in_pairs(equation, operands, sizes, memory_limit)


def hvp_in_pairs(
    equation: Equation,
    operands: Sequence[Tensor],
    dldz: Tensor,
    tangents: Sequence[Tensor | None],
    memory_limit: int | None,
) -> tuple[Tensor, ...]:
    """Compute the tangent of each gradient as a sum of einsums, in pairs."""

    def tangent_of(number: int) -> Tensor:
        total = torch.zeros_like(operands[number])
        for moved, tangent in enumerate(tangents):
            if tangent is not None and moved != number:
                factors = [(tangent if n == moved else own).conj() for n, own in enumerate(operands) if n != number]
                total = total + _gradient(equation, number, operands[number], factors, dldz, memory_limit)
        return total

    return tuple(map(tangent_of, range(len(operands))))


def _gradient(
    equation: Equation, wrt: int, operand: Tensor, others: Sequence[Tensor], dldz: Tensor, memory_limit: int | None
) -> Tensor:
    """Compute the gradient of an operand by an einsum of its own."""
    swapped = gradient(equation, wrt)
    value = contract_in_pairs(swapped, [dldz, *others], _new_sizes(swapped, operand), memory_limit)
    place = swapped.output.index(ELLIPSIS) if ELLIPSIS in swapped.output else 0
    # Axes under the ellipsis, and those of size 1, broadcast: they are summed, or expanded, to those of the operand.
    for _ in range(operand.dim() - value.dim()):
        value = value.unsqueeze(place)
    while value.dim() > operand.dim():
        value = value.sum(place)
    ones = [axis for axis, size in enumerate(operand.shape) if _is_one(size)]
    value = (value.sum(ones, keepdim=True) if ones else value).expand(operand.shape)
    return as_dtype(value, operand.dtype)


def _new_sizes(equation: Equation, output: Tensor) -> Sizes:
    """Return the sizes of the labels that only the output has, or that it repeats: a diagonal has its whole length."""
    sizes: dict[str, Any] = {}
    shape, hidden = iter(output.shape), output.dim() - len(equation.output) + 1
    for label in equation.output:
        size = tuple(islice(shape, hidden)) if label == ELLIPSIS else next(shape, 1)
        if Role.BROADCAST in equation.roles[label] or (equation.output.count(label) > 1 and not _is_one(size)):
            sizes[label] = size
    return sizes


def _is_one(size: Any) -> bool:
    return isinstance(size, int) and size == 1


def _hints(shapes: Any, sizes: Any) -> tuple[Any, Any]:
    """Return the sizes at hand, as numbers.

    While torch.jit traces, a size is a tensor, and the trace would have a step that makes a number of it.
    """

    def hint(size: Any) -> Any:
        if isinstance(size, (list, tuple)):
            return tuple(map(hint, size))
        if isinstance(size, SymInt):
            return size.node.hint or 1  # where there is no hint: 1 agrees with all others
        return int(size) if isinstance(size, Tensor) else size

    state = torch._C._get_tracing_state()
    torch._C._set_tracing_state(None)  # type: ignore[attr-defined]
    try:
        return hint(shapes), {label: hint(size) for label, size in sizes.items()}
    finally:
        torch._C._set_tracing_state(state)  # type: ignore[attr-defined]


def _einsum(terms: Sequence[Term], output: Term, tensors: Sequence[Tensor]) -> Tensor:
    """Call `torch.einsum`, which takes ASCII letters as labels, and needs one dtype."""
    letters, _ = in_ascii(tuple(dict.fromkeys(chain(*terms))))
    *inputs, result = ("".join(letters[label] for label in term) for term in (*terms, output))
    if len({tensor.dtype for tensor in tensors}) > 1:
        dtype = reduce(torch.promote_types, (tensor.dtype for tensor in tensors))
        tensors = [tensor.to(dtype) for tensor in tensors]
    value: Tensor = torch_einsum(f"{','.join(inputs)}->{result}", *tensors)
    return value


def _axes(sizes: Sizes) -> Iterator[tuple[str, Any]]:
    """Yield the size that is given for each axis; those under the ellipsis are counted from the right."""
    for label, size in sizes.items():
        if isinstance(size, (list, tuple)):
            yield from ((f"{ELLIPSIS}{axis}", own) for axis, own in enumerate(reversed(size), 1))
        else:
            yield label, size


def _close(value: Tensor, held: frozenset[str], output: Term, sizes: Mapping[str, Any]) -> Tensor:
    """Expand a tensor along the labels that no operand has, and write the diagonals: torch's einsum does neither."""
    labels = tuple(dict.fromkeys(output))
    for axis, label in enumerate(labels):
        if label not in held:
            value = value.unsqueeze(axis)
    if sizes:
        value = value.expand([sizes.get(label, -1) for label in labels]).clone(memory_format=torch.contiguous_format)
    return apply(AxisMap(output, (2,) * len(output), labels).writing, value)
