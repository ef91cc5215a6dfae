"""Expressions: sums and products of fractions, brackets and all other constructs, by recursive descent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from einsum_doc.notation.expression import (
    DIFFERENTIALS,
    Delta,
    Expression,
    Negative,
    Number,
    One,
    Power,
    Product,
    Quotient,
    RangeProduct,
    Sum,
    Tensor,
)
from einsum_doc.notation.reading.components import bracketed_component, component, number, raised
from einsum_doc.notation.reading.cursor import Reader
from einsum_doc.notation.reading.derivatives import derivative, inline_derivative
from einsum_doc.notation.reading.operators import function, root, summation
from einsum_doc.notation.reading.tokens import Token


class Terms(Reader):
    """The reader of expressions."""

    def expression(self) -> Expression:
        at = self.next.at
        terms = [self._signed()]
        while self.sees("symbol", "+", "-") or self._continues_after_ampersand():
            self.skip_ampersands()
            if not self.sees("symbol", "+", "-"):
                raise self.misplaced("+ or -")
            terms.append(self._signed())
        return terms[0] if len(terms) == 1 else Sum(tuple(terms), at)

    def _continues_after_ampersand(self) -> bool:
        return self.sees("symbol", "&") and self.level == 0 and self.peek(1).text in ("+", "-")

    def _signed(self) -> Expression:
        sign = self.accept("symbol", "+", "-")
        term = self.term()
        return Negative(term, sign.at) if sign is not None and sign.text == "-" else term

    def term(self) -> Expression:
        at = self.next.at
        items: list[Expression | Token] = []
        times: Token | None = None
        while True:
            if self.sees("dots"):
                items.append(self.take())
            elif self.sees("sum"):
                items.append(summation(self))
            else:
                first = self.next
                factor = self.factor()
                if items and not times:
                    _refuse_misreading(self, items[-1], first, factor)
                items.append(self._over(factor))
            times = self.accept("times")
            if not self.starts_factor():
                break
        if times:
            raise self.misplaced("a factor")
        factors = _with_range_products(self, items)
        return factors[0] if len(factors) == 1 else Product(factors, at)

    def _over(self, numerator: Expression) -> Expression:
        """Read the slash and the denominator that may follow a factor."""
        slash = self.accept("symbol", "/")
        if slash is None:
            return numerator
        found = Quotient(numerator, self.factor(), numerator.at)
        if self.continues_term():
            raise self.error("where does the denominator end?", expected=r"\frac{…}{…}", at=slash.at)
        return found

    def factor(self) -> Expression:
        with self.nested():
            found = raised(self, self.primary())
            if self.sees("symbol", "'"):
                raise self.error(
                    "a prime after the indices", expected="the prime on the name, x'_{i}, or on the index, x_{i'}"
                )
            if self.sees("symbol", "_"):
                raise self.error(
                    "indices on this have no meaning", expected="a component x_{ij}, (a^T)_{ij} or [a]_{ij}"
                )
        return found

    def primary(self) -> Expression:
        construct = _group if self.sees("symbol", "{") else _CONSTRUCTS.get(self.next.kind)
        if construct is None:
            raise self.misplaced("a tensor, a number, a function, a fraction or a bracket")
        return construct(self)


def _refuse_misreading(reader: Reader, before: Expression | Token, first: Token, factor: Expression) -> None:
    """Refuse two factors that are no product to a reader: dx is a differential, as in dy/dx, 1½ a number."""
    if (
        isinstance(before, Number)
        and first.kind == "fraction"
        and isinstance(factor, Quotient)
        and isinstance(factor.numerator, Number)
        and isinstance(factor.denominator, Number)
    ):
        raise reader.error("a number before a fraction could be added", expected=r"\cdot between them", at=first.at)
    named = factor.base if isinstance(factor, Power) else factor
    if not isinstance(before, Tensor) or before.indices or before.name not in DIFFERENTIALS:
        return
    if isinstance(named, Tensor):
        raise reader.error(
            f"{before} {named} could be a differential or a product",
            expected=rf"\partial for a derivative, {before.name} \cdot for a product",
            at=before.at,
        )


def _with_range_products(reader: Reader, items: list[Expression | Token]) -> tuple[Expression, ...]:
    """Return the factors of a term; those with dots between them become one."""
    found: list[Expression] = []
    dots: Token | None = None
    for item in (*items, None):
        if dots is not None:
            if not isinstance(item, Delta | One):
                raise reader.error("dots that lead to no delta", expected=r"such as \cdots \delta_{bb'}", at=dots.at)
            first = found.pop() if found and type(found[-1]) is type(item) else None
            found.append(RangeProduct(first, item, dots.at if first is None else first.at))
            dots = None
        elif isinstance(item, Token):
            dots = item
        elif item is not None:
            found.append(item)
    return tuple(found)


def _group(reader: Reader) -> Expression:
    """Read braces, which are not seen on the page: so what is in them must be one factor."""
    brace = reader.take()
    inner = reader.factor()
    if not reader.accept("symbol", "}"):
        raise reader.error("braces are not seen on the page", expected=r"brackets, \left( … \right)", at=brace.at)
    if isinstance(inner, Power) and reader.sees("symbol", "^"):
        raise reader.error("a power of a power", expected="brackets, to say what is meant")
    return inner


def _bracket(reader: Reader) -> Expression:
    found = bracketed_component(reader)
    if found is not None:
        return found
    opening = reader.take()
    if opening.spaced and reader.sees("number") and reader.peek(1).kind == "close":
        raise reader.error(
            "a number in brackets after a space could be that of the row",
            expected=r"\tag{…}; or \cdot before it, for a factor",
            at=opening.at,
        )
    inner = reader.expression()
    reader.close(opening)
    if reader.sees("symbol", "_", "'"):
        raise reader.error(
            "only a name or its transpose takes indices here", expected="(a^T)_{ij}, [a]_{ij} or components"
        )
    return inner


def _fraction(reader: Reader) -> Expression:
    at = reader.take().at
    if not reader.accept("symbol", "{"):
        numerator = _unbraced(reader)
        denominator = reader.braced() if reader.accept("symbol", "{") else _unbraced(reader)
        return Quotient(numerator, denominator, at)
    if reader.sees("partial"):
        return derivative(reader, at)
    numerator = reader.braced()
    reader.expect("symbol", "{", "a fraction without its denominator")
    if reader.sees("partial"):
        raise reader.error("a derivative whose numerator has no ∂", expected=r"\frac{\partial y}{\partial x}")
    return Quotient(numerator, reader.braced(), at)


def _unbraced(reader: Reader) -> Expression:
    """Read what a fraction without braces takes: one digit, or one letter."""
    if reader.sees("number") and "." not in reader.next.text:
        digit = reader.take_digit()
        return Number(Fraction(digit.text), digit.at)
    if reader.sees("letter") and not reader.sees("letter", r"\delta", "e", r"\pi"):
        letter = reader.take()
        return Tensor(letter.text, (), letter.at)
    raise reader.error("a fraction without braces", expected="'{'")


_CONSTRUCTS: Mapping[str, Callable[[Reader], Expression]] = {
    "number": number,
    "letter": component,
    "style": component,
    "open": _bracket,
    "fraction": _fraction,
    "root": root,
    "function": function,
    "partial": inline_derivative,
}
"""The construct that begins with a token of each kind."""
