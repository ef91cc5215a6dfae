r"""Derivatives: `\frac{\partial y}{\partial x}`, of any order up to the third, and `\partial y / \partial x`."""

from __future__ import annotations

from einsum_doc.notation.expression import Expression, Partial, Position, Tensor
from einsum_doc.notation.reading.cursor import Parser
from einsum_doc.notation.reading.operators import argument


def derivative(parser: Parser, at: Position) -> Expression:
    """Read a fraction of ∂, from the first ∂ on, and what it applies to if that follows it."""
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
    if body is None:
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
        raise parser.error("a derivative is by a tensor", expected="a tensor, x_{ij}", at=partial.at)
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
