"""LaTeX -> Tokens, each with its position in the text. Nothing is skipped but white space and spacing commands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from einsum_doc.errors import NotationError
from einsum_doc.notation.expression import Position
from einsum_doc.notation.reading.vocabulary import (
    BARS,
    BOLD_STYLES,
    BRACKETS,
    DEFINES,
    KINDS,
    TRANSPOSES,
    UPRIGHT,
    UPRIGHT_FUNCTION,
    WIDE,
)


@dataclass(frozen=True)
class Token:
    r"""One sign of the text.

    kind: that of a command in `vocabulary.KINDS`, "command" for one that is not there, "letter" (Greek too),
    "number", "symbol", "open" or "close" (a visible bracket), "blank" (`\left.`), "bar" (`\right|`, `\Big|`),
    "directive" (a comment), or "end".
    text: the sign; of a text, a tag or a directive, the text inside.
    start, end: offsets; at: line and column; stretched: a bracket with `\left` or `\right`;
    spaced: a spacing command stands before it. apart: one that is wide enough to part two equations.
    """

    kind: str
    text: str
    start: int
    end: int
    at: Position
    stretched: bool = False
    spaced: bool = False
    apart: bool = False


_SIGN = re.compile(r"\s*(\\[A-Za-z]+|\\.|[0-9]+(?:\.[0-9]+)?|.|\Z)", re.DOTALL)
_GROUP = re.compile(r"\{[^{}]*\}")
_RELATION = re.compile(r"(?<!\\)=|\\(?:neq?|" + "|".join(sign[1:] for sign in DEFINES) + r")(?![A-Za-z])")
_ENVIRONMENT = re.compile(
    r"\s*\{(?:(?:aligned|alignedat|align|gather|gathered|split|equation|eqnarray|multline)\*?\}|array\}\s*(?:\{[^{}]*\})?)"
)
_CASES = re.compile(r"\s*\{[dr]?cases\*?\}")
_DIMENSION = re.compile(r"\[\s*-?[0-9.]+\s*(?:pt|em|ex|mu|mm|cm|in)\s*\]")


def tokens(text: str) -> list[Token]:
    r"""Read the signs of a text; the last is of kind "end".

    >>> [token.text for token in tokens(r"x_{i'} \, \delta")]
    ['x', '_', '{', 'i', "'", '}', '\\delta', '']

    Raises: NotationError, at a bracket size without a bracket, or a `\text` or `\tag` without its braces.
    """
    found: list[Token] = []
    spaces: list[str] = []
    braces: list[str] = []
    sign, start, end = _sign(text, 0)
    while sign:
        kind, value, end, stretched = _token(text, sign, start, end)
        if kind in ("box", "group"):
            value, end = _opened(text, sign, end)
            braces.append(value)
            spaces.append("")
            kind = {"(": "open", "{": "symbol", "": "spacing"}[value]
        elif value == "{" and kind == "symbol":
            braces.append(value)
        elif value == "}" and kind == "symbol" and braces and (opened := braces.pop()) != "{":
            kind, value, end = "close" if opened else "spacing", ")", _past_label(text, end)
        if kind == "spacing":
            spaces.append(value)
        else:
            apart = not WIDE.isdisjoint(spaces)
            found.append(Token(kind, value, start, end, _at(text, start), stretched, bool(spaces), apart))
            spaces = []
        sign, start, end = _sign(text, end)
    spaced = bool(spaces)
    found.append(Token("end", "", len(text), len(text), _at(text, len(text.rstrip())), spaced=spaced))
    return found


def with_index_first(found: Sequence[Token]) -> list[Token]:
    r"""Return tokens with `_j` before `^2` after a letter, as TeX shows `x^2_j` and `x_j^2` alike.

    In a text with `^1`, a 2 could be a layer; after a capital, it could be the power of a matrix.
    """
    result = list(found)
    carets = [number for number, token in enumerate(result[:-3]) if token.text == "^" and number]
    first = {caret: result[caret + 1 + (result[caret + 1].text == "{")].text for caret in carets}
    if "1" in first.values():
        return result
    for caret in (caret for caret, text in first.items() if text == "2"):
        base, end = result[caret - 1], past_group(result, caret + 1)
        alone = end - caret in (2, 4)
        small = (base.kind == "letter" and not base.text.isupper()) or base.text == "}"
        if alone and small and result[end].text == "_":
            last = past_group(result, end + 1 + (result[end + 1].kind == "style"))
            if last < len(result):
                result[caret:last] = [*result[end:last], *result[caret:end]]
    return result


def past_group(tokens: Sequence[Token], number: int) -> int:
    """Return the number of the token after a sign, or after a group in braces; that of no token if it stays open."""
    depth = 0
    for end in range(number, len(tokens)):
        depth += (tokens[end].text == "{") - (tokens[end].text == "}")
        if depth == 0:
            return end + 1
    return len(tokens)


def is_transpose(inside: Sequence[Token]) -> bool:
    """Return whether an exponent makes a transpose."""
    signs = "".join(token.text for token in inside if token.text not in ("{", "}"))
    return signs in TRANSPOSES and all(token.kind in _OF_A_TRANSPOSE for token in inside)


_OF_A_TRANSPOSE = ("letter", "transpose", "symbol", "style", "text")


def shifted(tokens: Sequence[Token]) -> Iterator[str]:
    r"""Yield the letters that number vectors in time: `\mathbf{h}_{t-1}` has a shift, so t is no index."""
    for number, token in enumerate(tokens):
        if token.text in BOLD_STYLES:
            ahead = number + 1
            while (
                ahead < len(tokens)
                and tokens[ahead].text not in ("}", "_")
                and tokens[ahead].kind in ("letter", "symbol")
            ):
                ahead += 1
            ahead += ahead < len(tokens) and tokens[ahead].text == "}"
            texts = [each.text for each in tokens[ahead : ahead + 5]]
            if texts[:2] == ["_", "{"] and len(texts) == 5 and texts[3] in "+-" and texts[4].isdigit():
                yield texts[2]


def _token(text: str, sign: str, start: int, end: int) -> tuple[str, str, int, bool]:
    """Return the kind and the text of the token that begins with a sign, its end, and whether it is stretched."""
    if sign in BRACKETS:
        return *BRACKETS[sign], end, False
    if (sign.isalpha() and sign.isascii()) or (sign[0].isdigit() and sign.isascii()):
        return "letter" if sign.isalpha() else "number", sign, end, False
    if sign in DEFINES:
        return "symbol", "=", end, False
    if sign == ":" and (equals := _sign(text, end))[0] == "=":
        return "symbol", "=", equals[2], False
    kind = KINDS.get(sign, "command" if sign[0] == "\\" else "symbol")
    if kind == "size":
        delimiter, _, after = _sign(text, end)
        if KINDS.get(delimiter) == "norm":
            return "norm", {r"\left": r"\lVert", r"\right": r"\rVert"}.get(sign, delimiter), after, False
        if (sign[-1] == "l" or sign == r"\left") and KINDS.get(delimiter) == "magnitude":
            return "magnitude", sign + delimiter, after, sign == r"\left"
        side, shape = BRACKETS.get(delimiter, ("", ""))
        if sign == r"\left" and delimiter == ".":
            return "blank", delimiter, after, True
        if sign != r"\left" and delimiter in BARS:
            return "bar", delimiter, after, sign == r"\right"
        if not side or (sign, side) in ((r"\left", "close"), (r"\right", "open")):
            wanted = "a closing bracket" if sign == r"\right" else r"a bracket: ( [ \{ or |"
            raise NotationError(f"{sign} without a bracket", text=text, position=_at(text, end), expected=wanted)
        return side, shape, after, sign in (r"\left", r"\right")
    if kind == "directive":
        comment = text[end:].partition("\n")[0]
        return kind, comment, end + len(comment), False
    if (kind == "text" or sign in UPRIGHT) and (name := UPRIGHT_FUNCTION.match(text, end)):
        return "function", "\\" + name[1], name.end(), False
    if kind in ("text", "tag"):
        return kind, *_braced(text, end, sign), False
    if kind in ("length", "label"):
        return "spacing" if kind == "length" else "silent", sign, _braced(text, end, sign)[1], False
    if kind == "environment" and (of_cases := _CASES.match(text, end)):
        return "cases" if sign == r"\begin" else "end of cases", sign, of_cases.end(), False
    if kind == "environment" and (environment := _ENVIRONMENT.match(text, end)):
        return "silent", sign, environment.end(), False
    if kind == "break" and (dimension := _DIMENSION.match(text, end)):
        end = dimension.end()
    return kind, sign, end, False


def _opened(text: str, command: str, end: int) -> tuple[str, int]:
    r"""Return what the braces of `\boxed` or `\cancel` are to be read as, and where they open.

    A box is seen on the page and groups as a bracket does, unless a relation is in it; a colour is not seen.
    """
    for _ in range(command in (r"\textcolor", r"\mathcolor")):
        _, end = _braced(text, end, command)
    inside, _ = _braced(text, end, command)
    end = _sign(text, end)[2]
    if KINDS[command] == "group":
        return "{", end
    while (outer := _GROUP.sub("", inside)) != inside:
        inside = outer
    return "" if _RELATION.search(inside) else "(", end


def _past_label(text: str, end: int) -> int:
    """Return where a brace ends, with what stands below or above it."""
    sign, _, after = _sign(text, end)
    return _braced(text, after, sign)[1] if sign in ("_", "^") and _sign(text, after)[0] == "{" else end


def _at(text: str, offset: int) -> Position:
    """Return the line and the column of an offset, from 0."""
    return text.count("\n", 0, offset), offset - text.rfind("\n", 0, offset) - 1


def _sign(text: str, position: int) -> tuple[str, int, int]:
    """Return the sign after the blanks at an offset, empty at the end, and where it starts and ends."""
    match = _SIGN.match(text, position)
    assert match is not None
    return match[1], match.start(1), match.end()


def _braced(text: str, position: int, command: str) -> tuple[str, int]:
    """Return the text in the braces at an offset, and where they end."""
    brace, start, end = _sign(text, position)
    if brace == "{":
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
    fault = f"{command} without its closing brace" if brace == "{" else f"{command} without braces"
    raise NotationError(fault, text=text, position=_at(text, position), expected="{…}")
