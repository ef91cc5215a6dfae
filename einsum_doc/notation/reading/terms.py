"""Expressions: sums and products of fractions, brackets and all other constructs, by recursive descent."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from fractions import Fraction

from einsum_doc.errors import NotationError
from einsum_doc.notation.expression import (
    DIFFERENTIALS,
    Delta,
    Expression,
    Negative,
    Number,
    One,
    Partial,
    Piecewise,
    Power,
    Product,
    Quotient,
    RangeProduct,
    Sum,
    Summation,
    Tensor,
    plain,
    subscripts,
)
from einsum_doc.notation.matrices.nodes import Component, Differential, Hadamard, Kronecker, Transpose
from einsum_doc.notation.reading.components import (
    MEANS,
    before_bracket,
    bracketed_component,
    component,
    is_bold,
    mean,
    number,
    raised,
    tensor_name,
)
from einsum_doc.notation.reading.cursor import Parser
from einsum_doc.notation.reading.derivatives import (
    begins_differential,
    derivative,
    differential_of,
    enclosed_derivative,
    gradient,
    inline_derivative,
    is_derivative,
    with_held,
)
from einsum_doc.notation.reading.indices import compared, condition, indices
from einsum_doc.notation.reading.names import group
from einsum_doc.notation.reading.operators import function, inner, magnitude, norm, root, summation
from einsum_doc.notation.reading.tokens import Token
from einsum_doc.notation.reading.vocabulary import (
    BETWEEN,
    BOLD_STYLES,
    COMPARISONS,
    CONDITION_WORDS,
    CONSTANTS,
    FACTORS,
    OTHERWISE,
)


class Terms(Parser):
    """The parser of expressions."""

    def expression(self) -> Expression:
        at = self.next.at
        terms = [self._signed()]
        while self.sees("symbol", "+", "-") or self._continues_after_ampersand():
            self.skip_ampersands()
            if not self.sees("symbol", "+", "-"):
                raise self.misplaced("+ or -")
            if self.begins_equation():
                raise self.error("another term or another equation?", expected="a comma before another equation")
            terms.append(self._signed())
        return terms[0] if len(terms) == 1 else Sum(tuple(terms), at=at)

    def _continues_after_ampersand(self) -> bool:
        return self.sees("symbol", "&") and self.level == 0 and self.peek(1).text in ("+", "-")

    def _signed(self) -> Expression:
        sign = self.accept("symbol", "+", "-")
        term = self.term()
        return Negative(term, at=sign.at) if sign is not None and sign.text == "-" else term

    def term(self) -> Expression:
        """Read products of components, ⊙, of products, ⊗, of factors side by side."""
        return self._between(*BETWEEN)

    def _between(self, kind: str = "", *tighter: str) -> Expression:
        """Read what stands between the signs of a product, and the product."""
        if not kind:
            return self._factors()
        at = self.next.at
        found: list[Expression] = []
        bare: list[int] = []
        ring: Token | None = None
        while not found or self.accept(kind):
            before = self.tokens[self.position - 1]
            ring = before if found and before.text == r"\circ" else ring
            start = self.next.at
            found.append(self._between(*tighter))
            if isinstance(found[-1], Product) and found[-1].at == start:  # That of one in brackets is inside of them.
                bare.append(len(found) - 1)
        if len(found) == 1:
            return found[0]
        if ring and not any(is_bold(part) for each in found for part in each.walk()):
            raise self.error(r"\circ could be a function of a function", expected=r"\odot for a product", at=ring.at)
        return (Hadamard if kind == "hadamard" else Kronecker)(tuple(found), tuple(bare), at=at)

    def _factors(self) -> Expression:
        at = start = self.next.at
        items: list[Expression | Token] = []
        dots: list[int] = []
        times: Token | None = None
        while True:
            if self.sees("dots"):
                items.append(self.take())
            elif self.sees("sum") or self.sees("reduction"):
                items.append(summation(self))
            else:
                first = self.next
                factor = self.factor()
                if self.sees("bar") and not self.next.stretched and (not self.in_bars or self.peek(1).text == "_"):
                    factor = with_held(self, factor)
                if items and not times:
                    _refuse_misreading(self, items[-1], first, factor)
                    if items[-1].at == start:  # That of a factor in brackets is inside of them.
                        _refuse_function(self, items[-1], first, factor)
                start = first.at
                items.append(self._over(factor))
            times = self.accept("times")
            if times and times.text != r"\times":  # Between vectors, × is no inner product.
                dots.append(len(items))
            if not self.starts_factor():
                break
        if times:
            raise self.misplaced("a factor")
        factors = _with_range_products(self, items)
        return (
            factors[0]
            if len(factors) == 1
            else Product(factors, tuple(dots) if len(factors) == len(items) else (), at=at)
        )

    def _over(self, numerator: Expression) -> Expression:
        """Read the slash and the denominator that may follow a factor."""
        slash = self.accept("symbol", "/")
        if slash is None:
            return numerator
        found = Quotient(numerator, self.factor(), at=numerator.at)
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
        construct = _CONSTRUCTS.get(self.next.text if self.sees("symbol") else self.next.kind)
        if construct is None:
            raise self.misplaced("a tensor, a number, a function, a fraction or a bracket")
        return construct(self)


def _refuse_misreading(parser: Parser, before: Expression | Token, first: Token, factor: Expression) -> None:
    """Refuse two factors that are no product to a reader: dx is a differential, as in dy/dx, 1½ a number."""
    if (
        isinstance(before, Number)
        and first.kind == "fraction"
        and isinstance(factor, Quotient)
        and isinstance(factor.numerator, Number)
        and isinstance(factor.denominator, Number)
    ):
        raise parser.error("a number before a fraction could be added", expected=r"\cdot between them", at=first.at)
    named = factor.base if isinstance(factor, Power) else factor
    if not isinstance(before, Tensor) or before.indices:
        return
    if isinstance(factor, Number) and first.kind == "number" and not first.spaced:
        fault = f"a number after {before} could be an index or an exponent"
        raise parser.error(fault, expected=r"the number first, or \cdot between them", at=first.at)
    if before.name not in DIFFERENTIALS:
        return
    if isinstance(named, Tensor):
        raise parser.error(
            f"{before} {named} could be a differential or a product",
            expected=rf"\partial for a derivative, {before.name} \cdot for a product",
            at=before.at,
        )


def _refuse_function(parser: Parser, before: Expression | Token, first: Token, factor: Expression) -> None:
    """Refuse a name before a bracket with what could be its argument, g_e(x)."""
    name = before.base if isinstance(before, Power) else before
    bracket = first.kind == "open" and not first.spaced and factor.at != first.at  # That of a component, [a]_{ij}, is.
    if bracket and isinstance(name, Tensor) and _could_be_argument(factor, name, parser.values):
        raise before_bracket(parser, name, first.at)


def _could_be_argument(inside: Expression, name: Tensor, values: Collection[str]) -> bool:
    r"""Return whether what is inside of a bracket could be the argument of a function with this name.

    A product needs the bracket of a sum, a derivative or a sign, but not that of a single component; one of
    matrices needs that of `\mathbf{X} (\mathbf{X}^\top \mathbf{X})^{-1}` too, and one of what a row above defines
    that of `\mathbf{g} (\mathbf{h})^\top`.
    """
    negative, transposed = isinstance(inside, Negative), isinstance(inside, Transpose)
    while isinstance(inside, Power | Negative | Transpose):
        inside = inside.parts[0]
    if isinstance(inside, Sum | Partial | Summation | Differential):
        return False
    bold = name.name.startswith(BOLD_STYLES)
    if isinstance(inside, Product) and bold and plain(name.name)[:1].isupper():
        return False
    if transposed and bold and name.name in values:
        return False
    return (inside.is_leaf and not negative) or not set(subscripts(inside)) & set(name.indices)


def _with_range_products(parser: Parser, items: list[Expression | Token]) -> tuple[Expression, ...]:
    """Return the factors of a term; those with dots between them become one."""
    found: list[Expression] = []
    dots: Token | None = None
    for item in (*items, None):
        if dots is not None:
            if not isinstance(item, Delta | One):
                raise parser.error("dots that lead to no delta", expected=r"such as \cdots \delta_{bb'}", at=dots.at)
            first = found.pop() if found and type(found[-1]) is type(item) else None
            found.append(RangeProduct(first, item, at=dots.at if first is None else first.at))
            dots = None
        elif isinstance(item, Token):
            dots = item
        elif item is not None:
            found.append(item)
    return tuple(found)


def _styled(parser: Parser) -> Expression:
    """Read a name in a style: an indicator, if it is a one before a condition, or a component."""
    if begins_differential(parser):
        return differential_of(parser)
    mark = parser.mark()
    at = parser.next.at
    name = tensor_name(parser)
    if name in MEANS and (found := mean(parser, name, at)):
        return found
    if name in CONSTANTS and (opening := parser.accept("open")):
        found = _condition(parser)
        if parser.sees("close"):
            parser.close(opening)
            return found
    parser.back(mark)
    return component(parser)


def _named(parser: Parser) -> Expression:
    """Read a letter: that of a function, the d of a gradient, or a component."""
    if parser.lexicon.upstream and parser.sees("letter", "d") and parser.peek(1).kind in ("letter", "style"):
        at = parser.take().at
        by = component(parser)
        if not isinstance(by, Tensor):
            raise parser.error("d before this is no gradient", expected="a tensor", at=at)
        return Partial(Tensor(parser.lexicon.upstream, at=at), by, at=at)
    if begins_differential(parser):
        return differential_of(parser)
    ahead = 1
    while parser.peek(ahead).text == "'":
        ahead += 1
    if parser.peek(ahead).text == "^" and ahead == 1:  # A power, as that of `g^2(x)`.
        ahead += 1 + group(parser, 2)[1]
    applies = parser.next.text in parser.lexicon.functions and parser.peek(ahead).kind == "open"
    return function(parser) if applies else component(parser)


def _group(parser: Parser) -> Expression:
    """Read braces, which are not seen on the page: their content must be one factor."""
    brace = parser.take()
    inner = parser.factor()
    if not parser.accept("symbol", "}"):
        raise parser.error("braces are not seen on the page", expected=r"brackets, \left( … \right)", at=brace.at)
    if isinstance(inner, Power) and parser.sees("symbol", "^"):
        raise parser.error("a power of a power", expected="brackets, to say what is meant")
    return inner


def _bracket(parser: Parser) -> Expression:
    found = bracketed_component(parser)
    if found is not None:
        return found
    opening = parser.take()
    if opening.spaced and parser.sees("number") and parser.peek(1).kind == "close":
        raise parser.error(
            "a number in brackets after a space could be that of the row",
            expected=r"\tag{…}; or \cdot before it, for a factor",
            at=opening.at,
        )
    inner = parser.enclosed()
    parser.close(opening)
    if parser.sees("symbol", "_"):
        return Component(inner, indices(parser), at=opening.at)
    return inner


def _fraction(parser: Parser) -> Expression:
    at = parser.take().at
    if not parser.accept("symbol", "{"):
        numerator = _unbraced(parser)
        denominator = parser.braced() if parser.accept("symbol", "{") else _unbraced(parser)
        return Quotient(numerator, denominator, at=at)
    if is_derivative(parser):
        return derivative(parser, at)
    numerator = parser.braced()
    if not parser.accept("symbol", "{"):
        return Quotient(numerator, _unbraced(parser), at=at)
    if parser.sees("partial"):
        raise parser.error("a derivative whose numerator has no ∂", expected=r"\frac{\partial y}{\partial x}")
    return Quotient(numerator, parser.braced(), at=at)


def _unbraced(parser: Parser) -> Expression:
    """Read what a fraction without braces takes: one digit, or one letter."""
    if parser.sees("number") and "." not in parser.next.text:
        digit = parser.take_digit()
        return Number(Fraction(digit.text), at=digit.at)
    if parser.sees("letter") and not parser.sees("letter", r"\delta", "e", r"\pi"):
        letter = parser.take()
        return Tensor(letter.text, at=letter.at)
    raise parser.error("a fraction without braces", expected="'{'")


def _condition(parser: Parser) -> Expression:
    r"""Read conditions that all hold, `i < j` or `0 < x_i \text{ and } x_i \le 1`."""
    at = parser.next.at
    found = _relations(parser)
    while parser.sees("text", "and", " and ") or (parser.sees("symbol", ",") and parser.peek(1).kind in FACTORS):
        parser.take()
        found += _relations(parser)
    return found[0] if len(found) == 1 else Product(tuple(found), at=at)


def _relations(parser: Parser) -> list[Expression]:
    """Read a relation of two indices, or of values, with one more after each sign."""
    mark, level = parser.mark(), parser.level
    try:
        found = condition(parser)
    except NotationError:
        found = None
    if found and (parser.next.kind in _AFTER_CONDITION or parser.sees("symbol", ",", ".", ";", "&")):
        return [found]
    parser.back(mark)
    parser.level = level
    relations: list[Expression] = []
    left = parser.expression()
    while not relations or parser.next.text in COMPARISONS:
        sign = parser.take()
        name = "≠" if sign.kind == "unequal" else COMPARISONS.get(sign.text, "")
        if not name:
            raise parser.error("a condition without a relation", expected=r"<, >, \le, \ge, = or \neq", at=sign.at)
        right = parser.expression()
        relations.append(compared(left, name, right, sign.at))
        left = right
    return relations


_AFTER_CONDITION = ("break", "close", "end of cases", "text", "end")


def _cases(parser: Parser) -> Expression:
    r"""Read `\begin{cases}`: rows with a value, `&`, and a condition or "otherwise"."""
    at = parser.take().at
    values: list[Expression] = []
    conditions: list[Expression] = []
    with parser.nested():
        while not parser.accept("end of cases"):
            if len(conditions) < len(values):
                raise parser.error("a case after the last one", expected="'otherwise' in the last row")
            values.append(parser.expression())
            parser.accept("symbol", ",", ";")
            parser.expect("symbol", "&", "a case without its condition")
            words = [word for text in _texts(parser) for word in text.lower().replace(",", " ").split()]
            if not OTHERWISE.isdisjoint(words):
                if len(words) > 1:
                    raise parser.error("words that are no condition", expected=r"\text{otherwise}")
            elif not CONDITION_WORDS.issuperset(words):
                raise parser.error("words that are no condition", expected=r"\text{if} before it, or \text{otherwise}")
            else:
                conditions.append(_condition(parser))
            parser.accept("symbol", ",", ".", ";")
            if not parser.accept("break") and not parser.sees("end of cases"):
                raise parser.misplaced(r"\\ or \end{cases}")
    if not conditions:
        raise parser.error("cases without a condition", expected="two rows or more", at=at)
    return Piecewise(tuple(values), tuple(conditions), at=at)


def _texts(parser: Parser) -> Iterator[str]:
    while text := parser.accept("text"):
        yield text.text


_CONSTRUCTS: Mapping[str, Callable[[Parser], Expression]] = {
    "number": number,
    "letter": _named,
    "style": _styled,
    "open": _bracket,
    "fraction": _fraction,
    "root": root,
    "function": function,
    "partial": inline_derivative,
    "nabla": gradient,
    "norm": norm,
    "magnitude": magnitude,
    "inner": inner,
    "blank": enclosed_derivative,
    "cases": _cases,
    "{": _group,
}
"""The construct that begins with a token of each kind."""
