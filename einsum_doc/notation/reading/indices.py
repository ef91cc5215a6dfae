"""Subscripts: indices with their primes, digits, and ranges with dots."""

from __future__ import annotations

from einsum_doc.notation.expression import Coordinate, Delta, Index, Indicator, Range, Subscript
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
    """Read the indices inside of braces, up to `}`, or to `=` under a sum."""
    found: list[Subscript] = []
    while True:
        found.append(_index(cursor))
        comma = cursor.accept("symbol", ",")
        if dots := cursor.accept("dots"):
            cursor.accept("symbol", ",")
            first, last = found.pop(), _index(cursor)
            if not (isinstance(first, Index) and isinstance(last, Index)) or first.letter == last.letter:
                raise cursor.error("dots between two indices", expected=r"two letters, a \dots b", at=dots.at)
            found.append(Range(first, last, at=first.at))
            comma = cursor.accept("symbol", ",")
        if cursor.next.kind not in ("letter", "number"):
            if comma:
                raise cursor.misplaced("an index after the comma")
            if not cursor.sees("symbol", "}", "="):
                raise cursor.misplaced(_EXPECTED)
            return tuple(found)
        if isinstance(found[-1], Coordinate) and cursor.next.kind == "number" and not comma:
            raise cursor.error("two numbers as indices", expected="a comma between them")


def _index(cursor: Cursor) -> Index | Coordinate:
    token = cursor.next
    if token.kind == "letter":
        cursor.take()
        return Index(token.text, _primes(cursor), at=token.at)
    if token.kind == "number":
        cursor.take()
        if len(token.text) > 1:
            raise cursor.error(
                "more than one digit as an index", expected="single digits with commas between", at=token.at
            )
        return Coordinate(int(token.text), at=token.at)
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


def condition(cursor: Cursor) -> Indicator | Delta | None:
    r"""Read a relation of two indices, `i < j` or `j \neq i`; return None, with nothing read, if none is next."""
    mark = cursor.mark()
    if cursor.sees("letter"):
        left = _index(cursor)
        sign = cursor.take()
        found = "≠" if sign.kind == "unequal" else COMPARISONS.get(sign.text, "=" if sign.text == "=" else "")
        if found and cursor.sees("letter"):
            both = (left, _index(cursor))
            return Delta(both, at=sign.at) if found == "=" else Indicator(both, found, at=sign.at)
    cursor.back(mark)
    return None


def summed_indices(cursor: Cursor) -> tuple[tuple[Subscript, ...], str]:
    """Read the indices under a sum, and the capital above it: nothing if none is written."""
    if not cursor.sees("symbol", "_"):
        raise cursor.error("a sum without its index", expected=r"\sum_{i}")
    at = cursor.take().at
    start = None
    if cursor.accept("symbol", "{"):
        found = _list(cursor)
        if cursor.accept("symbol", "="):
            start = cursor.take()
            if start.kind != "number" or start.text not in ("0", "1"):
                raise cursor.error(
                    "a sum over a part of the range", expected="=1, or =0, and the range's capital above", at=start.at
                )
        cursor.expect("symbol", "}")
    else:
        found = (_unbraced(cursor),)
    if any(isinstance(index, Coordinate) for index in found):
        raise cursor.error("a sum over a number", expected="an index", at=at)
    if len(set(found)) < len(found):
        raise cursor.error("a sum over one index twice", expected="each index once", at=at)
    return found, _capital(cursor, found, start)


def _capital(cursor: Cursor, indices: tuple[Subscript, ...], start: Token | None) -> str:
    """Read the upper end of a sum that starts at 0 or 1, or has no start written."""
    caret = cursor.accept("symbol", "^")
    if caret is None:
        if start is not None:
            raise cursor.error("a sum without its upper end", expected="^, and the capital of the index")
        return ""
    braced = cursor.accept("symbol", "{")
    bound = cursor.take().text
    if braced:
        while not cursor.sees("symbol", "}") and not cursor.sees("end"):
            bound += cursor.take().text
        cursor.expect("symbol", "}")
    end = "-1" if start is not None and start.text == "0" else ""
    capital = bound.removesuffix(end)
    one = len(indices) == 1 and isinstance(indices[0], Index)
    if not one or len(capital) != 1 or not capital.isalpha() or bound != capital + end:
        wanted = str(indices[0]).upper() + end if one else "one index and its capital"
        raise cursor.error(
            "a sum over a part of the range", expected=f"{wanted}: a sum goes over the whole range", at=caret.at
        )
    return capital
