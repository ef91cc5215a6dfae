"""Signs that apply to an argument: functions, roots, sums, and derivatives of any order up to the third."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

from einsum_doc.notation.expression import (
    Expression,
    Function,
    Index,
    Indicator,
    Negative,
    Number,
    Partial,
    Position,
    Power,
    Product,
    Quotient,
    Reduction,
    Summation,
    Tensor,
    plain,
    subscripts,
)
from einsum_doc.notation.matrices.nodes import Inner, MatrixFunction, Norm, Transpose
from einsum_doc.notation.reading.components import MEANS, averaged, bracketed_component, exponent, mean, tensor_name
from einsum_doc.notation.reading.cursor import Parser
from einsum_doc.notation.reading.indices import Summed, condition, indices, summed_indices
from einsum_doc.notation.reading.vocabulary import ALONG_AXES, NOT_ELEMENTWISE, OF_MATRICES, SPELLED, UPRIGHT, reserved


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
    if parser.sees("symbol", "{"):
        raise parser.error("braces are not seen on the page", expected=r"brackets, \left( … \right)")
    bracket = parser.next.kind == "open"
    inner = argument(parser, r"brackets, \left( … \right)")
    of_matrix = OF_MATRICES.get(name) or ALONG_AXES.get(name)
    if of_matrix and order:
        raise parser.error(f"a prime on {name}", expected="no prime", at=at)
    found: Expression = Function(name, inner, order, at=at)
    if of_matrix:
        found = MatrixFunction(of_matrix, inner, along, at=at)
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


def argument(parser: Parser, expected: str) -> Expression:
    """Read the argument of a function or of an operator: a bracket, or the one factor that ends the term."""
    if parser.next.kind == "open" and not _component_ahead(parser):
        opening = parser.take()
        inner = parser.expression()
        parser.close(opening)
        if parser.sees("symbol", "_", "'"):
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


def norm(parser: Parser) -> Expression:
    r"""Read `\| … \|`, with the `_2`, `_F` or `_1` that may follow it."""
    at = parser.take().at
    outer, parser.in_norm = parser.in_norm, True
    inner = parser.expression()
    if parser.opens_norm() or not parser.accept("norm"):
        raise parser.misplaced(r"\|, to close the norm")
    parser.in_norm = outer
    degree = "2"
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
    return Norm(inner, _DEGREES[degree], at=at)


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
        expected = rf"{sign.text}_{{i}} of components; \operatorname{{relu}}(x) for \max(0, x)"
        raise parser.error(f"{sign.text} without its index", expected=expected)
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


def _conditioned(parser: Parser) -> Indicator | None:
    r"""Read the condition under a sum, `_{j \neq i}`: the first index is summed. Return None if there is none."""
    mark = parser.mark()
    if parser.accept("symbol", "_") and parser.accept("symbol", "{"):
        found = condition(parser)
        if found and found.sign != "=" and isinstance(found.indices[0], Index) and parser.accept("symbol", "}"):
            return found
    parser.back(mark)
    return None


def differential(parser: Parser, ahead: int = 0) -> int:
    r"""Return the number of tokens of the ∂ or the d, upright or not, that begins there; 0 if there is none."""
    texts = [parser.peek(ahead + number).text for number in range(4)]
    if texts[0] == r"\partial":
        return 1
    length = 1 if texts[0] == "d" else 4 if texts[0] in UPRIGHT and texts[1:] == ["{", "d", "}"] else 0
    length = 2 if texts[0] in UPRIGHT and texts[1] == "d" else length
    return length if length and parser.peek(ahead + length).text not in ("_", "'") else 0


def is_derivative(parser: Parser) -> bool:
    r"""Return whether a fraction is a derivative, `\frac{\partial y}{\partial x}` or `\frac{dy}{dx}`.

    The parser is inside of its first brace.
    """
    if parser.sees("partial"):
        return True
    if not differential(parser):
        return False
    depth, ahead = 1, 0
    while depth and parser.peek(ahead).kind not in ("end", "break"):
        depth += (parser.peek(ahead).text == "{") - (parser.peek(ahead).text == "}")
        ahead += 1
    below = ahead + 1 + differential(parser, ahead + 1)
    found = parser.peek(ahead).text == "{" and below > ahead + 1 and parser.peek(below).kind in ("letter", "style")
    if found and parser.next.text in parser.scalars:
        expected = r"\partial for a derivative, d \cdot for a product"
        raise parser.error("d is a scalar on this page, and could be that of a derivative", expected=expected)
    return found


def derivative(parser: Parser, at: Position) -> Expression:
    r"""Read `\frac{\partial y}{\partial x}` from its first ∂ on, and its argument if that follows it."""
    parser.skip(differential(parser))
    order = _order(parser)
    body = None if parser.sees("symbol", "}") else parser.term()
    if not parser.accept("symbol", "}"):
        raise parser.error("what does the ∂ apply to?", expected="one term, or brackets")
    parser.expect("symbol", "{", "a derivative without its denominator")
    by: list[Tensor] = []
    while not by or not parser.sees("symbol", "}"):
        by.append(_by(parser, "" if by else "a derivative needs ∂ in its denominator"))
    if len(by) != order:
        raise parser.error(f"a derivative of order {order} by {len(by)} tensors", expected="as many ∂ below as above")
    parser.take()
    numbers = _numbers(parser) if body is None else ()
    if body is None and parser.sees("sum"):
        body = summation(parser)  # It goes to the end of the term.
    elif body is None:
        body = argument(parser, r"the derivative's bracket, \left( … \right)")
        if parser.continues_term() or parser.sees("symbol", "^"):
            raise parser.error(
                "is this differentiated too?",
                expected="it inside the derivative's bracket, or brackets around the derivative",
            )
    if numbers:
        body = Product((*numbers, body), at=at)
    for tensor in reversed(by):
        body = Partial(body, tensor, at=at)
    return body


def _numbers(parser: Parser) -> tuple[Expression, ...]:
    r"""Read the numbers before what is differentiated: `\frac{\partial}{\partial x} \frac{1}{2} \left( … \right)`."""
    mark = parser.mark()
    found: list[Expression] = []
    while parser.sees("number") or parser.sees("fraction"):
        before = parser.mark()
        part = parser.factor()
        if not all(isinstance(each, Number | Quotient) for each in part.walk()) or not parser.starts_factor():
            parser.back(mark if not found else before)
            break
        found.append(part)
    return tuple(found)


def _order(parser: Parser) -> int:
    """Read the number over a ∂; it is 1 if there is none."""
    if not parser.accept("symbol", "^"):
        return 1
    braced = parser.accept("symbol", "{")
    number = parser.accept("number", "1", "2", "3")
    if number is None:
        raise parser.error("the order of a derivative", expected="2 or 3")
    if braced:
        parser.expect("symbol", "}")
    return int(number.text)


def _by(parser: Parser, fault: str = "") -> Tensor:
    """Read a ∂ and the tensor by which a derivative is."""
    partial = parser.next
    if not differential(parser):
        raise parser.error(fault or parser.unexpected(), expected=r"'\partial'")
    parser.skip(differential(parser))
    found = parser.primary()
    if not isinstance(found, Tensor):
        raise parser.error(f"a derivative by {found}", expected=_tensor_for(found), at=partial.at)
    return found


def _tensor_for(found: Expression) -> str:
    """Return what can stand below a derivative in place of an expression that is no tensor."""
    match found:
        case Transpose(body):
            return rf"\partial {body}: a Jacobian has a column for each component below"
        case Power(base):
            return rf"\partial {base} \partial {base} for a second derivative; another letter for a name with a square"
        case _:
            return reserved(found) or "a tensor, x_{ij}"


def gradient(parser: Parser) -> Expression:
    r"""Read `\nabla_x` with its argument."""
    at = parser.take().at
    if not parser.sees("symbol", "_"):
        raise parser.error("∇ without the tensor below", expected=r"\nabla_{x}, or \frac{\partial}{\partial x}")
    return _of_argument(parser, at)


def _of_argument(parser: Parser, at: Position) -> Expression:
    """Read the tensor below ∇ or ∂, and the one factor that is differentiated."""
    parser.take()
    braced = parser.accept("symbol", "{")
    by = parser.primary() if braced else _single(parser)
    if braced:
        parser.expect("symbol", "}")
    if not isinstance(by, Tensor):
        raise parser.error("a derivative is by a tensor", expected=reserved(by) or "a tensor", at=at)
    body = parser.factor() if parser.starts_factor() and not parser.sees("sum") else None
    if body is None:
        raise parser.misplaced("the factor that is differentiated")
    if parser.starts_factor() or parser.sees("symbol", "/"):
        raise parser.error("where does the derivative end?", expected="brackets", at=at)
    return Partial(body, by, at=at)


def _single(parser: Parser) -> Expression:
    """Read a letter that stands below without braces."""
    if parser.sees("style"):
        return parser.primary()
    token = parser.take()
    return Tensor(token.text, at=token.at) if token.kind == "letter" else Number(Fraction(0))


def inline_derivative(parser: Parser) -> Expression:
    r"""Read `\partial y / \partial x`, or `\partial_x` with its argument."""
    at = parser.take().at
    if parser.sees("symbol", "_"):
        return _of_argument(parser, at)
    if parser.sees("partial"):
        raise parser.error("a ∂ of a ∂", expected=r"\frac{\partial^2 y}{\partial x \partial x}")
    body = parser.primary()
    parser.expect("symbol", "/", "a ∂ outside a fraction")
    by = _by(parser)
    if parser.starts_factor():
        raise parser.error("where does the derivative end?", expected=r"\frac{\partial y}{\partial x}", at=at)
    return Partial(body, by, at=at)


def enclosed_derivative(parser: Parser) -> Expression:
    r"""Read `\left. \frac{\partial y}{\partial x} \right|_{e}`."""
    parser.take()
    found = parser.factor()
    if not parser.sees("bar"):
        raise parser.misplaced(r"\right|_{e}, with the tensors that are held fixed")
    return with_held(parser, found)


def with_held(parser: Parser, found: Expression) -> Expression:
    """Read the bar after a derivative, and the names of the tensors that it holds fixed."""
    bar = parser.take()
    if not isinstance(found, Partial) or found.held:
        expected = r"\left. \frac{\partial y}{\partial x} \right|_{e}, where e is held fixed"
        raise parser.error("a bar stands after a single derivative", expected=expected, at=bar.at)
    parser.expect("symbol", "_", "a bar without what is held fixed")
    braced = parser.accept("symbol", "{")
    names: list[str] = []
    while not names or (braced and parser.accept("symbol", ",")):
        held = tensor_name(parser)
        if held is None:
            raise parser.misplaced("the name of a tensor that is held fixed")
        names.append(held)
        if parser.sees("symbol", "_", "="):
            fault = "a tensor is held fixed as a whole" if parser.sees("symbol", "_") else "a derivative at a point"
            raise parser.error(fault, expected=f"the names of the tensors that are held fixed, |_{{{held}}}")
    if braced and not parser.accept("symbol", "}"):
        raise parser.misplaced("',' or '}'")
    if parser.sees("symbol", "^"):
        raise parser.error("this exponent could belong to the bar", expected=r"\left( … \right)^{…}")
    return _held(parser, found, tuple(dict.fromkeys(names)))


def _held(parser: Parser, found: Partial, names: tuple[str, ...]) -> Partial:
    """Return a derivative that holds tensors fixed: all of its order, if it is written as one fraction."""
    body = found.body
    if isinstance(body, Partial):
        if body.at == found.at:
            body = _held(parser, body, names)
        elif not body.held and not any(
            token.kind == "open" and after.at == body.at for token, after in pairwise(parser.tokens)
        ):
            expected = r"one fraction with \partial^2, or brackets around the inner one"
            raise parser.error("which of the derivatives holds it fixed?", expected=expected, at=found.at)
    return replace(found, body=body, held=names)
