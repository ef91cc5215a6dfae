r"""Expression, steps -> LaTeX, as MathJax typesets it and as `parse.py` reads it back."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise

from einsum_doc.notation.expression import (
    DIFFERENTIALS,
    Coordinate,
    Delta,
    Expression,
    Fixed,
    Function,
    Index,
    Negative,
    Number,
    One,
    Partial,
    Pi,
    Power,
    Product,
    Quotient,
    Range,
    RangeProduct,
    Size,
    Subscript,
    Sum,
    Summation,
    Tensor,
)
from einsum_doc.notation.matrices.nodes import MatrixFunction, Transpose
from einsum_doc.notation.reading.vocabulary import FUNCTIONS
from einsum_doc.notation.step import Step

ONE = r"\mathbf{1}"


def latex_rows(steps: Iterable[Step]) -> str:
    """Return the steps of a derivation as rows of `aligned`, each with its reason."""
    rows = [latex_relation(step) + (rf" && \text{{{step.reason}}}" if step.reason else "") for step in steps]
    return " \\\\\n".join("  " + row if row.startswith("&") else row for row in rows)


def latex_relation(step: Step) -> str:
    """Return a step without its reason."""
    left = "" if step.left is None else latex(step.left)
    return f"{left} &= {latex(step.right)}".strip()


def latex(expression: Expression) -> str:
    r"""Return an expression in LaTeX, which `parse_expression` reads as the same expression.

    >>> x = Tensor("x", (Index("i"), Index("j")))
    >>> latex(Product((Partial(Tensor("l"), Tensor("z")), x)))
    '\\frac{\\partial l}{\\partial z} \\, x_{ij}'
    """
    match expression:
        case Product(factors):
            return _product(factors)
        case Tensor(name, indices):
            return indexed(name, _subscript(indices))
        case Delta(indices):
            return r"\delta" + _subscript(indices)
        case One(indices):
            return ONE + _subscript(indices)
        case Partial():
            return _partial(expression)
        case RangeProduct(first, last):
            start = "" if first is None else latex(first) + " "
            return rf"{start}\cdots {latex(last)}"
        case Sum(terms):
            return _sum(terms)
        case Negative(body):
            return "-" + _bracketed(body, Sum, Negative)
        case Number(value):
            return _number(value)
        case Quotient(numerator, denominator):
            return rf"\frac{{{latex(numerator)}}}{{{latex(denominator)}}}"
        case Power(base, exponent):
            return _power(base, exponent)
        case Function(name, argument, order):
            command = FUNCTIONS.get(name, rf"\operatorname{{{name}}}")
            return rf"{command}{chr(39) * order}\left( {latex(argument)} \right)"
        case Summation(indices, body):
            return rf"\sum{_subscript(indices)} {_bracketed(body, Sum, Negative)}"
        case Transpose(Tensor(name)) if not {"^", "'"} & {*name}:
            return rf"{name}^\top"
        case Transpose(body):
            return rf"\left( {latex(body)} \right)^\top"
        case MatrixFunction(name, argument):
            return rf"\operatorname{{{name}}}\left( {latex(argument)} \right)"
        case Pi():
            return r"\pi"
        case Size(name):
            return name
    raise TypeError(f"no expression: {type(expression).__name__}")


def _bracketed(expression: Expression, *kinds: type[Expression]) -> str:
    text = latex(expression)
    return rf"\left( {text} \right)" if isinstance(expression, kinds) else text


def _product(factors: tuple[Expression, ...]) -> str:
    parts: list[str] = []
    for number, factor in enumerate(factors):
        last = number == len(factors) - 1
        part = _bracketed(factor, Sum, Negative, Product)
        if not last and _goes_on(factor):
            part = rf"\left( {part} \right)"
        if parts:
            fraction = part.startswith(r"\frac") and parts[-1][0].isdigit()
            dot = fraction or part[0].isdigit() or parts[-1] in DIFFERENTIALS
            parts.append(r" \cdot " if dot else r" \, ")
        parts.append(part)
    return "".join(parts)


def _sum(terms: tuple[Expression, ...]) -> str:
    text = _bracketed(terms[0], Sum)
    for term in terms[1:]:
        if isinstance(term, Negative):
            text += " - " + _bracketed(term.body, Sum, Negative)
        else:
            text += " + " + _bracketed(term, Sum)
    return text


def _partial(expression: Partial) -> str:
    by, body = [expression.by], expression.body
    while isinstance(body, Partial) and body.held == expression.held and len(by) < 3:
        by.append(body.by)
        body = body.body
    if isinstance(body, Tensor):
        order = "" if len(by) == 1 else f"^{len(by)}"
        below = r" \, ".join(rf"\partial {latex(tensor)}" for tensor in by)
        text = rf"\frac{{\partial{order} {latex(body)}}}{{{below}}}"
    else:
        bracket = latex(expression.body)
        text = rf"\frac{{\partial}}{{\partial {latex(expression.by)}}}\left( {bracket} \right)"
    return rf"\left. {text} \right|_{{{', '.join(expression.held)}}}" if expression.held else text


def _power(base: Expression, exponent: Expression) -> str:
    if isinstance(exponent, Number) and exponent.value.numerator == 1 and exponent.value != 1:
        degree = "" if exponent.value.denominator == 2 else f"[{exponent.value.denominator}]"
        return rf"\sqrt{degree}{{{latex(base)}}}"
    loose = (Sum, Product, Negative, Quotient, Power, Function, Summation, Partial)
    return f"{_bracketed(base, *loose)}^{{{latex(exponent)}}}"


def indexed(name: str, indices: str) -> str:
    r"""Return the name of a tensor with its indices: after the label below it, if it has one.

    >>> indexed("x", "_{ij}"), indexed(r"W_{\text{q}}^{(1)}", "_{ij}")
    ('x_{ij}', 'W_{\\text{q},ij}^{(1)}')
    """
    labelled = re.fullmatch(r"(.+?_\{.+?)(\}(?:\^\{.+\})?)", name)
    return f"{labelled[1]},{indices[2:-1]}{labelled[2]}" if labelled and indices else name + indices


def _subscript(indices: tuple[Subscript, ...]) -> str:
    if not indices:
        return ""
    comma = len(indices) > 1 and any(isinstance(index, Coordinate) for index in indices)
    text = latex_index(indices[0])
    for before, index in pairwise(indices):
        part = latex_index(index)
        if comma:
            text += ","
        elif isinstance(before, Range) or isinstance(index, Range):
            text += r" \, "
        elif part[0].isalpha() and re.search(r"\\[A-Za-z]+$", text):
            text += " "
        text += part
    return f"_{{{text}}}"


def latex_index(index: Subscript) -> str:
    r"""Return one index of a component, or a range of them.

    >>> latex_index(Index("i", 1)), latex_index(Range(Index("a"), Index(r"\mu")))
    ("i'", 'a \\dots \\mu')
    """
    match index:
        case Index(letter, primes):
            return letter + "'" * primes
        case Range(first, last):
            return rf"{latex_index(first)} \dots {latex_index(last)}"
        case Coordinate(value):
            return str(value)
        case Fixed(letter):
            return letter
        case _:
            return str(index)


def _goes_on(factor: Expression) -> bool:
    """Return whether a factor would take in those after it."""
    operator = isinstance(factor, Partial) and not factor.held and not isinstance(factor.body, Tensor)
    return operator or isinstance(factor, Summation)


def _number(value: Fraction) -> str:
    """Return a number in digits, or as a fraction if its digits do not end."""
    digits = 0
    while (value * 10**digits).denominator != 1:
        digits += 1
        if digits > value.denominator.bit_length():
            return rf"\frac{{{value.numerator}}}{{{value.denominator}}}"
    if digits == 0:
        return str(value.numerator)
    whole = str((value * 10**digits).numerator).zfill(digits + 1)
    return f"{whole[:-digits]}.{whole[-digits:]}"
