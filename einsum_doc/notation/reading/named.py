"""A text and its directives -> the meanings of its letters: functions, labels, names of several signs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from einsum_doc.notation.expression import plain
from einsum_doc.notation.reading.cursor import Cursor
from einsum_doc.notation.reading.directives import Directive
from einsum_doc.notation.reading.labels import join, shifted, squares
from einsum_doc.notation.reading.lexicon import Lexicon
from einsum_doc.notation.reading.tokens import Token
from einsum_doc.notation.reading.vocabulary import BOLD_STYLES, FUNCTIONS, USUAL_FUNCTIONS


def extended(cursor: Cursor, directives: Sequence[Directive], said: Lexicon) -> Lexicon:
    """Return the meanings of letters in a text, from its directives and its rows, and from those before it.

    Names of several signs become one letter.
    Raises: NotationError, where a directive cannot be read.
    """
    given: dict[str, list[str]] = {}
    for step in directives:
        given.setdefault(step.word, []).extend(step.names)
    names = (*said.names, *given.get("name", ()))
    for name in names:
        join(cursor, name)
    return Lexicon(
        said.labels.union(given.get("label", ()), shifted(cursor.tokens, BOLD_STYLES)),
        said.squares.union(squares(cursor.tokens)),
        names,
        _functions(cursor, directives, said.functions),
        (*given.get("gradient", ()), said.upstream)[0],
    )


def _functions(cursor: Cursor, directives: Sequence[Directive], said: Mapping[str, str]) -> dict[str, str]:
    found = {**said, **{name: plain(name) for name in (*defined(cursor.tokens), *_of_vectors(cursor.tokens))}}
    for step in (step for step in directives if step.word == "function"):
        left, equals, right = (part.strip() for part in step.body.partition("="))
        names = [left] if equals else step.names
        if not names or not all(name.lstrip("\\").isalpha() for name in names):
            raise cursor.error("'% function' without a name", expected=r"% function \sigma = sigmoid", at=step.at)
        if equals and right not in FUNCTIONS:
            raise cursor.error(f"{right} is no function", expected=", ".join(FUNCTIONS), at=step.at)
        found |= {name: right or plain(name) for name in names}
    return found


def defined(tokens: Sequence[Token]) -> Iterator[str]:
    """Yield the letters that rows define as functions: `f(x) =`."""
    for number, token in enumerate(tokens):
        texts = [each.text for each in tokens[number : number + 6] if each.text != "&"]
        first = number == 0 or tokens[number - 1].kind in ("break", "so", "text") or tokens[number - 1].text in "&,"
        argument = tokens[number + 2].kind == "letter" if number + 2 < len(tokens) else False
        if first and token.kind == "letter" and argument and texts[1:2] == ["("] and texts[3:5] == [")", "="]:
            yield token.text


def _of_vectors(tokens: Sequence[Token]) -> Iterator[str]:
    """Yield usual names of functions that stand only before a single vector in brackets: a product needs none."""
    places: dict[str, list[int]] = {}
    for number, token in enumerate(tokens):
        if token.kind == "letter" and token.text in USUAL_FUNCTIONS:
            places.setdefault(token.text, []).append(number)
    for name, numbers in places.items():
        if all(_single_vector(tokens[number + 1 :]) for number in numbers):
            yield name


def _single_vector(tokens: Sequence[Token]) -> bool:
    while tokens and tokens[0].text == "'":
        tokens = tokens[1:]
    if len(tokens) < 3 or tokens[0].kind != "open" or tokens[1].text not in BOLD_STYLES:
        return False
    inside = []
    for token in tokens[2:]:
        if token.kind == "close":
            return True
        if token.kind != "letter" and token.text not in ("{", "}", "_", "^", "(", "'"):
            return False
        inside.append(token)
    return False
