"""Signs that apply to an argument: functions, roots and sums."""

from __future__ import annotations

from fractions import Fraction

from einsum_doc.notation.expression import Expression, Function, Number, Power, Summation, plain
from einsum_doc.notation.reading.components import bracketed_component, exponent
from einsum_doc.notation.reading.cursor import Reader
from einsum_doc.notation.reading.indices import summed_indices
from einsum_doc.notation.reading.vocabulary import NOT_ELEMENTWISE, SPELLED


def function(reader: Reader) -> Expression:
    """Read a function with its primes, its exponent and its argument."""
    at = reader.next.at
    name = _function_name(reader)
    order = 0
    while reader.accept("symbol", "'"):
        order += 1
    if order > 3:
        raise reader.error("too many primes on a function", expected="at most three", at=at)
    power: Expression | None = None
    if caret := reader.accept("symbol", "^"):
        power = exponent(reader)
        if not (isinstance(power, Number) and power.value > 0):
            raise reader.error("this power of a function can be misread", expected=r"\left( … \right)^{…}", at=caret.at)
    if reader.sees("symbol", "_"):
        raise reader.error("a function with an index or a base", expected=rf"\{name}\left( … \right)")
    if reader.sees("symbol", "{"):
        raise reader.error("braces are not seen on the page", expected=r"brackets, \left( … \right)")
    bracket = reader.next.kind == "open"
    found: Expression = Function(name, argument(reader, r"brackets, \left( … \right)"), order, at)
    if power is not None:
        if reader.sees("symbol", "^"):
            raise reader.error("a second exponent", expected="brackets, to say what is meant")
        return Power(found, power, at)
    if not bracket and reader.sees("symbol", "^"):
        raise reader.error("what does the exponent apply to?", expected=r"brackets, \left( … \right)")
    return found


def _function_name(reader: Reader) -> str:
    token = reader.take()
    name = token.text[1:]
    if name == "operatorname":
        reader.expect("symbol", "{")
        name = ""
        while letter := reader.accept("letter"):
            name += plain(letter.text)
        if not name:
            raise reader.misplaced("a function's name")
        reader.expect("symbol", "}")
        known = SPELLED.get(name.lower(), name)
        if known in NOT_ELEMENTWISE:
            raise reader.error(
                f"{name} is not taken of each component", expected="its definition in components", at=token.at
            )
        name = known
    return "log" if name == "ln" else name


def argument(reader: Reader, expected: str) -> Expression:
    """Read the argument of a function or of an operator: a bracket, or the one factor that ends the term."""
    if reader.next.kind == "open" and not _component_ahead(reader):
        opening = reader.take()
        inner = reader.expression()
        reader.close(opening)
        if reader.sees("symbol", "_", "'"):
            raise reader.error("indices on this have no meaning", expected="components inside the bracket")
        return inner
    if not reader.starts_factor() or reader.sees("dots") or reader.sees("sum"):
        raise reader.misplaced(expected)
    at = reader.next.at
    found = reader.factor()
    if reader.continues_term():
        raise reader.error("where does the argument end?", expected=expected, at=at)
    return found


def _component_ahead(reader: Reader) -> bool:
    start = reader.position
    component = bracketed_component(reader)
    reader.position = start
    return component is not None


def root(reader: Reader) -> Expression:
    token = reader.take()
    degree = Fraction(2)
    if reader.accept("open", "["):
        number = reader.next
        if number.kind != "number" or number.text not in map(str, range(2, 100)):
            raise reader.error("the degree of a root", expected="a whole number from 2 to 99")
        degree = Fraction(reader.take().text)
        if not reader.accept("close", "]"):
            raise reader.misplaced("']'")
    reader.expect("symbol", "{", "a root without braces")
    return Power(reader.braced(), Number(1 / degree, token.at), token.at)


def summation(reader: Reader) -> Expression:
    at = reader.take().at
    indices, capital = summed_indices(reader)
    if not reader.starts_factor():
        raise reader.misplaced("what is summed")
    with reader.nested():
        body = reader.term()
    return Summation(indices, body, at, capital)
