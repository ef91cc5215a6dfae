"""Subscripts: indices with their primes, digits, ranges with dots, and arithmetic of indices."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias

from einsum_doc.errors import NotationError
from einsum_doc.notation.expression import (
    Affine,
    Comparison,
    Coordinate,
    Expression,
    Index,
    Indicator,
    Negative,
    Number,
    Picked,
    Position,
    Product,
    Range,
    Subscript,
    Sum,
    Tensor,
    is_zero,
    plain,
)
from einsum_doc.notation.reading.cursor import Cursor
from einsum_doc.notation.reading.tokens import Token
from einsum_doc.notation.reading.vocabulary import COMPARISONS

_EXPECTED = "an index: a letter with its primes, a number, or dots"


def indices(cursor: Cursor) -> tuple[Subscript, ...]:
    """Read a subscript, from its underscore on."""
    cursor.take()
    if not cursor.accept("symbol", "{"):
        return (_unbraced(cursor),)
    found = _list(cursor)
    cursor.expect("symbol", "}")
    return found


def arguments(cursor: Cursor) -> tuple[Subscript, ...]:
    r"""Read the indices in brackets of a table, `(a|s)` or `(s', r \mid s, a)`."""
    opening = cursor.take()
    found: list[Subscript] = []
    while (
        not found
        or cursor.accept("symbol", ",")
        or cursor.accept("magnitude", "|")
        or cursor.accept("command", r"\mid")
    ):
        found.append(_index(cursor))
    cursor.close(opening)
    return tuple(found)


def _unbraced(cursor: Cursor) -> Subscript:
    token = cursor.next
    if token.kind == "letter":
        cursor.take()
        if cursor.sees("symbol", "'"):
            raise cursor.error("a prime outside the braces", expected="braces: _{i'}")
        return Index(token.text, at=token.at)
    if token.kind == "number":
        if len(token.text) > 1:
            raise cursor.error("only the first digit is an index", expected="braces: _{…}")
        cursor.take()
        return Coordinate(int(token.text), at=token.at)
    raise cursor.misplaced("an index: a letter, a digit or {…}")


def _list(cursor: Cursor) -> tuple[Subscript, ...]:
    r"""Read the indices inside of braces, up to `}`, or to `=` or `\in` under a sum."""
    found: list[Subscript] = []
    comma: Token | None = None
    while True:
        start = cursor.next.at
        found.append(_index(cursor))
        if isinstance(found[-1], Affine) and len(found) > 1 and not comma:
            raise _unclear(cursor, str(found[-2]), start)
        comma = cursor.accept("symbol", ",")
        if dots := cursor.accept("dots"):
            cursor.accept("symbol", ",")
            first, last = found.pop(), _index(cursor)
            if not (isinstance(first, Index) and isinstance(last, Index)) or first.letter == last.letter:
                raise cursor.error("dots between two indices", expected=r"two letters, a \dots b", at=dots.at)
            found.append(Range(first, last, at=first.at))
            comma = cursor.accept("symbol", ",")
        if cursor.next.kind not in ("letter", "number") and not _begins_arithmetic(cursor):
            if comma:
                raise cursor.misplaced("an index after the comma")
            if not cursor.sees("symbol", "}", "=") and not cursor.sees("command", r"\in"):
                raise cursor.misplaced(_EXPECTED)
            return tuple(found)
        if isinstance(found[-1], Affine) and not comma:
            raise _unclear(cursor, cursor.next.text, cursor.next.at)
        if isinstance(found[-1], Coordinate) and cursor.next.kind == "number" and not comma:
            raise cursor.error("two numbers as indices", expected="a comma between them")


def _unclear(cursor: Cursor, letter: str, at: Position) -> NotationError:
    """Return the error about a letter beside index arithmetic that no comma parts from it."""
    expected = f"a comma between two indices; '% integer {letter}' if {letter} is a number, such as a stride"
    return cursor.error(f"is {letter} a factor, or an index of its own?", expected=expected, at=at)


def _index(cursor: Cursor) -> Index | Coordinate | Affine | Picked:
    """Read a letter with its primes, a digit, a component of a tensor of indices, or arithmetic of these."""
    token = cursor.next
    mark = cursor.mark()
    if token.kind == "letter" and token.text not in cursor.lexicon.integers:
        found = _letter(cursor)
        if not (cursor.sees("symbol", "+", "-") or cursor.sees("times")):
            return found
        cursor.back(mark)
    elif token.kind == "number" and not _multiplies(cursor):
        cursor.take()
        if len(token.text) > 1:
            raise cursor.error(
                "more than one digit as an index", expected="single digits with commas between", at=token.at
            )
        return Coordinate(int(token.text), at=token.at)
    elif token.kind not in ("letter", "number") and not _begins_arithmetic(cursor):
        raise cursor.misplaced(_EXPECTED)
    return arithmetic(cursor)


def _letter(cursor: Cursor) -> Index | Picked:
    token = cursor.take()
    if cursor.sees("symbol", "_"):
        with cursor.nested():
            return Picked(token.text, indices(cursor), at=token.at)
    return Index(token.text, _primes(cursor), at=token.at)


def _begins_arithmetic(cursor: Cursor) -> bool:
    return cursor.sees("open", "(") or cursor.sees("symbol", "-")


def _multiplies(cursor: Cursor) -> bool:
    r"""Return whether a number is next that belongs to arithmetic, `2i + m` or `2 \cdot i`; `0i` is two indices."""
    ahead = 1
    if cursor.peek(1).kind == "letter":
        ahead = 2
        while cursor.peek(ahead).text == "'":
            ahead += 1
    return cursor.peek(ahead).text in ("+", "-") or cursor.peek(1).kind == "times"


_Terms: TypeAlias = dict[tuple[Any, ...], int]


def arithmetic(cursor: Cursor) -> Affine:
    """Read a sum of products of letters and numbers."""
    start = cursor.next
    terms = _sum(cursor)
    numbers = cursor.lexicon.integers
    if any(sum(not isinstance(atom, Index) or atom.letter not in numbers for atom in atoms) > 1 for atoms in terms):
        expected = "'% integer s' for a letter that is a number; a comma between two indices"
        raise cursor.error("a product of two indices", expected=expected, at=start.at)
    text = cursor.text[start.start : cursor.end].replace(r"\cdot", "·").replace("-", "−")
    written = plain("".join(text.split()))
    return Affine(tuple((number, atoms) for atoms, number in terms.items() if number), written, at=start.at)


def _sum(cursor: Cursor) -> _Terms:
    found: _Terms = {}
    first = True
    while first or cursor.sees("symbol", "+", "-"):
        sign = cursor.accept("symbol", "+", "-")
        for atoms, number in _product(cursor).items():
            found[atoms] = found.get(atoms, 0) + (-number if sign is not None and sign.text == "-" else number)
        first = False
    return found


def _product(cursor: Cursor) -> _Terms:
    found: _Terms = {(): 1}
    while True:
        is_index = cursor.sees("letter") and cursor.next.text not in cursor.lexicon.integers
        factor = _factor(cursor)
        found = {(*one, *other): number * times for one, number in found.items() for other, times in factor.items()}
        times = cursor.accept("times")
        if not times and (is_index or not (cursor.sees("letter") or cursor.sees("number") or cursor.sees("open", "("))):
            return found


def _factor(cursor: Cursor) -> _Terms:
    token = cursor.next
    if token.kind == "number" and token.text.isdigit() and len(token.text) < 3:
        return {(): int(cursor.take().text)}
    if token.kind == "letter":
        return {(_letter(cursor),): 1}
    if opening := cursor.accept("open", "("):
        with cursor.nested():
            found = _sum(cursor)
        cursor.close(opening)
        return found
    raise cursor.misplaced(_EXPECTED)


def _primes(cursor: Cursor) -> int:
    r"""Read the primes of an index, `'` or `^{\prime}`, and return their number."""
    primes = 0
    while sign := cursor.accept("symbol", "'", "^"):
        if sign.text == "'":
            primes += 1
            continue
        braced = cursor.accept("symbol", "{")
        count = 0
        while cursor.accept("prime"):
            count += 1
        if not count or (count > 1 and not braced):
            raise cursor.error("an exponent on an index", expected=r"primes: i' or i^{\prime}")
        if braced:
            cursor.expect("symbol", "}")
        primes += count
    return primes


def condition(cursor: Cursor) -> Indicator | None:
    r"""Read a relation of two indices, `i < j` or `j \neq i`; return None, with nothing read, if none is next."""
    mark = cursor.mark()
    if cursor.sees("letter") or cursor.sees("number"):
        left = _side(cursor)
        sign = cursor.take()
        found = "≠" if sign.kind == "unequal" else COMPARISONS.get(sign.text, "")
        if found and (cursor.sees("letter") or cursor.sees("number") or _begins_arithmetic(cursor)):
            right = _side(cursor)
            if left == right:
                raise cursor.error(f"{left} is compared with itself", expected="another index", at=sign.at)
            return Indicator((left, right), found, at=sign.at)
    cursor.back(mark)
    return None


def _side(cursor: Cursor) -> Subscript:
    """Read a side of a condition, in which `2i` is a product, and 10 a number."""
    if cursor.sees("number") and cursor.next.text.isdigit() and len(cursor.next.text) > 1:
        token = cursor.take()
        return Affine(((int(token.text), ()),), token.text, at=token.at)
    side = _index(cursor)
    if not isinstance(side, Coordinate):
        return side
    atoms = (_letter(cursor),) if cursor.sees("letter") else ()
    return Affine(((side.value, atoms),), "".join(map(str, (side, *atoms))), at=side.at)


def compared(left: Expression, sign: str, right: Expression, at: Position) -> Expression:
    """Return the relation of two values."""
    upper, lower = (right, left) if sign in ("<", "≤") else (left, right)
    difference = upper if is_zero(lower) else Sum((upper, Negative(lower, at=at)), at=at)
    name = {"<": ">", "≤": "≥"}.get(sign, sign)
    return Comparison(f"[{name}]", difference, written=f"[{left} {sign} {right}]", at=at)


def value_of(index: Any) -> Expression:
    """Return what a side of a condition is as a value."""
    match index:
        case Picked(name, indices):
            return Tensor(name, indices, at=index.at)
        case Affine(terms):
            parts = []
            for number, atoms in terms:
                factors = [value_of(atom) for atom in atoms]
                size = Number(Fraction(abs(number)), at=index.at)
                part: Expression = size
                if factors:
                    part = Product((size, *factors), at=index.at) if size.value != 1 or factors[1:] else factors[0]
                parts.append(part if number >= 0 else Negative(part, at=index.at))
            return parts[0] if len(parts) == 1 else Sum(tuple(parts), at=index.at)
        case _:
            return Tensor(index.letter + "'" * index.primes, at=index.at)


class Summed(NamedTuple):
    """What stands under and over a sum: its indices, their capital, and the limits of a part of the range."""

    indices: tuple[Subscript, ...]
    capital: str = ""
    limits: tuple[Affine, Affine] | tuple[()] | None = None
    condition: Indicator | None = None


def summed_indices(cursor: Cursor) -> Summed:
    """Read the indices under a sum, and the capital above it: nothing if none is written."""
    if not cursor.sees("symbol", "_"):
        raise cursor.error("a sum without its index", expected=r"\sum_{i}")
    at = cursor.take().at
    low, only = None, None
    if cursor.accept("symbol", "{"):
        found = _list(cursor)
        if cursor.accept("symbol", "="):
            low = arithmetic(cursor)
            only = condition(cursor) if cursor.accept("symbol", ",") else None
        elif cursor.accept("command", r"\in"):
            return Summed(found, _set(cursor), ())
        cursor.expect("symbol", "}")
    else:
        found = (_unbraced(cursor),)
    if not all(isinstance(index, Index | Range) for index in found):
        raise cursor.error("a sum over a number", expected="an index", at=at)
    if len(set(found)) < len(found):
        raise cursor.error("a sum over one index twice", expected="each index once", at=at)
    return _upper(cursor, found, low)._replace(condition=only)


def _set(cursor: Cursor) -> str:
    r"""Read the name of the set of all values of an index, `\mathcal{V}`, up to the brace after it."""
    style = cursor.accept("style")
    braced = style and cursor.accept("symbol", "{")
    if not cursor.sees("letter"):
        raise cursor.misplaced("the letter of a set of all values of the index")
    letter = cursor.take().text
    if braced:
        cursor.expect("symbol", "}")
    cursor.expect("symbol", "}", "a sum over a part of the values")
    return f"{style.text}{{{letter}}}" if style else letter


def _upper(cursor: Cursor, indices: tuple[Subscript, ...], low: Affine | None) -> Summed:
    """Read the upper end of a sum, if there is one."""
    caret = cursor.accept("symbol", "^")
    if caret is None:
        if low is not None:
            raise cursor.error("a sum without its upper end", expected="^, and the capital of the index")
        return Summed(indices)
    if cursor.accept("symbol", "{"):
        high = arithmetic(cursor)
        cursor.expect("symbol", "}")
    elif cursor.sees("number"):
        high = Affine(((int(cursor.next.text[0]), ()),), cursor.next.text[0], at=cursor.next.at)
        cursor.take_digit()
    elif cursor.sees("letter"):
        letter = cursor.take()
        high = Affine(((1, (Index(letter.text, at=letter.at),)),), plain(letter.text), at=letter.at)
    else:
        raise cursor.misplaced("the capital of the index")
    if len(indices) != 1 or not isinstance(indices[0], Index):
        raise cursor.error("a sum over a part of the range", expected="one index and its capital", at=caret.at)
    capital = high.terms[0][1][0] if high.terms and len(high.terms[0][1]) == 1 else None
    whole = low is None or low.terms == ((1, ()),)
    end = ((1, (capital,)),) if whole else ((1, (capital,)), (-1, ())) if low is not None and not low.terms else ()
    if isinstance(capital, Index) and not capital.primes and high.terms == end:
        return Summed(indices, capital.letter, None if low is None else (low, high))
    if low is None:
        raise cursor.error("a sum over a part of the range", expected="its first value, as in _{i=1}", at=caret.at)
    return Summed(indices, "", (low, high))
