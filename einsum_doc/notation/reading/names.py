"""What is on a name, and what is a name: labels, functions, names of several signs; and what a page says of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import dropwhile

from einsum_doc.notation.expression import Position, plain
from einsum_doc.notation.reading.cursor import Cursor
from einsum_doc.notation.reading.directives import Directive
from einsum_doc.notation.reading.lexicon import Lexicon, upstream
from einsum_doc.notation.reading.tokens import Token, is_transpose, past_group, shifted
from einsum_doc.notation.reading.tokens import tokens as signs_of
from einsum_doc.notation.reading.vocabulary import (
    BOLD_STYLES,
    CONDITION_WORDS,
    CONNECTIVES,
    CONSTANTS,
    FUNCTIONS,
    OTHERWISE,
    USUAL_FUNCTIONS,
)

_STARS = ("*", r"\ast", r"\star")
_WORD_STYLES = (r"\mathrm", r"\mathsf", r"\mathit")


def upper_label(cursor: Cursor) -> str:
    r"""Read `^{(1)}`, `^{[l]}`, `^{\text{in}}` or `^*`, if it is next; return it in LaTeX without blanks, or ""."""
    if not cursor.sees("symbol", "^"):
        return ""
    inside, length = group(cursor, 1)
    own = next((number for number, token in enumerate(inside, 1) if token.kind == "close"), len(inside))
    transpose = inside[own:] if is_transpose(inside[own:]) else []
    inside = inside[: len(inside) - len(transpose)]
    found = ""
    if len(inside) == 1 and inside[0].text in _STARS:
        found = "*"
    elif inside and inside[0].text in cursor.lexicon.labels and (len(inside) == 1 or _is_shift(inside[1:])):
        found = "".join(token.text for token in inside)
    elif len(inside) > 2 and inside[0].kind == "open" and inside[0].text in "([" and inside[-1].kind == "close":
        first, *shift = inside[1:-1]
        of_one = first.kind in ("letter", "number") and not shift
        if of_one or (first.kind == "letter" and _is_shift(shift)):
            found = "".join(token.text for token in inside)
    elif not is_transpose(inside):
        found = _word(inside)
    if found and transpose:  # That of `^{(1)\top}` becomes an exponent of its own, after the label.
        start = cursor.position
        caret, opening, closing = cursor.next, cursor.peek(1), cursor.peek(length)
        label = [caret, opening, *inside, closing]
        cursor.tokens[start : start + 1 + length] = [*label, caret, opening, *transpose, closing]
        length = len(label) - 1
    if found:
        cursor.skip(1 + length)
    return f"^{{{found}}}" if found else ""


def _is_shift(tokens: Sequence[Token]) -> bool:
    return len(tokens) == 2 and tokens[0].text in "+-" and tokens[1].kind == "number"


def square_label(cursor: Cursor, name: str) -> str:
    r"""Read the 2 in `\sigma^2` where that is a name; return it in LaTeX, or ""."""
    if name not in cursor.lexicon.squares or not cursor.sees("symbol", "^"):
        return ""
    inside, length = group(cursor, 1)
    if [token.text for token in inside] != ["2"]:
        return ""
    cursor.skip(1 + length)
    return "^{2}"


def join(cursor: Cursor, name: str, letter: str) -> None:
    """Read a name of several signs as one letter, wherever it stands."""
    texts = [token.text for token in signs_of(name)[:-1]]
    found = [token.text for token in cursor.tokens]
    for start in reversed(range(len(found) - len(texts) + 1)):
        if texts and found[start : start + len(texts)] == texts:
            first, last = cursor.tokens[start], cursor.tokens[start + len(texts) - 1]
            cursor.tokens[start : start + len(texts)] = [replace(first, kind="letter", text=letter, end=last.end)]


def squares(tokens: Sequence[Token]) -> Iterator[str]:
    r"""Yield the letters that only stand with a square, `\sigma^2`, and are defined or differentiated by with it."""
    places: dict[str, list[int]] = {}
    for number, token in enumerate(tokens):
        if token.kind == "letter":
            places.setdefault(token.text, []).append(number)
    for name, numbers in places.items():
        ends = [_after_square(tokens, number + 1) for number in numbers]
        pairs = list(zip(numbers, ends, strict=True))
        by = any(tokens[number - 1].kind == "partial" and _text(tokens, number - 3) == "}" for number, _ in pairs)
        first = any(_begins_row(tokens, number) and _text(tokens, end) in "&=" for number, end in pairs)
        if all(ends) and (by or first):
            yield name


def _after_square(tokens: Sequence[Token], number: int) -> int:
    """Return the number of the token after an exponent 2, which indices may stand before or after; 0 without one."""
    square = False
    while _text(tokens, number) in ("^", "_"):
        texts = [_text(tokens, number + ahead) for ahead in range(1, 4)]
        if _text(tokens, number) == "^" and texts[0] != "2" and texts != ["{", "2", "}"]:
            return 0
        square = square or _text(tokens, number) == "^"
        number += 2 + texts[0].startswith(r"\math")  # The brace of a label in a style, as in `\sigma_\mathcal{B}^2`.
        depth = int("{" in (texts[0], _text(tokens, number - 1)))
        while depth and number < len(tokens):
            depth += (_text(tokens, number) == "{") - (_text(tokens, number) == "}")
            number += 1
    return number if square else 0


def _text(tokens: Sequence[Token], number: int) -> str:
    return tokens[number].text if 0 <= number < len(tokens) else ""


def lower_label(cursor: Cursor, letter: str = "") -> str:
    r"""Read `_{\text{in}}`, or the label in `_{t-1}`, if it is next; the indices after a comma stay.

    letter: of the name, whose capitals may be labels.
    """
    if not cursor.sees("symbol", "_"):
        return ""
    inside, length = group(cursor, 1)
    own = next((number for number, token in enumerate(inside) if token.text == ","), len(inside))
    sign = inside[0].text if own == 1 and inside[0].text in ("+", "-") else ""
    found, rest = sign or _word(inside[:own]), inside[own + 1 :]
    if letter in cursor.lexicon.capitals:
        found, rest = "".join(token.text for token in inside), []
    if not found and inside and inside[0].text in cursor.lexicon.labels:
        shift = 3 if len(inside) > 2 and inside[1].text in "+-" and inside[2].kind == "number" else 1
        found = "".join(token.text for token in inside[:shift])
        rest = inside[shift + (len(inside) > shift and inside[shift].text == ",") :]
    if not found or (own == len(inside) - 1):
        return ""
    start = cursor.position
    opening, closing = cursor.tokens[start + 1], cursor.tokens[start + length]
    cursor.tokens[start + 1 : start + 1 + length] = [opening, *rest, closing] if rest else []
    if not rest:
        del cursor.tokens[start]
        cursor.end = closing.end
    return f"_{{{found}}}"


_LAYER = re.compile(
    r"\\delta\s*\}?\s*(?:_(?:\w|\{[^{}]*\})\s*)?\^\s*(?:([A-SU-Za-z])|\{\s*([A-SU-Za-z])\s*(?:[+-]\s*\d\s*)?\})"
)
_LOWER = re.compile(r"_\s*(?:(\w)|\{([^{}]*)\})")


def _layers(text: str) -> set[str]:
    r"""Return the letters of layers, which errors have as an exponent, `\delta^l`, and nothing has as an index."""
    lower = "".join(one or several for one, several in _LOWER.findall(text))
    return {one or other for one, other in _LAYER.findall(text)} - set(lower)


def group(cursor: Cursor, ahead: int) -> tuple[list[Token], int]:
    """Return the tokens of an exponent or a subscript without its braces, and their number with them."""
    first = cursor.peek(ahead)
    if first.kind == "style":
        inside, length = group(cursor, ahead + 1)
        return [first, *inside], 1 + length
    if first.text != "{" or first.kind != "symbol":
        return [first], 1
    found: list[Token] = []
    depth, length = 1, 1
    while depth and cursor.peek(ahead + length).kind not in ("end", "break"):
        token = cursor.peek(ahead + length)
        depth += (token.text == "{") - (token.text == "}")
        length += 1
        found.append(token)
    return found[:-1], length


def _word(inside: Sequence[Token]) -> str:
    r"""Return a label that is a word, `\text{in}` or `\mathrm{in}`, or a set, `\mathcal{B}`; "" for anything else."""
    if len(inside) == 1 and inside[0].kind == "text":
        return rf"\text{{{''.join(inside[0].text.split())}}}"
    letters = [token.text for token in inside[1:] if token.text not in "{}"]
    style = inside[0].text if inside and inside[0].kind == "style" else ""
    if style not in (*_WORD_STYLES, r"\mathcal") or not "".join(letters).isalpha():
        return ""
    return ("\\text" if style in _WORD_STYLES else style) + f"{{{''.join(letters)}}}"


_DECLARE = ("matrix", "vector")


def extended(cursor: Cursor, directives: Sequence[Directive], said: Lexicon) -> Lexicon:
    """Return the meanings of letters in a text, from its directives and its rows, and from those before it.

    Names of several signs become one letter.
    Raises: NotationError, where a directive cannot be read.
    """
    given: dict[str, list[str]] = {}
    for step in directives:
        given.setdefault(step.word, []).extend(step.names)
    texts = _join_texts(cursor, said.texts)
    names = dict(said.names)
    labels = said.labels.union(given.get("label", ()), shifted(cursor.tokens))
    declared = [each.equation[0] if each.equation[1] else each.body for each in directives if each.word in _DECLARE]
    several = [name for text in declared for name in text.replace(",", " ").split() if len(name) > 1 and name.isalpha()]
    names.update((name, name) for name in (*given.get("name", ()), *several))
    indices = {*labels, *said.samples, *given.get("samples", ()), *_summed(cursor.tokens)}
    for name in (*(name for text in declared for name in text.replace(",", " ").split()), *given.get("tabular", ())):
        if (found := _SUBSCRIPT.fullmatch(name)) and indices.isdisjoint(found[2]):
            names.update({f"{found[1]}_{{{found[2]}}}": name, f"{found[1]}_{found[2][:1]}{found[2][1:]}": name})
    numbered = _numbers_samples(cursor) - {*given.get("upper", ())}
    upper = (said.upper - said.numbered).union(given.get("upper", ()), numbered)
    tabular = said.tabular.union(given.get("tabular", ()))
    for name, letter, at in _with_arguments(cursor):
        other = {each for each, known in names.items() if known == letter and "(" in each}
        if letter not in tabular and len({re.sub(r"[\s{}]", "", each) for each in (*other, name)}) > 1:
            raise cursor.error(f"{plain(letter)} has other arguments in {min(other)}", "a name for each of them", at)
        names.update({} if letter in tabular else {name: letter})
    for name, letter in names.items():
        join(cursor, name, letter)
    known = _functions(cursor, directives, said.functions)
    functions = {letter: value for letter, value in known.items() if letter not in tabular}
    for name, letter in names.items():
        if "(" in name and letter in functions:
            at = next(token.at for token in cursor.tokens if token.text == letter)
            raise cursor.error(f"{plain(letter)} has other arguments in {name}", "a name for each of them", at)
    return Lexicon(
        labels.union(_layers(cursor.text) - upper),
        said.squares.union(squares(cursor.tokens)),
        names,
        functions,
        (*given.get("gradient", ()), *upstream(cursor.text), said.upstream)[0],
        said.integers.union(name.partition("=")[0] for name in given.get("integer", ())),
        said.picks.union(given.get("index", ())),
        said.samples.union(given.get("samples", ())),
        tabular,
        upper,
        said.numbered | numbered,
        texts,
        *_capitals(cursor, set(given.get("fixed", ())), said),
    )


_SUBSCRIPT = re.compile(r"((?:\\[a-z]+\{)?\\?[A-Za-z]+\}?)_\{?([A-Za-z]+|\d)\}?")
r"""A name that a directive declares as a whole, with what is below it and no index, as `W_{hh}` and `W_1`."""


def _join_texts(cursor: Cursor, known: frozenset[str]) -> frozenset[str]:
    r"""Read a word in `\text{MSE}` as the name `\mathrm{MSE}`, if a sign beside it anywhere says so; return these."""
    found = ((number, token.text) for number, token in enumerate(cursor.tokens) if token.kind == "text")
    words = {number: word for number, word in found if word.isalpha() and word.lower() not in _WORDS}
    for number, word in words.items():
        before, *after = (_text(cursor.tokens, number + ahead) for ahead in (-1, 1, 2))
        named = before in ("=", "+", "-", "(", "{", r"\partial") or after[0] in ("=", "(", "_") or after == ["&", "="]
        known |= {word} if named else set()
    for number in reversed([number for number, word in words.items() if word in known]):
        signs, token = signs_of(rf"\mathrm{{{words[number]}}}")[:-1], cursor.tokens[number]
        cursor.tokens[number : number + 1] = [replace(token, kind=sign.kind, text=sign.text) for sign in signs]
    return known


_WORDS = CONNECTIVES | CONDITION_WORDS | OTHERWISE


def _summed(tokens: Sequence[Token]) -> set[str]:
    """Return the letters that sums are over."""
    sums = [number for number, token in enumerate(tokens) if token.kind == "sum" and _text(tokens, number + 1) == "_"]
    return {each.text for number in sums for each in tokens[number + 2 : number + 4] if each.kind == "letter"}


def _numbers_samples(cursor: Cursor) -> set[str]:
    r"""Read `x^{(i)}` as `x^{i}` if i is summed over, and all labels in brackets are letters that are; return these."""
    tokens = cursor.tokens
    places = [
        number
        for number in range(len(tokens) - 4)
        if [each.text for each in tokens[number : number + 3]] == ["^", "{", "("] and tokens[number + 2].kind == "open"
    ]
    found = {tokens[number + 3].text for number in places}
    if not found or not found <= _summed(tokens) or any(_text(tokens, number + 4) != ")" for number in places):
        return set()
    for number, token in enumerate(tokens):
        power = lower_tokens(tokens, number, "^") if token.text == "^" else []
        if any(each.text in found for each in power) and all(each.kind in ("letter", "number") for each in power):
            fault = f"{power[0].text} as an exponent could be a power or an index"
            raise cursor.error(fault, r"x^{(i)} for an index, \left( x \right)^i for a power", token.at)
    for number in reversed(places):
        del tokens[number + 4], tokens[number + 2]
    return found


def _capitals(cursor: Cursor, fixed: set[str], said: Lexicon) -> tuple[frozenset[str], frozenset[str]]:
    r"""Return the names whose capitals below are labels, as in `\mu_B` and `D_{KL}`, and those that have indices.

    Nothing else may ever be below such a name, so that its capital is no value of an index. One in the style of
    matrices may have several, `\mathbf{W}_Q`; capitals below two others are summed over where no sum is written.
    Raises: NotationError, if a name that had labels above has indices.
    """
    seen: dict[str, set[str]] = {}
    for number in range(len(cursor.tokens)):
        if named := _name_at(cursor.tokens, number):
            name, after = named
            below = "".join(token.text for token in lower_tokens(cursor.tokens, after))
            seen.setdefault(name, set()).add("i" if below and not fixed.isdisjoint(below) else below)
    indexed = {name for name, found in seen.items() if not all(not below or below.isupper() for below in found)}
    if clash := indexed & said.capitals:
        fault = f"an index on {plain(min(clash))}, whose capital was a label above"
        raise cursor.error(fault, expected="another name, or % new")
    shared = Counter(letter for found in seen.values() for letter in {*"".join(found)})
    written = any(token.kind == "sum" for token in cursor.tokens)
    labels = set(said.capitals)
    for name, found in seen.items():
        (first, *other) = found
        alone = written or all(shared[letter] == 1 for letter in first)
        single = not other and len(set(first)) == len(first) and alone
        if all(each.isupper() for each in found) and (single or name.startswith(BOLD_STYLES)):
            labels.add(name)
    return frozenset(labels - said.indexed - _UNLABELLED), said.indexed | indexed


_UNLABELLED = {r"\delta", r"\mathbb{E}", r"\mathbb{V}", *CONSTANTS}


def lower_tokens(tokens: Sequence[Token], number: int, sign: str = "_") -> list[Token]:
    """Return what is below a name that ends before a token, or above it, without commas and braces."""
    while _text(tokens, number) in ("'", "^", "_") and _text(tokens, number) != sign:
        number = number + 1 if _text(tokens, number) == "'" else past_group(tokens, number + 1)
    inside = tokens[number + 1 : past_group(tokens, number + 1)] if _text(tokens, number) == sign else []
    return [token for token in inside if token.text not in ("{", "}", ",")]


def _name_at(tokens: Sequence[Token], number: int) -> tuple[str, int] | None:
    """Return the letter, or the letters in a style, at a token, and the number of the one after."""
    token = tokens[number]
    if token.kind == "style" and _text(tokens, number + 1) == "{":
        after = past_group(tokens, number + 1)
        return token.text + "".join(each.text for each in tokens[number + 1 : after]), after
    return (token.text, number + 1) if token.kind == "letter" else None


def _functions(cursor: Cursor, directives: Sequence[Directive], said: Mapping[str, str]) -> dict[str, str]:
    found = {**said, **{name: plain(name) for name in (*defined(cursor.tokens), *_usual_functions(cursor))}}
    for step in (step for step in directives if step.word == "function"):
        left, equals, right = step.equation
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
        argument = tokens[number + 2].kind == "letter" if number + 2 < len(tokens) else False
        if (
            _begins_row(tokens, number)
            and token.kind == "letter"
            and token.text != "d"
            and argument
            and texts[1:2] == ["("]
            and texts[3:5] == [")", "="]
        ):
            yield token.text


_GIVEN = ("|", r"\mid", ";", r"\|", r"\parallel")


def _with_arguments(cursor: Cursor) -> Iterator[tuple[str, str, Position]]:
    r"""Yield what rows define with its arguments, `L(\mathbf{w}) =` or `z(x, y) =`, the letter that it is, and where.

    One argument that is not bold is that of a function, whose value elsewhere is told by it, unless its components
    stand in the row: J(\theta) = \sum_j \theta_j^2 does not tell J(\phi).
    """
    tokens = cursor.tokens
    lower = (number for number, token in enumerate(tokens) if token.text == "_")
    below = {token.text for number in lower for token in lower_tokens(tokens, number)}
    for number, token in enumerate(tokens[:-1]):
        name, after = _name_at(tokens, number) or ("d", 0)
        bold = name.startswith(BOLD_STYLES)  # That of a matrix is a product.
        label = "".join(each.text for each in lower_tokens(tokens, after))
        if label.isupper() and label.isalpha():
            name, after = f"{name}_{{{label}}}", past_group(tokens, after + 1)
        if _begins_row(tokens, number) and name != "d" and not bold and _text(tokens, after) == "(":
            end = next((at for at in range(after + 1, len(tokens)) if tokens[at].kind == "close"), 0)
            inside = tokens[after + 1 : end]
            signs = {each.text for each in inside}
            given = signs.intersection(_GIVEN) and below.isdisjoint(signs)  # Else they are indices.
            several = given or any(each.text in BOLD_STYLES or each.text == "," for each in inside)
            several = several or (len(inside) == 1 and _has_only_components(tokens, end + 1, inside[0].text))
            apart = ("{", "}", ",", "_", "'", *(_GIVEN if given else ()))
            known = all(each.kind in ("letter", "style", "number") or each.text in apart for each in inside)
            text = cursor.text[token.start : tokens[end].end].replace(r"\text{", r"\mathrm{")
            known = known and not re.search(r"[(,\s]\d", text)  # The value at a number is another one.
            if several and known and "=" in (_text(tokens, end + 1), _text(tokens, end + 2)):
                yield text, name, token.at


def _has_only_components(tokens: Sequence[Token], start: int, name: str) -> bool:
    """Return whether a name stands in the rest of a row, and only with indices there."""
    end = next(number for number in range(start, len(tokens)) if tokens[number].kind in ("break", "end"))
    after = {_text(tokens, number + 1) for number in range(start, end) if tokens[number].text == name}
    return after == {"_"}


def _begins_row(tokens: Sequence[Token], number: int) -> bool:
    return number == 0 or tokens[number - 1].kind in ("break", "so", "text") or tokens[number - 1].text in "&,"


def _usual_functions(cursor: Cursor) -> Iterator[str]:
    """Yield usual names of functions that stand only before brackets: one has a prime, or all have a single vector."""
    places: dict[str, list[Sequence[Token]]] = {}
    for number, token in enumerate(cursor.tokens):
        if token.kind == "letter" and token.text in USUAL_FUNCTIONS - cursor.scalars:
            places.setdefault(token.text, []).append(cursor.tokens[number + 1 :])
    for name, after in places.items():
        brackets = [list(dropwhile(lambda token: token.text == "'", each)) for each in after]
        primed = [each for each in after if each[0].text == "'"]
        if (primed and all(each[0].text == "(" for each in brackets)) or all(map(_single_vector, brackets)):
            yield name


def _single_vector(tokens: Sequence[Token]) -> bool:
    if len(tokens) < 3 or tokens[0].kind != "open" or tokens[1].text not in BOLD_STYLES:
        return False
    for token in tokens[2:]:
        if token.kind == "close":
            return True
        if token.kind not in ("letter", "number") and token.text not in ("{", "}", "_", "^", "(", "'"):
            return False
    return False
