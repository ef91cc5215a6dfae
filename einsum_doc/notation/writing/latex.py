r"""Expression, Derivation -> LaTeX, as MathJax typesets it and as `parse.py` reads it back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias

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

if TYPE_CHECKING:
    from einsum_doc.notation.deriving.derive import Derivation, Step

Mark: TypeAlias = Callable[[Index], str]
"""How one index is written, say in its colour."""

ONE = r"\mathbf{1}"
_COMMANDS = frozenset(
    ["exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan", "cot", "sec", "csc"]
)


def written(index: Index) -> str:
    r"""An index with its primes.

    >>> written(Index("i", 1)), written(Index(r"\mu"))
    ("i'", '\\mu')
    """
    return index.letter + "'" * index.primes


def coloured(summed: Iterable[str] = ()) -> Mark:
    r"""A mark that puts every index into the class of its letter, and of a summed one also into `ix-dummy`.

    >>> latex(Tensor("x", (Index("i"), Index("j", 1))), mark=coloured(summed="j"))
    "x_{\\class{ix ix-i}{i}\\class{ix ix-j ix-dummy}{j'}}"
    """
    dummies = frozenset(summed)

    def mark(index: Index) -> str:
        letter = index.letter.removeprefix("\\")
        dummy = " ix-dummy" if index.letter in dummies else ""
        return rf"\class{{ix ix-{letter}{dummy}}}{{{written(index)}}}"

    return mark


def latex(expression: Expression, mark: Mark = written) -> str:
    r"""An expression in LaTeX; `mark` writes each index.

    >>> x = Tensor("x", (Index("i"), Index("j")))
    >>> latex(Product((Partial(Tensor("l"), Tensor("z")), x)))
    '\\frac{\\partial l}{\\partial z} \\, x_{ij}'

    Read again by `parse_expression`, it is the same expression, if `mark` is the default.
    """
    return _Writer(mark).expression(expression)


def latex_step(step: Step, mark: Mark = written) -> str:
    """One step as a row of `aligned`, with its reason."""
    reason = rf" && \text{{{step.reason}}}" if step.reason else ""
    return latex_relation(step, mark) + reason


def latex_relation(step: Step, mark: Mark = written) -> str:
    """One step without its reason."""
    writer = _Writer(mark)
    left = "" if step.left is None else writer.expression(step.left)
    return f"{left} &= {writer.expression(step.right)}".strip()


def latex_derivation(derivation: Derivation, mark: Mark = written) -> str:
    """The lines of a `derivation` fence: one row for each step."""
    rows = [latex_step(step, mark) for step in derivation.steps]
    rows = ["  " + row if row.startswith("&") else row for row in rows]
    return "\n".join([*derivation.directives, " \\\\\n".join(rows)])


class _Writer:
    def __init__(self, mark: Mark) -> None:
        self.mark = mark

    def expression(self, expression: Expression) -> str:
        match expression:
            case Product(factors):
                return self.product(factors)
            case Tensor(name, indices):
                return name + self.subscript(indices)
            case Delta(indices):
                return r"\delta" + self.subscript(indices)
            case One(indices):
                return ONE + self.subscript(indices)
            case Partial():
                return self.partial(expression)
            case RangeProduct(first, last):
                start = "" if first is None else self.expression(first) + " "
                return rf"{start}\cdots {self.expression(last)}"
            case Sum(terms):
                return self.sum(terms)
            case Negative(body):
                return "-" + self.bracketed(body, Sum, Negative)
            case Number(value):
                return _number(value)
            case Quotient(numerator, denominator):
                return rf"\frac{{{self.expression(numerator)}}}{{{self.expression(denominator)}}}"
            case Power(base, exponent):
                return self.power(base, exponent)
            case Function(name, argument, order):
                command = rf"\{name}" if name in _COMMANDS else rf"\operatorname{{{name}}}"
                return rf"{command}{chr(39) * order}\left( {self.expression(argument)} \right)"
            case Summation(indices, body):
                return rf"\sum{self.subscript(indices)} {self.bracketed(body, Sum, Negative)}"
            case Pi():
                return r"\pi"
            case Size(name):
                return name
        raise TypeError(f"no expression: {type(expression).__name__}")

    def bracketed(self, expression: Expression, *kinds: type[Expression]) -> str:
        text = self.expression(expression)
        return rf"\left( {text} \right)" if isinstance(expression, kinds) else text

    def product(self, factors: tuple[Expression, ...]) -> str:
        parts: list[str] = []
        for number, factor in enumerate(factors):
            last = number == len(factors) - 1
            part = self.bracketed(factor, Sum, Negative, Product)
            if not last and _goes_on(factor):
                part = rf"\left( {part} \right)"
            if parts:
                fraction = part.startswith(r"\frac") and parts[-1][0].isdigit()
                dot = fraction or part[0].isdigit() or parts[-1] in DIFFERENTIALS
                parts.append(r" \cdot " if dot else r" \, ")
            parts.append(part)
        return "".join(parts)

    def sum(self, terms: tuple[Expression, ...]) -> str:
        text = self.bracketed(terms[0], Sum)
        for term in terms[1:]:
            if isinstance(term, Negative):
                text += " - " + self.bracketed(term.body, Sum, Negative)
            else:
                text += " + " + self.bracketed(term, Sum)
        return text

    def partial(self, expression: Partial) -> str:
        by, body = [expression.by], expression.body
        while isinstance(body, Partial) and len(by) < 3:
            by.append(body.by)
            body = body.body
        if not isinstance(body, Tensor):
            bracket = self.expression(expression.body)
            return rf"\frac{{\partial}}{{\partial {self.expression(expression.by)}}}\left( {bracket} \right)"
        order = "" if len(by) == 1 else f"^{len(by)}"
        below = r" \, ".join(rf"\partial {self.expression(tensor)}" for tensor in by)
        return rf"\frac{{\partial{order} {self.expression(body)}}}{{{below}}}"

    def power(self, base: Expression, exponent: Expression) -> str:
        if isinstance(exponent, Number) and exponent.value.numerator == 1 and exponent.value != 1:
            degree = "" if exponent.value.denominator == 2 else f"[{exponent.value.denominator}]"
            return rf"\sqrt{degree}{{{self.expression(base)}}}"
        loose = (Sum, Product, Negative, Quotient, Power, Function, Summation, Partial)
        return f"{self.bracketed(base, *loose)}^{{{self.expression(exponent)}}}"

    def subscript(self, places: tuple[Subscript, ...]) -> str:
        if not places:
            return ""
        comma = len(places) > 1 and any(isinstance(place, Coordinate) for place in places)
        text = ""
        before: Subscript | None = None
        for place in places:
            part = self.place(place)
            if before is not None and comma:
                text += ","
            elif isinstance(before, Range) or (before is not None and isinstance(place, Range)):
                text += r" \, "
            elif before is not None and part[0].isalpha() and text[-1].isalpha() and _ends_in_command(text):
                text += " "
            text += part
            before = place
        return f"_{{{text}}}"

    def place(self, place: Subscript) -> str:
        match place:
            case Index():
                return self.mark(place)
            case Range(first, last):
                return rf"{self.mark(first)} \dots {self.mark(last)}"
            case Coordinate(value):
                return str(value)
            case Fixed(letter):
                return letter


def _goes_on(factor: Expression) -> bool:
    """Whether a factor would take in those after it."""
    return isinstance(factor, Summation) or (isinstance(factor, Partial) and not isinstance(factor.body, Tensor))


def _ends_in_command(text: str) -> bool:
    head = text.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return head.endswith("\\")


def _number(value: Fraction) -> str:
    """A number in digits, or as a fraction if its digits do not end."""
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest > 1:
        return rf"\frac{{{value.numerator}}}{{{value.denominator}}}"
    if value.denominator == 1:
        return str(value.numerator)
    digits = 0
    while (value * 10**digits).denominator != 1:
        digits += 1
    whole = str((value * 10**digits).numerator).zfill(digits + 1)
    return f"{whole[:-digits]}.{whole[-digits:]}"
