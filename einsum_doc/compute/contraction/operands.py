"""Checks of tensors before anything is computed: their type, dtype and device."""

from collections.abc import Callable, Iterable, Sequence
from functools import cache, reduce
from typing import Any, NoReturn

import torch
from torch import Tensor

from einsum_doc.compute.contraction.path import splits
from einsum_doc.compute.contraction.plan import AxisMap, Plan
from einsum_doc.compute.contraction.primitives import autocasts
from einsum_doc.equation import Equation
from einsum_doc.errors import ArgumentError, EinsumError, OperandError, describe, sequence


def tensors_in(value: Any, name: str) -> tuple[Any, ...]:
    """Return the items of an argument that is a sequence of tensors; a tensor is not one of its rows."""
    if isinstance(value, Tensor):
        raise ArgumentError(f"{name} is a sequence of tensors, not one tensor")
    return sequence(value, name, "tensors")


def check_operands(equation: Equation, operands: Sequence[Any]) -> None:
    """Refuse operands that are no tensors, or on several devices.

    Raises: OperandError; ArgumentError.
    """
    if not operands:
        raise OperandError("no operands were given", text=equation.text)
    for number, operand in enumerate(operands):
        if not isinstance(operand, Tensor):
            raise ArgumentError(
                f"operand {number} is no tensor: {type(operand).__name__}",
                text=equation.text,
                places=equation.span(number),
                operands=[number],
            )
    device = operands[0].device
    elsewhere = [number for number, operand in enumerate(operands) if operand.device != device]
    if elsewhere:
        _refuse(equation, operands, "the operands are on different devices", detail=_device, at=elsewhere)


def check_dtypes(equation: Equation, plan: Plan, operands: Sequence[Tensor]) -> None:
    """Refuse dtypes that a contraction of the plan cannot take.

    Raises: OperandError.
    Source: `torch.einsum` promotes the dtypes of a product; those of a contraction have to be equal, unless
    autocast makes them so, and cannot be bool, nor on a GPU integers. A sum of either is of int64. Its answer for
    three operands depends on its order: in 'ij,jk,i->ik' i may have another dtype, but not if it is multiplied in
    first. Here the order does not matter: operands with equal dtypes in some order are promoted, in any tree, and
    others are refused. Nor do sizes: torch lets two dtypes pass where one of the sizes is zero.
    """
    first = operands[0].dtype
    if (first.is_floating_point or first.is_complex) and all(operand.dtype == first for operand in operands):
        return
    device, autocast = operands[0].device.type, autocasts(operands[0])
    read = [_as_read(slot, operand.dtype) for slot, operand in zip(plan.operands, operands, strict=True)]
    dtypes = [read[leaf] for leaf in plan.leaves]
    of_one = all(operand.dtype == first for operand in operands)
    for contraction in plan.contractions:
        left, right = dtypes[contraction.left], dtypes[contraction.right]
        dtypes.append(torch.promote_types(left, right))
        if not contraction.forward.contracts:
            continue
        short = autocast and left in _CAST and right in _CAST
        if left != right and not of_one and not short and not _fit_in_some_order(plan, read):
            fault = f"{_name(left)} and {_name(right)} are contracted, which need one dtype"
            others = [number for number, operand in enumerate(operands) if operand.dtype != first]
            _refuse(equation, operands, fault, at=others)
        if torch.bool in (left, right) or (device == "cuda" and not (left.is_floating_point or left.is_complex)):
            dtype = torch.bool if torch.bool in (left, right) else left
            fault = f"tensors of dtype {_name(dtype)} cannot be contracted on {device}"
            _refuse(equation, operands, fault)


def _as_read(axes: AxisMap, dtype: torch.dtype) -> torch.dtype:
    """Return the dtype that the tree sees: summed, integers and booleans are int64."""
    summed = axes.broadcasts and not (dtype.is_floating_point or dtype.is_complex)
    return torch.int64 if summed else dtype


_CAST = frozenset((torch.float16, torch.bfloat16, torch.float32))
"""The dtypes that autocast converts to one."""


_ORDERS = 10
"""The most operands for which all orders are tried; with more, dtypes have to fit in the tree's."""


def _fit_in_some_order(plan: Plan, dtypes: Sequence[torch.dtype]) -> bool:
    """Return whether there is a tree in which every contraction is of two equal dtypes."""
    terms = [frozenset(slot.labels) for slot in plan.operands]
    if len(terms) > _ORDERS:
        return False

    @cache
    def made(subset: int) -> tuple[torch.dtype, frozenset[str]]:
        """Return the dtype of the tensor made from operands, given as bits, and the labels contracted in it."""
        inside = [number for number in range(len(terms)) if subset >> number & 1]
        outside = [term for number, term in enumerate(terms) if number not in inside]
        held = frozenset().union(*(terms[number] for number in inside))
        dtype = reduce(torch.promote_types, (dtypes[number] for number in inside))
        return dtype, held.difference(plan.output.labels, *outside)

    @cache
    def fits(subset: int) -> bool:
        return subset.bit_count() == 1 or any(
            (made(left)[0] == made(right)[0] or made(subset)[1] == made(left)[1] | made(right)[1])
            and fits(left)
            and fits(right)
            for left, right in splits(subset)
        )

    return fits((1 << len(terms)) - 1)


def check_differentiable(equation: Equation, operands: Sequence[Tensor], numbers: Iterable[int]) -> None:
    """Refuse integers and booleans among the operands with these numbers: they have no gradient.

    Raises: OperandError.
    """
    for number in numbers:
        operand = operands[number]
        if not (operand.is_floating_point() or operand.is_complex()):
            fault = f"operand {number} has dtype {_name(operand.dtype)}, which has no gradient"
            _refuse(equation, operands, fault, at=[number])


def check_tangents(equation: Equation, operands: Sequence[Tensor], tangents: Sequence[Tensor | None]) -> None:
    """Refuse tangents that are not like their operands.

    Raises: OperandError.
    """
    if len(tangents) != len(operands):
        fault = f"there are {len(operands)} operands, but {len(tangents)} tangents"
        _refuse(equation, operands, fault)
    for number, (operand, tangent) in enumerate(zip(operands, tangents, strict=True)):
        if tangent is None:
            continue
        if not isinstance(tangent, Tensor):
            fault = f"the tangent of operand {number} is no tensor: {type(tangent).__name__}"
            _refuse(equation, operands, fault, at=[number], error=ArgumentError)
        own = (tuple(tangent.shape), _name(tangent.dtype), str(tangent.device))
        if own != (tuple(operand.shape), _name(operand.dtype), str(operand.device)):
            fault = f"the tangent of operand {number} has shape {own[0]}, {own[1]}, {own[2]}"
            _refuse(equation, operands, fault, at=[number])


def check_upstream(equation: Equation, operands: Sequence[Tensor], dldz: Tensor) -> None:
    """Refuse an upstream gradient that has not the dtype or device of the output.

    Under autocast the output may have either dtype, depending on the last contraction.
    Raises: OperandError.
    """
    if not isinstance(dldz, Tensor):
        raise ArgumentError(f"the upstream gradient is no tensor: {type(dldz).__name__}", text=equation.text)
    dtype = reduce(torch.promote_types, (operand.dtype for operand in operands))
    short = dtype in _CAST and dldz.dtype in _CAST and autocasts(operands[0])
    if dldz.dtype != dtype and not short:
        fault = f"the upstream gradient has dtype {_name(dldz.dtype)}, the output has {_name(dtype)}"
        _refuse(equation, operands, fault)
    if dldz.device != operands[0].device:
        fault = f"the upstream gradient is on {dldz.device}, the operands are on {operands[0].device}"
        _refuse(equation, operands, fault, detail=_device)


def _dtype(tensor: Tensor) -> str:
    return _name(tensor.dtype)


def _device(tensor: Tensor) -> str:
    return str(tensor.device)


def _refuse(
    equation: Equation,
    operands: Sequence[Tensor],
    fault: str,
    *,
    at: Iterable[int] = (),
    detail: Callable[[Tensor], str] = _dtype,
    error: type[EinsumError] = OperandError,
) -> NoReturn:
    lines = [
        f"{describe(number, ''.join(term), operand.shape)}, {detail(operand)}"
        for number, (term, operand) in enumerate(zip(equation.operands, operands, strict=False))
    ]
    numbers = tuple(at)
    places = [place for number in numbers for place in equation.span(number)]
    raise error(fault, text=equation.text, places=places, operands=numbers, given=lines)


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
