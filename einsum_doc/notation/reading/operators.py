"""Signs that apply to an argument: functions, roots, sums, and derivatives of any order up to the third."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

from einsum_doc.notation.expression import (
    Expression,
    Function,
    Number,
    Partial,
    Position,
    Power,
    Summation,
    Tensor,
    plain,
)
from einsum_doc.notation.reading.components import bracketed_component, exponent, tensor_name
from einsum_doc.notation.reading.cursor import Parser
from einsum_doc.notation.reading.indices import summed_indices
from einsum_doc.notation.reading.vocabulary import NOT_ELEMENTWISE, SPELLED, reserved


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
    if parser.sees("symbol", "_"):
        raise parser.error("a function with an index or a base", expected=rf"\{name}\left( … \right)")
    if parser.sees("symbol", "{"):
        raise parser.error("braces are not seen on the page", expected=r"brackets, \left( … \right)")
    bracket = parser.next.kind == "open"
    found: Expression = Function(name, argument(parser, r"brackets, \left( … \right)"), order, at=at)
    if power is not None:
        if parser.sees("symbol", "^"):
            raise parser.error("a second exponent", expected="brackets, to say what is meant")
        return Power(found, power, at=at)
    if not bracket and parser.sees("symbol", "^"):
        raise parser.error("what does the exponent apply to?", expected=r"brackets, \left( … \right)")
    return found


def _function_name(parser: Parser) -> str:
    token = parser.take()
    name = token.text[1:]
    if name == "operatorname":
        parser.expect("symbol", "{")
        name = ""
        while letter := parser.accept("letter"):
            name += plain(letter.text)
        if not name:
            raise parser.misplaced("a function's name")
        parser.expect("symbol", "}")
        known = SPELLED.get(name.lower(), name)
        if known in NOT_ELEMENTWISE:
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
    if not parser.starts_factor() or parser.sees("dots") or parser.sees("sum"):
        raise parser.misplaced(expected)
    at = parser.next.at
    found = parser.factor()
    if parser.continues_term():
        raise parser.error("where does the argument end?", expected=expected, at=at)
    return found


def _component_ahead(parser: Parser) -> bool:
    start = parser.position
    component = bracketed_component(parser)
    parser.position = start
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
    parser.expect("symbol", "{", "a root without braces")
    return Power(parser.braced(), Number(1 / degree, at=token.at), at=token.at)


def summation(parser: Parser) -> Expression:
    at = parser.take().at
    indices, capital = summed_indices(parser)
    if not parser.starts_factor():
        raise parser.misplaced("what is summed")
    with parser.nested():
        body = parser.term()
    return Summation(indices, body, capital, at=at)


def derivative(parser: Parser, at: Position) -> Expression:
    r"""Read `\frac{\partial y}{\partial x}` from its first ∂ on, and its argument if that follows it."""
    parser.take()
    order = _order(parser)
    body = None if parser.sees("symbol", "}") else parser.factor()
    if not parser.accept("symbol", "}"):
        raise parser.error("what does the ∂ apply to?", expected="one factor, or brackets")
    parser.expect("symbol", "{", "a derivative without its denominator")
    by: list[Tensor] = []
    while not by or not parser.sees("symbol", "}"):
        by.append(_by(parser, "" if by else "a derivative needs ∂ in its denominator"))
    if len(by) != order:
        raise parser.error(f"a derivative of order {order} by {len(by)} tensors", expected="as many ∂ below as above")
    parser.take()
    if body is None and parser.sees("sum"):
        body = summation(parser)  # It goes to the end of the term.
    elif body is None:
        body = argument(parser, r"the derivative's bracket, \left( … \right)")
        if parser.continues_term() or parser.sees("symbol", "^"):
            raise parser.error(
                "is this differentiated too?",
                expected="it inside the derivative's bracket, or brackets around the derivative",
            )
    for tensor in reversed(by):
        body = Partial(body, tensor, at=at)
    return body


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
    partial = parser.expect("partial", r"\partial", fault)
    found = parser.primary()
    if not isinstance(found, Tensor):
        expected = reserved(found) or "a tensor, x_{ij}"
        raise parser.error("a derivative is by a tensor", expected=expected, at=partial.at)
    return found


def inline_derivative(parser: Parser) -> Expression:
    r"""Read `\partial y / \partial x`."""
    at = parser.take().at
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
