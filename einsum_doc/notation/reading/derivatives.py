r"""Derivatives: `\frac{\partial y}{\partial x}`, of any order up to the third, and `\partial y / \partial x`."""

from __future__ import annotations

from einsum_doc.notation.expression import Expression, Partial, Position, Tensor
from einsum_doc.notation.reading.cursor import Reader
from einsum_doc.notation.reading.operators import argument


def derivative(reader: Reader, at: Position) -> Expression:
    """Read a fraction of ∂, from the first ∂ on, and what it applies to if that follows it."""
    reader.take()
    order = _order(reader)
    body = None if reader.sees("symbol", "}") else reader.factor()
    if not reader.accept("symbol", "}"):
        raise reader.error("what does the ∂ apply to?", expected="one factor, or brackets")
    reader.expect("symbol", "{", "a derivative without its denominator")
    by: list[Tensor] = []
    while not by or not reader.sees("symbol", "}"):
        by.append(_by(reader, "" if by else "a derivative needs ∂ in its denominator"))
    if len(by) != order:
        raise reader.error(f"a derivative of order {order} by {len(by)} tensors", expected="as many ∂ below as above")
    reader.take()
    if body is None:
        body = argument(reader, r"the derivative's bracket, \left( … \right)")
        if reader.continues_term() or reader.sees("symbol", "^"):
            raise reader.error(
                "is this differentiated too?",
                expected="it inside the derivative's bracket, or brackets around the derivative",
            )
    for tensor in reversed(by):
        body = Partial(body, tensor, at)
    return body


def _order(reader: Reader) -> int:
    """Read the number over a ∂; it is 1 if there is none."""
    if not reader.accept("symbol", "^"):
        return 1
    braced = reader.accept("symbol", "{")
    number = reader.accept("number", "1", "2", "3")
    if number is None:
        raise reader.error("the order of a derivative", expected="2 or 3")
    if braced:
        reader.expect("symbol", "}")
    return int(number.text)


def _by(reader: Reader, fault: str = "") -> Tensor:
    """Read a ∂ and the tensor by which a derivative is."""
    partial = reader.expect("partial", r"\partial", fault)
    found = reader.primary()
    if not isinstance(found, Tensor):
        raise reader.error("a derivative is by a tensor", expected="a tensor, x_{ij}", at=partial.at)
    return found


def inline_derivative(reader: Reader) -> Expression:
    r"""Read `\partial y / \partial x`."""
    at = reader.take().at
    if reader.sees("partial"):
        raise reader.error("a ∂ of a ∂", expected=r"\frac{\partial^2 y}{\partial x \partial x}")
    body = reader.primary()
    reader.expect("symbol", "/", "a ∂ outside a fraction")
    by = _by(reader)
    if reader.starts_factor():
        raise reader.error("where does the derivative end?", expected=r"\frac{\partial y}{\partial x}", at=at)
    return Partial(body, by, at)
