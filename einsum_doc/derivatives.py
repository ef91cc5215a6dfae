"""Equation -> the Equations of its gradient, tangent, second derivative."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import index

from einsum_doc.equation import ELLIPSIS, Equation, parse
from einsum_doc.errors import ArgumentError, EquationError, OperandError, sequence, shown


def gradient(equation: Equation | str, wrt: int) -> Equation:
    """Return the equation for the gradient of operand `wrt`: it and the output trade places.

    >>> str(gradient("ik,kj->ij", wrt=0))
    'ij,kj->ik'
    >>> str(gradient("iij,jk->ik", wrt=0)), str(gradient("ij->i", wrt=0))
    ('ik,jk->iij', 'i->ij')

    Operands: the upstream gradient, with the output's labels, then the others in order, conjugated if
    complex.
    Raises: OperandError, if there is no operand `wrt`.
    Source: OMEinsum.jl, `einsum_grad`; the closed form is explained in docs/posts/einsum.md.
    """
    equation = parse(equation)
    wrt = check_operand(equation, wrt)
    others = equation.operands[:wrt] + equation.operands[wrt + 1 :]
    return Equation((equation.output, *others), equation.operands[wrt])


@dataclass(frozen=True)
class Summand:
    """One einsum of a sum of einsums, and the names of its operands.

    >>> str(Summand(parse("ij,jk->ik"), ("x0", "dx1")))
    'ij,jk->ik (x0, dx1)'

    arguments: 'x0' is operand 0 of the equation that was differentiated, 'dx0' its tangent, and 'dldz' the
    upstream gradient.
    """

    equation: Equation
    arguments: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.equation} ({', '.join(self.arguments)})"


Sum = tuple[Summand, ...]
"""A sum of einsums; the empty sum is zero. Each can be differentiated again, by its equation."""


def tangent(equation: Equation | str) -> Sum:
    """Return the tangent of the output: the einsum with each operand in turn replaced by its tangent.

    >>> print(*tangent("ij,jk->ik"), sep=" + ")
    ij,jk->ik (dx0, x1) + ij,jk->ik (x0, dx1)
    """
    equation = parse(equation)
    names = [f"x{number}" for number in range(len(equation.operands))]
    return tuple(Summand(equation, (*names[:moved], f"dx{moved}", *names[moved + 1 :])) for moved in range(len(names)))


def shared_gradient(equation: Equation | str, slots: Sequence[int]) -> Sum:
    """Return the gradient of one tensor that is several operands: the sum of their gradients.

    >>> print(*shared_gradient("ij,kj->ik", slots=[0, 1]), sep=" + ")
    ik,kj->ij (dldz, x1) + ik,ij->kj (dldz, x0)

    Raises: OperandError, if there is no such slot.
    """
    equation = parse(equation)
    names = [f"x{number}" for number in range(len(equation.operands))]
    numbers = [check_operand(equation, slot) for slot in sequence(slots, "slots", "numbers of operands")]
    return tuple(Summand(gradient(equation, slot), ("dldz", *names[:slot], *names[slot + 1 :])) for slot in numbers)


def second_derivative(equation: Equation | str, wrt: int, wrt2: int) -> Sum:
    """Return the derivative by operand `wrt2` of the gradient of operand `wrt`.

    >>> print(*second_derivative("ij,jk->ik", 0, 1))
    ik->ijjk (dldz)
    >>> second_derivative("ij,jk->ik", 0, 0)
    ()

    Its labels are those of both operands. Where they share one it stands twice in the output: that is the
    Kronecker delta between the two, left as it is. By the same operand the derivative is zero, because the
    einsum is linear in each.
    Raises: OperandError, if there is no such operand; EquationError, if both operands have an ellipsis.
    """
    equation = parse(equation)
    wrt, wrt2 = check_operand(equation, wrt), check_operand(equation, wrt2)
    if wrt == wrt2:
        return ()
    others = [number for number in range(len(equation.operands)) if number not in (wrt, wrt2)]
    operands = (equation.output, *(equation.operands[number] for number in others))
    first, second = equation.operands[wrt], equation.operands[wrt2]
    if ELLIPSIS in first and ELLIPSIS in second:
        raise EquationError(
            "the second derivative would have two ellipses: name their axes",
            text=equation.text,
            label=ELLIPSIS,
            places=[*equation.positions(ELLIPSIS, wrt), *equation.positions(ELLIPSIS, wrt2)],
        )
    output = (*first, *second)
    return (Summand(Equation(operands, output), ("dldz", *(f"x{number}" for number in others))),)


def check_operand(equation: Equation, wrt: int) -> int:
    """Return the number of an operand, if an equation has it."""
    count = len(equation.operands)
    try:
        number = index(wrt)
    except TypeError:
        raise ArgumentError(f"an operand is given by its number, not by {shown(wrt)}", text=equation.text) from None
    if not 0 <= number < count:
        numbers = "one, operand 0" if count == 1 else f"{count}, numbered from 0"
        raise OperandError(
            f"there is no operand {wrt}: the equation has {numbers}", text=equation.text, operands=[number]
        )
    return number
