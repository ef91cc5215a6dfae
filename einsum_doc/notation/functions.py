"""Functions that a page defines, `σ(x) = 1/(1 + e^{-x})`: their applications -> what they stand for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeAlias

from einsum_doc.notation.expression import (
    Comparison,
    Expression,
    Function,
    Index,
    Negative,
    Number,
    Partial,
    Piecewise,
    Power,
    Product,
    Quotient,
    Reduction,
    Subscript,
    Sum,
    Summation,
    Tensor,
    mapped,
    plain,
    rebuilt,
    subscripts,
    with_indices,
)
from einsum_doc.notation.matrices.nodes import MatrixFunction
from einsum_doc.notation.matrices.shapes import Fail

Definitions: TypeAlias = Mapping[str, tuple[Tensor, Expression]]
"""The functions of a page by name, each with its argument and its value."""

ZERO, ONE, TWO = (Number(Fraction(value)) for value in range(3))


class NoSlopeError(Exception):
    """A part of a function that it is not differentiated through; its text."""


@dataclass(frozen=True)
class Applications:
    """The replacement of functions that a page defines by their values, in one chain.

    used: the letters of indices in the chain, each with its most primes; the sums in values get more, so that none of
    them binds an index beside it. fixed: the letters of constant indices. depends: returns whether a tensor is computed
    from another. fail: as that of Scope.
    """

    functions: Definitions
    used: dict[str, int]
    fixed: Collection[str]
    depends: Callable[[str, str], bool]
    fail: Fail

    def replaced(self, expression: Expression) -> Expression:
        """Return an expression with each function that the page defines replaced by its value.

        Raises: NotationError, if a value says too little: its prime is not known, or its argument stands in it unseen.
        """
        return rebuilt(expression, self._value) if self.functions else expression

    def _value(self, part: Expression) -> Expression:
        if isinstance(part, Tensor) and not part.indices and plain(part.name) in self.functions:
            name = plain(part.name)  # Without an argument: it is its value at the one of its definition.
            part = Function(name, self.functions[name][0], at=part.at)
        if not isinstance(part, Function) or part.name not in self.functions:
            return part
        argument, value = self.functions[part.name]
        if part.order or part.argument != argument:
            self._check_seen(argument, value, part)
        try:
            for _ in range(part.order):
                value = rebuilt(slope(value, argument), _without_ends)
            inside = [each.by for each in value.walk() if isinstance(each, Partial)]
            if argument in inside and not isinstance(part.argument, Tensor):
                raise NoSlopeError(f"{value} by {part.argument}")
        except NoSlopeError as error:
            expected = r"another function, or \frac{\partial}{\partial x} \left( \ldots \right)"
            raise self.fail(f"no rule for the derivative of {error}", part.at, expected) from None
        value = self.replaced(with_indices(value, self._others(value)))
        return rebuilt(value, lambda each: part.argument if each == argument else each)

    def _check_seen(self, argument: Tensor, value: Expression, part: Function) -> None:
        """Refuse a value with a tensor that is computed from the argument: putting in another would miss it."""
        for each in value.walk():
            if isinstance(each, Tensor) and each.name != argument.name and self.depends(each.name, argument.name):
                fault = f"{argument} is the argument of {part.name}, and {each} in its definition is computed from it"
                expected = f"the definition of {each} in its place, or another letter for the argument"
                raise self.fail(fault, part.at, expected)

    def _others(self, value: Expression) -> dict[Subscript, Subscript]:
        """Return other indices for those of a value, which are summed in it, and note them as used."""
        found: dict[Subscript, Subscript] = {}
        for index in dict.fromkeys(subscripts(value)):
            if isinstance(index, Index) and index.letter not in self.fixed:
                primes = self.used.get(index.letter, -1) + 1
                self.used[index.letter] = max(primes, index.primes)
                found[index] = replace(index, primes=self.used[index.letter])
        return found


def _without_ends(part: Expression) -> Expression:
    """Return pieces without their ends: the derivative of what is on one side of a number need not be that at it."""
    if isinstance(part, Comparison) and part.name == "[≥]":
        return replace(part, name="[>]")
    if not isinstance(part, Piecewise):
        return part
    kept = [n for n, each in enumerate(part.conditions) if not isinstance(each, Comparison) or each.name != "[=]"]
    conditions = tuple(part.conditions[n] for n in kept)
    values = (*(part.values[n] for n in kept), *part.values[len(part.conditions) :])
    return replace(part, values=values, conditions=conditions) if conditions else values[0]


def slope(expression: Expression, by: Tensor) -> Expression:
    """Return the derivative of a function of one number, whose other letters are constant.

    >>> x = Tensor("x")
    >>> print(slope(Power(x, Number(Fraction(3))), x))
    3 x^(3 − 1) 1
    """
    if not any(part == by for part in expression.walk()):
        return ZERO
    match expression:
        case Sum() | Negative():
            return mapped(expression, lambda part: slope(part, by))
        case Summation(_, body) if not isinstance(expression, Reduction):
            return replace(expression, body=slope(body, by))
        case Piecewise(values):
            return replace(expression, values=tuple(slope(value, by) for value in values))
        case Product(factors):
            terms = []
            for place, factor in enumerate(factors):
                inner = slope(factor, by)
                if inner != ZERO:
                    terms.append(Product((*factors[:place], inner, *factors[place + 1 :])))
            return Sum(tuple(terms)) if len(terms) > 1 else terms[0]
        case Quotient(numerator, denominator):
            down = Negative(Quotient(Product((numerator, slope(denominator, by))), Power(denominator, TWO)))
            return Sum((Quotient(slope(numerator, by), denominator), down))
        case Power(base, exponent) if slope(exponent, by) == ZERO:
            return Product((exponent, Power(base, Sum((exponent, Negative(ONE)))), slope(base, by)))
        case Power(base, exponent):
            return slope(Function("exp", Product((exponent, Function("log", base)))), by)
        case Function(_, argument, order):
            return Product((replace(expression, order=order + 1), slope(argument, by)))
        case MatrixFunction("bars", argument):
            return slope(Function("abs", argument), by)
        case Tensor():
            return ONE
        case _:
            raise NoSlopeError(expression)
