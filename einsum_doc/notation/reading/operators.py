"""Signs that apply to an argument: functions, roots, norms and sums."""

from __future__ import annotations

from fractions import Fraction
from typing import cast

from einsum_doc.notation.expression import (
    Expression,
    Function,
    Index,
    Indicator,
    Negative,
    Number,
    Position,
    Power,
    Product,
    Reduction,
    Sum,
    Summation,
    is_zero,
    plain,
    subscripts,
)
from einsum_doc.notation.matrices.nodes import Component, Inner, MatrixFunction, Norm, Transpose
from einsum_doc.notation.reading.components import MEANS, averaged, bracketed_component, exponent, is_bold, mean
from einsum_doc.notation.reading.cursor import Parser
from einsum_doc.notation.reading.indices import Summed, condition, indices, summed_indices
from einsum_doc.notation.reading.tokens import Token
from einsum_doc.notation.reading.vocabulary import (
    ALONG_AXES,
    KINDS,
    NOT_ELEMENTWISE,
    OF_MATRICES,
    SPELLED,
)


def function(parser: Parser) -> Expression:
    """Read a function with its primes, its exponent and its argument."""
    at = parser.next.at
    name = _function_name(parser)
    order = 0
    while parser.accept("symbol", "'"):
        order += 1
    if order > 3:
        raise parser.error("too many primes on a function", expected="at most three", at=at)
    power: Expression | None = None
    if caret := parser.accept("symbol", "^"):
        power = exponent(parser)
        if not (isinstance(power, Number) and power.value > 0):
            raise parser.error("this power of a function can be misread", expected=r"\left( … \right)^{…}", at=caret.at)
    along = indices(parser) if name in ALONG_AXES and parser.sees("symbol", "_") else ()
    if (own := rf"\operatorname{{{name}}}") in MEANS and not order and power is None:
        if (over := mean(parser, own, at)) is None:
            raise parser.misplaced("a bracket")
        return over
    if parser.sees("symbol", "_"):
        raise parser.error("a function with an index or a base", expected=rf"\{name}\left( … \right)")
    brace, unseen = parser.next, ("braces are not seen on the page", r"brackets, \left( … \right)")
    braced = parser.accept("symbol", "{")
    if braced and parser.next.kind != "open":
        raise parser.error(*unseen, at=brace.at)
    bracket = parser.next.kind == "open"
    of_matrix = OF_MATRICES.get(name) or ALONG_AXES.get(name)
    bare = product_of_matrices(parser) if of_matrix in ("tr", "det") else None
    inner = bare or argument(parser, r"brackets, \left( … \right)", whole=name in ALONG_AXES)
    if braced and not parser.accept("symbol", "}"):
        raise parser.error(*unseen, at=brace.at)
    if of_matrix and order:
        raise parser.error(f"a prime on {name}", expected="no prime", at=at)
    found: Expression = Function(name, inner, order, at=at)
    if of_matrix:
        found = MatrixFunction(of_matrix, inner, along, bare is not None, at=at)
        if name in ALONG_AXES and parser.sees("symbol", "_"):
            found = Component(found, indices(parser), at=at)
    if caret is not None and power is not None:
        if parser.sees("symbol", "^"):
            raise parser.error("a second exponent", expected="brackets, to say what is meant")
        return Power(found, power, at=caret.at)
    if not bracket and parser.sees("symbol", "^"):
        raise parser.error("what does the exponent apply to?", expected=r"brackets, \left( … \right)")
    return found


def _function_name(parser: Parser) -> str:
    token = parser.take()
    if token.kind == "letter":
        return parser.lexicon.functions[token.text]
    name = token.text[1:]
    if name == "operatorname":
        parser.expect("symbol", "{")
        name = ""
        while letter := parser.accept("letter"):
            name += plain(letter.text)
        if not name:
            raise parser.misplaced("a function's name")
        parser.expect("symbol", "}")
        known = name if name in NOT_ELEMENTWISE else SPELLED.get(name.lower(), name)
        if known in NOT_ELEMENTWISE and rf"\operatorname{{{known}}}" not in MEANS:
            raise parser.error(
                f"{name} is not taken of each component", expected="its definition in components", at=token.at
            )
        name = known
    return "log" if name == "ln" else name


def argument(parser: Parser, expected: str, whole: bool = False) -> Expression:
    """Read the argument of a function or of an operator: a bracket, or the one factor that ends the term.

    whole: true if indices after the bracket are those of the value, which is that of a vector as a whole.
    """
    if parser.next.kind == "open" and (whole or not _component_ahead(parser)):
        opening = parser.take()
        inner = parser.expression()
        parser.close(opening)
        if not whole and parser.sees("symbol", "_", "'"):
            raise parser.error("indices on this have no meaning", expected="components inside the bracket")
        return inner
    if parser.sees("sum"):
        return summation(parser)  # It goes to the end of the term.
    if not parser.starts_factor() or parser.sees("dots"):
        raise parser.misplaced(expected)
    at = parser.next.at
    found = parser.factor()
    if isinstance(found, Number) and parser.sees("letter", r"\pi"):
        found = Product((found, parser.factor()), at=at)
    if parser.continues_term():
        raise parser.error("where does the argument end?", expected=expected, at=at)
    return found


def product_of_matrices(parser: Parser) -> Product | None:
    r"""Read a product without brackets after an operator, as in `\nabla_\mathbf{x} \mathbf{x}^\top \mathbf{x}`.

    Return None, with nothing read, if something else is next, or nothing in it shows that it is of matrices.
    """
    mark = parser.mark()
    at = parser.next.at
    if parser.starts_factor() and parser.next.kind not in ("open", "dots", "sum"):
        found = parser.term()
        factors = found.factors if isinstance(found, Product) and found.at == at and not found.dots else ()
        if any(isinstance(part, Transpose | MatrixFunction) or (is_bold(part) and not part.own) for part in factors):
            return cast(Product, found)
    parser.back(mark)
    return None


def _component_ahead(parser: Parser) -> bool:
    mark = parser.mark()
    component = bracketed_component(parser)
    parser.back(mark)
    return component is not None


def root(parser: Parser) -> Expression:
    token = parser.take()
    degree = Fraction(2)
    if parser.accept("open", "["):
        number = parser.next
        if number.kind != "number" or number.text not in map(str, range(2, 100)):
            raise parser.error("the degree of a root", expected="a whole number from 2 to 99")
        degree = Fraction(parser.take().text)
        if not parser.accept("close", "]"):
            raise parser.misplaced("']'")
    if parser.accept("symbol", "{"):
        inside = parser.braced()
    elif parser.sees("number"):
        digit = parser.take_digit()
        inside = Number(Fraction(digit.text), at=digit.at)
    elif parser.sees("letter") and parser.peek(1).text not in ("_", "^", "'"):
        inside = parser.primary()
    else:
        raise parser.error("a root without braces", expected="'{'")
    return Power(inside, Number(1 / degree, at=token.at), at=token.at)


_DEGREES = {"1": 1, "2": 2, "F": 2}


def magnitude(parser: Parser) -> Expression:
    r"""Read `|x|`, a magnitude or a determinant, or `||x||`, a norm."""
    opening = parser.take()
    doubled = opening.text == "|" and parser.accept("magnitude", "|")
    nested = parser.next.at if parser.sees("magnitude") else None
    inner = parser.between_bars("magnitude")
    if doubled and parser.accept("magnitude", "|") and parser.accept("magnitude", "|"):
        return _norm_of(parser, inner, opening.at)
    sized = opening.text not in KINDS
    if doubled or not parser.sees("bar" if sized else "magnitude") or parser.next.stretched != opening.stretched:
        raise parser.misplaced("a bar of the same size, to close the magnitude")
    parser.take()
    if isinstance(inner, MatrixFunction) and inner.name == "bars" and inner.at == nested:
        return _norm_of(parser, inner.argument, opening.at)
    return MatrixFunction("bars", inner, at=opening.at)


def norm(parser: Parser) -> Expression:
    r"""Read `\| … \|`, with the `_2`, `_F` or `_1` that may follow it, or its exponent."""
    at = parser.take().at
    inner = parser.between_bars("norm")
    if not parser.accept("norm"):
        raise parser.misplaced(r"\|, to close the norm")
    return _norm_of(parser, inner, at)


def _norm_of(parser: Parser, inner: Expression, at: Position) -> Expression:
    mark = parser.mark()
    power = exponent(parser) if parser.accept("symbol", "^") else None
    if power is None or not parser.sees("symbol", "_"):
        parser.back(mark)
        return _with_degree(parser, inner, at)
    found = Power(_with_degree(parser, inner, at), power, at=at)
    if parser.sees("symbol", "^"):
        raise parser.error("a second exponent", expected="brackets, to say what is meant")
    return found


def _with_degree(parser: Parser, inner: Expression, at: Position) -> Norm:
    degree = ""
    if parser.accept("symbol", "_"):
        braced = parser.accept("symbol", "{")
        style = parser.accept("style")
        inside = style and parser.accept("symbol", "{")
        token = parser.take()
        degree = token.text
        if degree not in _DEGREES or (token.kind not in ("number", "letter", "text")):
            raise parser.error(
                "a norm of another kind", expected="_2, _F, _1, or its definition in components", at=token.at
            )
        for each in (inside, braced):
            if each:
                parser.expect("symbol", "}")
    return Norm(inner, _DEGREES.get(degree, 2), degree == "2", at=at)


def inner(parser: Parser) -> Expression:
    r"""Read `\langle a, b \rangle`, or `\langle x_n \rangle` where the page has samples."""
    at = parser.take().at
    left = parser.expression()
    if parser.lexicon.samples and parser.accept("command", r"\rangle"):
        return averaged(parser, left, (), at)
    parser.expect("symbol", ",", "an inner product of one factor")
    right = parser.expression()
    parser.expect("command", r"\rangle")
    return Inner(left, right, at=at)


def summation(parser: Parser) -> Expression:
    sign = parser.take()
    if sign.kind == "reduction" and not parser.sees("symbol", "_"):
        return _extreme(parser, sign)
    found = _conditioned(parser)
    indices, capital, limits, only = Summed((found.indices[0],)) if found else summed_indices(parser)
    found = found or only
    minus = parser.accept("symbol", "-")
    if not parser.starts_factor():
        raise parser.misplaced("what is summed")
    start = parser.next.at
    with parser.nested():
        body = Negative(parser.term(), at=minus.at) if minus else parser.term()
    if sign.kind == "sum":
        return Summation(indices, Product((found, body), at=body.at) if found else body, capital, limits, at=sign.at)
    if found:
        raise parser.error(f"{sign.text} with a condition", expected="all values of an index", at=found.at)
    factors = body.factors if isinstance(body, Product) and body.at == start else ()  # One in brackets is inside.
    if any(set(subscripts(factor)).isdisjoint(indices) for factor in factors):
        fault = f"does {sign.text} apply to all of {body}?"
        raise parser.error(fault, expected=rf"the factors without its index before {sign.text}", at=sign.at)
    return Reduction(indices, body, capital, limits, sign={r"\prod": "∏"}.get(sign.text, sign.text[1:]), at=sign.at)


def _extreme(parser: Parser, sign: Token) -> Expression:
    r"""Read the two numbers of `\max(0, x)`: the larger one is a + relu(b - a), and the smaller one -max(-a, -b)."""
    opening = parser.accept("open") if sign.text != r"\prod" else None
    if opening is None:
        raise parser.error(f"{sign.text} without its index", expected=rf"{sign.text}_{{i}} of components")
    first = parser.enclosed()
    parser.expect("symbol", ",", f"{sign.text} of one number, without its index")
    second = parser.enclosed()
    parser.close(opening)
    if is_zero(second):
        first, second = second, first
    if sign.text == r"\min":
        first, second = Negative(first, at=first.at), Negative(second, at=second.at)
    rise = second if is_zero(first) else Sum((second, Negative(first, at=first.at)), at=second.at)
    found: Expression = Function("relu", rise, at=sign.at)
    found = found if is_zero(first) else Sum((first, found), at=sign.at)
    return found if sign.text == r"\max" else Negative(found, at=sign.at)


def _conditioned(parser: Parser) -> Indicator | None:
    r"""Read the condition under a sum, `_{j \neq i}`: the first index is summed. Return None if there is none."""
    mark = parser.mark()
    if parser.accept("symbol", "_") and parser.accept("symbol", "{"):
        found = condition(parser)
        if found and found.sign != "=" and isinstance(found.indices[0], Index) and parser.accept("symbol", "}"):
            return found
    parser.back(mark)
    return None
