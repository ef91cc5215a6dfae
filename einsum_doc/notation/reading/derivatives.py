"""Derivatives: fractions of any order up to the third, ∇, ∂, and the tensors that a bar holds fixed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import cast

from einsum_doc.notation.expression import (
    Expression,
    Number,
    Partial,
    Position,
    Power,
    Product,
    Tensor,
)
from einsum_doc.notation.matrices.nodes import Differential, Norm, Transpose
from einsum_doc.notation.matrices.shapes import exact
from einsum_doc.notation.reading.components import tensor_name
from einsum_doc.notation.reading.cursor import Parser
from einsum_doc.notation.reading.operators import argument, product_of_matrices, summation
from einsum_doc.notation.reading.vocabulary import UPRIGHT, reserved


def differential(parser: Parser, ahead: int = 0) -> int:
    r"""Return the number of tokens of the ∂ or the d, upright or not, that begins there; 0 if there is none."""
    texts = [parser.peek(ahead + number).text for number in range(4)]
    if texts[0] == r"\partial":
        return 1
    length = 1 if texts[0] == "d" else 4 if texts[0] in UPRIGHT and texts[1:] == ["{", "d", "}"] else 0
    length = 2 if texts[0] in UPRIGHT and texts[1] == "d" else length
    return length if length and parser.peek(ahead + length).text not in ("_", "'") else 0


def begins_differential(parser: Parser) -> bool:
    """Return whether a d that is no scalar stands before what it could be the differential of."""
    length = 0 if parser.sees("partial") else differential(parser)
    name = "".join(parser.peek(number).text for number in range(length))
    known = parser.lexicon.functions.keys() | parser.lexicon.names.keys() | parser.scalars
    return length > 0 and name not in known and parser.peek(length).kind in _DIFFERENTIATED


_DIFFERENTIATED = ("letter", "style", "open", "function", "norm", "magnitude")


def differential_of(parser: Parser) -> Expression:
    r"""Read `d\mathbf{X}` or `d(\mathbf{X}^{-1})`, from the d on."""
    at = parser.next.at
    parser.skip(differential(parser))
    if parser.sees("open"):
        body = parser.primary()
        unclear = parser.sees("symbol", "^")
    else:
        body = parser.factor()
        exact_power = isinstance(body, Power) and exact(body.exponent) and not isinstance(body.base, Norm)
        unclear = exact_power or isinstance(body, Differential)
    if unclear:
        raise parser.error("where does the differential end?", expected=r"brackets, d\left( … \right)", at=at)
    return Differential(body, at=at)


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
    total = not parser.sees("partial")
    parser.skip(differential(parser))
    order = _order(parser)
    body = None if parser.sees("symbol", "}") else parser.term()
    if not parser.accept("symbol", "}"):
        raise parser.error("what does the ∂ apply to?", expected="one term, or brackets")
    parser.expect("symbol", "{", "a derivative without its denominator")
    by: list[Tensor] = []
    rows = False
    while not by or not parser.sees("symbol", "}"):
        below = _by(parser, "" if by else "a derivative needs ∂ in its denominator", order, order == 2 and len(by) == 1)
        rows = isinstance(below, Transpose)
        tensor = below.parts[0] if isinstance(below, Transpose | Power) else below
        by += [cast(Tensor, tensor)] * (order if isinstance(below, Power) else 1)
    if len(by) != order:
        raise parser.error(f"a derivative of order {order} by {len(by)} tensors", expected="as many ∂ below as above")
    parser.take()
    bare = _operand(parser) if body is None else None
    numbers = _numbers(parser) if body is None and bare is None else ()
    if bare is not None:
        body = bare
    elif body is None and parser.sees("sum"):
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
    # With a transpose, what is first below gives the rows, and its derivative is differentiated as in brackets.
    inner, *outer = by if rows else by[::-1]
    body = Partial(body, inner, bare=bare is not None, total=total, at=inner.at if rows else at)
    _refuse_other_argument(parser, body.body, by)
    for tensor in outer:
        body = Partial(body, tensor, total=total, at=at)
    return body


def _refuse_other_argument(parser: Parser, body: Expression, by: Sequence[Tensor]) -> None:
    r"""Read what a derivative is by where it stands in brackets after it, `\frac{dy}{dx}(x)`; refuse another place."""
    mark, at, spaced = parser.mark(), parser.next.at, parser.next.spaced
    if not spaced and parser.accept("open", "("):  # After a space it is a factor.
        found = parser.primary() if parser.next.kind in ("letter", "style", "number") else None
        single = isinstance(found, Tensor | Number) and bool(parser.accept("close"))
        if single and all(str(found) == str(each) for each in by):
            return
        if single or any(part.name in parser.lexicon.functions for part in body.walk() if isinstance(part, Tensor)):
            expected = r"\cdot between for a factor; a function and its prime, f'(…), for a value"
            raise parser.error("is this where the derivative is taken, or a factor?", expected=expected, at=at)
    parser.back(mark)


def _operand(parser: Parser) -> Product | None:
    """Read a product of matrices without brackets that is differentiated; return None if none is next."""
    found = product_of_matrices(parser)
    if found is not None and parser.sees("symbol", "+", "-"):
        expected = r"brackets, \left( … \right), around what is differentiated"
        raise parser.error("is what follows differentiated too?", expected=expected)
    return found


def _numbers(parser: Parser) -> tuple[Expression, ...]:
    r"""Read the numbers before what is differentiated: `\frac{\partial}{\partial x} \frac{1}{2} \left( … \right)`."""
    mark = parser.mark()
    found: list[Expression] = []
    while parser.sees("number") or parser.sees("fraction"):
        before = parser.mark()
        part = parser.factor()
        if not exact(part) or not parser.starts_factor():
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


def _by(parser: Parser, fault: str = "", order: int = 1, second: bool = False) -> Expression:
    """Read a ∂ and the tensor by which a derivative is, or a scalar's power; a second may be the transpose of one."""
    partial = parser.next
    if not differential(parser):
        raise parser.error(fault or parser.unexpected(), expected=r"'\partial'")
    parser.skip(differential(parser))
    found = parser.primary()
    if parser.sees("symbol", "^"):
        raise parser.error(f"a derivative by a power of {found}", expected=_tensor_for(Power(found, found)))
    scalar = isinstance(found, Power) and isinstance(found.base, Tensor) and not found.base.indices
    if scalar and order > 1 and cast(Power, found).exponent == Number(Fraction(order)):
        return found
    if not isinstance(found.parts[0] if second and isinstance(found, Transpose) else found, Tensor):
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
    if isinstance(by, Power) or parser.sees("symbol", "^"):
        expected = (
            r"\frac{\partial^2 s}{\partial x \partial x^\top} for the second derivatives, their sum for the other"
        )
        raise parser.error("this could be the Hessian or the Laplacian", expected=expected, at=at)
    if not isinstance(by, Tensor):
        raise parser.error("a derivative is by a tensor", expected=reserved(by) or "a tensor", at=at)
    bare = _operand(parser)
    body = bare or (parser.factor() if parser.starts_factor() and not parser.sees("sum") else None)
    if body is None:
        raise parser.misplaced("the factor that is differentiated")
    if parser.starts_factor() or parser.sees("symbol", "/"):
        raise parser.error("where does the derivative end?", expected="brackets", at=at)
    return Partial(body, by, bare=bare is not None, at=at)


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
    by = cast(Tensor, _by(parser))
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
