"""LaTeX -> Tokens, each with its place in the text. Nothing is skipped but white space and spacing commands."""

from __future__ import annotations

import re
from dataclasses import dataclass

from einsum_doc.errors import NotationError
from einsum_doc.notation.expression import GREEK, Position


@dataclass(frozen=True)
class Token:
    r"""One sign of the text.

    kind: "letter" (Greek too), "number", "command", "symbol", "open" or "close" (a visible bracket), "break"
    (`\\`), "text", "tag", "silent" (`\notag`), "directive" (a comment), or "end".
    text: what it is; of a text, a tag or a directive, what is inside.
    start, end: offsets; at: line and column; stretched: a bracket with `\left` or `\right`;
    spaced: a spacing command stands before it.
    """

    kind: str
    text: str
    start: int
    end: int
    at: Position
    stretched: bool = False
    spaced: bool = False


_SPACING = {r"\,", r"\;", r"\:", r"\!", r"\ ", r"\>", r"\quad", r"\qquad", r"\enspace", r"\thinspace", "~"}
_SILENT = {r"\notag", r"\nonumber", r"\displaystyle"}
_SIZED = {rf"\{size}{side}" for size in ("big", "Big", "bigg", "Bigg") for side in ("", "l", "r")}
_OPEN = {"(": "(", "[": "[", r"\{": "{", r"\lbrack": "[", r"\lbrace": "{"}
_CLOSE = {")": ")", "]": "]", r"\}": "}", r"\rbrack": "]", r"\rbrace": "}"}
_SIGN = re.compile(r"\\[A-Za-z]+|\\.|[0-9]+(?:\.[0-9]+)?|.", re.DOTALL)
_DIMENSION = re.compile(r"\[\s*-?[0-9.]+\s*(?:pt|em|ex|mu|mm|cm|in)\s*\]")
_BLANK = re.compile(r"\s*")


class Lines:
    """Where an offset of a text is: its line and column."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts = [0] + [match.end() for match in re.finditer("\n", text)]

    def at(self, offset: int) -> Position:
        """Line and column, from 0."""
        low, high = 0, len(self._starts)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._starts[middle] <= offset else (low, middle)
        return low, offset - self._starts[low]


def tokens(text: str) -> list[Token]:
    r"""The signs of a text, the last of kind "end".

    >>> [token.text for token in tokens(r"x_{i'} \, \delta")]
    ['x', '_', '{', 'i', "'", '}', '\\delta', '']

    Raises: NotationError, at a bracket size without a bracket, or a `\text` or `\tag` without its braces.
    """
    lines = Lines(text)
    found: list[Token] = []
    position, spaced = _blank(text, 0), False
    while position < len(text):
        sign = _sign(text, position)
        start, end = position, position + len(sign)
        kind, value, stretched = "symbol", sign, False
        if sign == "%":
            stop = text.find("\n", position)
            end = len(text) if stop < 0 else stop
            kind, value = "directive", text[position + 1 : end]
        elif sign in _SPACING:
            kind = "spacing"
        elif sign in _SILENT:
            kind = "silent"
        elif sign in (r"\text", r"\textrm", r"\textit", r"\tag"):
            kind = "tag" if sign == r"\tag" else "text"
            value, end = _braced(text, end, lines, sign)
        elif sign == r"\\":
            kind = "break"
            dimension = _DIMENSION.match(text, end)
            if dimension:
                end = dimension.end()
        elif sign in (r"\left", r"\right") or sign in _SIZED:
            inner = _blank(text, end)
            delimiter = _sign(text, inner)
            opens, closes = sign != r"\right" and delimiter in _OPEN, sign != r"\left" and delimiter in _CLOSE
            if not (opens or closes):
                wanted = r"a bracket: ( [ or \{; a magnitude is \operatorname{abs}(…)"
                wanted = "a closing bracket" if sign == r"\right" else wanted
                raise NotationError(f"{sign} without a bracket", text=text, position=lines.at(end), expected=wanted)
            kind, value, end = *_bracket(delimiter), inner + len(delimiter)
            stretched = sign in (r"\left", r"\right")
        elif sign in _OPEN or sign in _CLOSE:
            kind, value = _bracket(sign)
        elif sign[0].isdigit() and sign.isascii():
            kind = "number"
        elif (sign.isalpha() and sign.isascii()) or (sign[0] == "\\" and sign[1:] in GREEK):
            kind = "letter"
        elif sign[0] == "\\":
            kind = "command"
        if kind == "spacing":
            spaced = True
        else:
            found.append(Token(kind, value, start, end, lines.at(start), stretched, spaced))
            spaced = False
        position = _blank(text, end)
    found.append(Token("end", "", len(text), len(text), lines.at(len(text.rstrip())), spaced=spaced))
    return found


def _blank(text: str, position: int) -> int:
    match = _BLANK.match(text, position)
    return match.end() if match else position


def _sign(text: str, position: int) -> str:
    match = _SIGN.match(text, position)
    return match.group() if match else ""


def _bracket(sign: str) -> tuple[str, str]:
    return ("open", _OPEN[sign]) if sign in _OPEN else ("close", _CLOSE[sign])


def _braced(text: str, position: int, lines: Lines, command: str) -> tuple[str, int]:
    """What stands in the braces at a position, and where they end."""
    start = _blank(text, position)
    if text[start : start + 1] == "{":
        depth, end = 0, start
        while end < len(text):
            character = text[end]
            if character == "\\":
                end += 1
            elif character == "%":
                break
            depth += (character == "{") - (character == "}")
            end += 1
            if depth == 0:
                return text[start + 1 : end - 1], end
    fault = f"{command} without its closing brace" if text[start : start + 1] == "{" else f"{command} without braces"
    raise NotationError(fault, text=text, position=lines.at(position), expected="{…}")
