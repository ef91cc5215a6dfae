"""A position among the tokens of a text, with the errors about the next one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from einsum_doc.errors import NotationError
from einsum_doc.notation.expression import Expression, Position
from einsum_doc.notation.reading.lexicon import NOTHING_SAID
from einsum_doc.notation.reading.tokens import Token, tokens, with_index_first
from einsum_doc.notation.reading.vocabulary import BETWEEN, FACTORS, HINTS

MAX_DEPTH = 40
"""The deepest nesting that is read."""


class Cursor:
    """The tokens of a text, and the position of the next one to be read.

    removed: comments and commands that nothing reads, apart from the tokens.
    end: the offset after what has been read.
    level: how deeply the next token is nested; 0 outside of all terms.
    scalars: the names that have been read as scalars, or stand as factors in the text; they may be factors of a
    bracket. values: the names that rows above give a value.
    in_bars: the kind of bars, "norm" or "magnitude", that the next bar of this kind closes.
    in_right: true in a right side, after which an equation may begin.
    stationary: true where a derivative that is 0 is set to it, and not said to be.
    above: the number of upper indices of each name. lexicon: the meanings that the page has given to letters.
    """

    def __init__(self, text: str, scalars: Iterable[str] = ()) -> None:
        found = with_index_first(tokens(text))
        self.text = text
        self.tokens = [token for token in found if token.kind not in ("directive", "silent")]
        self.removed = [token for token in found if token.kind in ("directive", "silent")]
        self.position = 0
        self.end = 0
        self.level = 0
        self.scalars = set(scalars)
        self.values: set[str] = set()
        self.in_bars = ""
        self.in_right = False
        self.stationary = False
        self.above: dict[str, int] = {}
        self.lexicon = NOTHING_SAID

    @property
    def next(self) -> Token:
        return self.tokens[self.position]

    def peek(self, ahead: int) -> Token:
        return self.tokens[min(self.position + ahead, len(self.tokens) - 1)]

    def take(self) -> Token:
        """Read the next token; the end stays."""
        token = self.next
        if token.kind != "end":
            self.position += 1
            self.end = token.end
        return token

    def skip(self, number: int) -> None:
        """Read some tokens."""
        for _ in range(number):
            self.take()

    def mark(self) -> tuple[int, int, list[Token]]:
        """Return a place to come back to: names take their labels out of the tokens."""
        return self.position, self.end, list(self.tokens)

    def back(self, mark: tuple[int, int, list[Token]]) -> None:
        """Go back to a place, with nothing read since."""
        self.position, self.end, self.tokens = mark

    def take_digit(self) -> Token:
        """Read the first digit of a number, as TeX does where there are no braces."""
        token = self.next
        if len(token.text) == 1:
            return self.take()
        line, column = token.at
        self.tokens[self.position] = Token("number", token.text[1:], token.start + 1, token.end, (line, column + 1))
        return Token("number", token.text[0], token.start, token.start + 1, token.at)

    def sees(self, kind: str, *texts: str) -> bool:
        return self.next.kind == kind and (not texts or self.next.text in texts)

    def accept(self, kind: str, *texts: str) -> Token | None:
        """Read the next token if it is of this kind, and one of these texts if any are given."""
        return self.take() if self.sees(kind, *texts) else None

    def expect(self, kind: str, text: str, fault: str = "") -> Token:
        """Read the next token, which must be this one."""
        if not self.sees(kind, text):
            raise self.error(fault or self.unexpected(), expected=f"'{text}'")
        return self.take()

    def close(self, opening: Token) -> None:
        """Read the bracket that closes another."""
        closing = {"(": ")", "[": "]", "{": "}"}[opening.text]
        if not self.sees("close", closing):
            raise self.misplaced(f"'{closing}', to close the bracket or go on before it")
        if self.next.stretched != opening.stretched:
            raise self.error(r"\left and \right do not belong together", expected="both or neither")
        self.take()

    def skip_ampersands(self) -> None:
        while self.accept("symbol", "&"):
            pass

    @contextmanager
    def nested(self) -> Iterator[None]:
        """Count one more level of nesting.

        Raises: NotationError, if it is one too many.
        """
        self.level += 1
        if self.level > MAX_DEPTH:
            raise self.error("too deeply nested", expected=f"at most {MAX_DEPTH} levels")
        yield
        self.level -= 1

    def error(self, fault: str, expected: str = "", at: Position | None = None) -> NotationError:
        """Return the error about the next token, or about that at a position."""
        where = self.next.at if at is None else at
        return NotationError(fault, text=self.text, position=where, expected=expected)

    def misplaced(self, expected: str) -> NotationError:
        """Return the error about the next token, which cannot stand here."""
        hint = None if self.next.kind in ("text", "tag") else HINTS.get(self.next.text)
        return self.error(self.unexpected(), expected=hint or expected)

    def unexpected(self) -> str:
        token = self.next
        if token.kind in ("end", "break"):
            return "the text ends too early" if token.kind == "end" else "the row ends too early"
        if token.kind in ("text", "tag"):
            return f"a \\{token.kind} cannot stand here"
        if token.kind == "command" and token.text not in HINTS:
            return f"unknown command {token.text}"
        command = token.text.startswith("\\") and token.kind != "letter"
        return f"{token.text if command else repr(token.text)} cannot stand here"


class Parser(Cursor, ABC):
    """A cursor that reads the expressions inside of a construct.

    A construct, such as a fraction or a function, is a function from a Parser to an Expression.
    It reads its own signs with the cursor and its parts with these methods; `terms.Terms` implements them.
    """

    @abstractmethod
    def expression(self) -> Expression:
        """Read terms with plus and minus between them."""

    @abstractmethod
    def term(self) -> Expression:
        """Read factors side by side."""

    @abstractmethod
    def factor(self) -> Expression:
        """Read a construct with its exponent."""

    @abstractmethod
    def primary(self) -> Expression:
        """Read a construct without its exponent."""

    def starts_factor(self) -> bool:
        found = self.next.kind in FACTORS or self.sees("symbol", "{") or self.opens_bars()
        return found and not self.begins_equation()

    def begins_equation(self) -> bool:
        """Return whether another equation begins here, after a wide space in a right side."""
        if not (self.in_right and self.next.apart and self.level == 0):
            return False
        depth = 0
        for token in self.tokens[self.position :]:
            depth += (token.kind == "open" or token.text == "{") - (token.kind == "close" or token.text == "}")
            if token.kind in ("break", "end") or depth < 0 or (depth == 0 and token.text == ","):
                return False
            if depth == 0 and (token.kind == "unequal" or token.text == "="):
                return token is not self.next
        return False

    def opens_bars(self) -> bool:
        """Return whether the next sign is a ‖ or a bar that opens a norm or a magnitude."""
        kind, sign = self.next.kind, self.next.text
        if kind not in ("norm", "magnitude") or sign in (r"\rVert", r"\rvert") or self.peek(1).text == "_":
            return False
        return sign.startswith((r"\l", r"\b", r"\B")) or self.in_bars != kind

    def continues_term(self) -> bool:
        return self.starts_factor() or self.sees("symbol", "/") or self.next.kind in ("times", *BETWEEN)

    def braced(self) -> Expression:
        """Read an expression and the brace that closes it."""
        inner = self.enclosed()
        self.expect("symbol", "}")
        return inner

    def enclosed(self) -> Expression:
        """Read an expression in which a bar opens a norm or a magnitude of its own."""
        return self.between_bars("")

    def between_bars(self, kind: str) -> Expression:
        """Read an expression, up to the bar of this kind that closes it."""
        outer, self.in_bars = self.in_bars, kind
        inner = self.expression()
        if kind and self.opens_bars():
            raise self.misplaced("the bar that closes this one before")
        self.in_bars = outer
        return inner
