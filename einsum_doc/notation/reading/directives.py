"""Directives: comments that instruct the checker."""

from __future__ import annotations

import re
from dataclasses import dataclass

from einsum_doc.notation.expression import Position
from einsum_doc.notation.reading.cursor import Cursor
from einsum_doc.notation.reading.tokens import Token
from einsum_doc.notation.reading.vocabulary import STYLES

DIRECTIVES = (
    *("let", "size", "fixed", "no sum", "local"),
    *("positive definite", "positive", "small", "interval", "symmetric", "sums to one"),
    *("matrix", "vector", "samples", "label", "function", "name", "gradient", "constant", "reasons", "new"),
    *("index", "integer", "origin", "zero outside", "tabular", "upper", "value", "scalar", "stationary"),
)
"""The words of directives; one that begins with another stands before it."""


@dataclass(frozen=True)
class Directive:
    r"""A comment that instructs the checker: its word, such as "let" or "size", and the text after it.

    The word is empty for `%% ...`, a comment for people who read the source.
    """

    word: str
    body: str
    at: Position

    @property
    def names(self) -> list[str]:
        r"""The names in its text, with commas or blanks between them.

        >>> Directive("vector", r"x, \tilde h y", (0, 0)).names
        ['x', '\\tilde h', 'y']
        """
        return _NAME.findall(self.body)

    @property
    def equation(self) -> tuple[str, str, str]:
        """Its text before the first `=`, that sign, and the text after it; the last two are empty without a sign."""
        left, equals, right = self.body.partition("=")
        return left.strip(), equals, right.strip()


_NAME = re.compile(rf"(?:\\(?:{'|'.join(style[1:] for style in STYLES)})\s*)*[^\s,]+")


def directive(cursor: Cursor, token: Token) -> Directive:
    body = token.text.strip()
    if token.text.startswith("%"):
        return Directive("", body, token.at)
    for word in DIRECTIVES:
        if body == word or body.startswith(word + " "):
            return Directive(word, body[len(word) :].strip(), token.at)
    raise cursor.error(
        "a comment that is no directive",
        expected=f"{', '.join(DIRECTIVES)}; or %% for a comment that says nothing to the checker",
        at=token.at,
    )
