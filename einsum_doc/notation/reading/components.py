"""Tensors and what stands on them: names, styles, transposes, exponents; deltas, one-tensors and numbers."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction

from einsum_doc.errors import NotationError
from einsum_doc.notation.expression import (
    ACCENTS,
    DIFFERENTIALS,
    Delta,
    Expression,
    Function,
    Index,
    Negative,
    NewIndex,
    Number,
    One,
    Partial,
    Pi,
    Position,
    Power,
    Product,
    Range,
    Reduction,
    Subscript,
    Sum,
    Tensor,
    identifier,
    plain,
    subscripts,
    with_indices,
)
from einsum_doc.notation.matrices.nodes import Constant, Transpose
from einsum_doc.notation.reading.cursor import Cursor, Parser
from einsum_doc.notation.reading.indices import arguments, indices
from einsum_doc.notation.reading.lexicon import Lexicon
from einsum_doc.notation.reading.names import group, lower_label, lower_tokens, square_label, upper_label
from einsum_doc.notation.reading.tokens import Token, is_transpose
from einsum_doc.notation.reading.vocabulary import (
    BOLD_STYLES,
    CONSTANTS,
    FUNCTION_NAME,
    FUNCTIONS,
    USUAL_FUNCTIONS,
    reserved,
)

MAX_DIGITS = 6
"""The most digits of a number that is read, zeros at its ends apart.

With more, products of numbers come so near to others that float64 does not tell them apart.
"""

MAX_LENGTH = 20
"""The longest number that is read, with its zeros."""


def number(parser: Parser) -> Expression:
    token = parser.next
    if len(token.text.replace(".", "").strip("0")) > MAX_DIGITS or len(token.text) > MAX_LENGTH:
        raise parser.error("a number with too many digits", expected=f"at most {MAX_DIGITS}, or a letter for it")
    parser.take()
    if parser.sees("symbol", "_"):
        if token.text != "1":
            raise parser.error("a number with indices", expected=r"\mathbf{1}_{i}, the one-tensor")
        return _one(parser, token.at)
    if parser.sees("number"):
        raise parser.error("a number after a number", expected=r"one number, or \cdot between them")
    return Number(Fraction(token.text), at=token.at)


def _one(parser: Parser, at: Position) -> Expression:
    found = indices(parser)
    if parser.sees("symbol", "'"):
        raise parser.error("a prime after the indices", expected="the prime on the index, i'")
    return One(found, at=at)


def _delta(parser: Parser) -> Expression:
    token = parser.take()
    if label := upper_label(parser):
        own = indices(parser) if parser.sees("symbol", "_") else ()
        return raised(parser, Tensor(token.text + label, own, at=token.at))
    if not parser.sees("symbol", "_") and not _has_upper_indices(parser):
        expected = r"\delta_{ij}; \hat{\delta} is a name of your own"
        raise parser.error("δ is the Kronecker delta here, and has two indices", expected=expected)
    found, _ = _own_indices(parser)
    if label := upper_label(parser):
        return Tensor(token.text + label, found, at=token.at)
    if len(found) != 2 or any(isinstance(index, Range) for index in found):
        raise parser.error(
            "the Kronecker delta has two indices", expected=rf"\delta_{{ij}}; {reserved(Delta(found))}", at=token.at
        )
    return Delta(found, at=token.at)


def _is_error(parser: Parser) -> bool:
    r"""Return whether δ is a name with one index or none, as the error `\delta_j`: the text has no Kronecker delta."""
    for number in (number for number, token in enumerate(parser.tokens) if token.text == r"\delta"):
        below = lower_tokens(parser.tokens, number + 1)
        signs = [""] + [token.text for token in below]
        indices = [each for each, before in zip(below, signs, strict=False) if before not in ("+", "-")]
        above = "".join(token.text for token in lower_tokens(parser.tokens, number + 1, "^"))
        if sum(token.kind in ("letter", "number") for token in indices) > 1 or (above.isalpha() and above != "T"):
            return False
    return True


def component(parser: Parser) -> Expression:
    """Read a tensor with its indices, a scalar, a delta, the one-tensor, e^…, or π."""
    token = parser.next
    if token.text == r"\delta" and not _is_error(parser):
        return _delta(parser)
    _refuse_function_name(parser)
    name = tensor_name(parser)
    assert name is not None
    if name in CONSTANTS and not parser.sees("symbol", "_"):
        return raised(parser, Constant(CONSTANTS[name], at=token.at))
    if CONSTANTS.get(name) == "1":
        return _one(parser, token.at)
    if "{1}" in name or "{0}" in name:
        raise parser.error(
            "a number in this style has no meaning", expected=r"\mathbf{1}_{i}, the one-tensor", at=token.at
        )
    if name == "e" and (caret := parser.accept("symbol", "^")):
        power = exponent(parser)
        if parser.sees("symbol", "^", "_", "'"):
            raise parser.error("a second exponent or index", expected="brackets, to say what is meant", at=caret.at)
        return Function("exp", power, at=token.at)
    if parser.sees("open", "(") and name in {canonical(each, parser.lexicon) for each in parser.lexicon.tabular}:
        bar = _is_conditional(parser)
        if parser.above.setdefault(f"{name}(", bar) != bar:
            fault = f"{plain(name)} with a bar and without could be two tables"
            raise parser.error(fault, expected="another name for one of them", at=token.at)
        return Tensor(name, arguments(parser), at=token.at)
    if parser.sees("open", "(") and _is_conditional(parser):
        raise before_bracket(parser, Tensor(name), parser.next.at)
    if parser.sees("symbol", "_") or _has_upper_indices(parser):
        own, above = _own_indices(parser)
        if parser.sees("open", "(") and _is_conditional(parser):
            raise before_bracket(parser, Tensor(parser.text[token.start : parser.end]), parser.next.at)
        if parser.above.setdefault(name, above) != above:
            expected = "each index in one place, or another name"
            raise parser.error(f"{plain(name)} with an index above and below", expected=expected, at=token.at)
        return _tensor(parser, name + (upper_label(parser) or square_label(parser, name)), own, token.at)
    if name == "e":
        raise parser.error("e without exponent or indices", expected=r"e^{…} or \exp(…); a tensor e has indices, e_{i}")
    if name == r"\pi":
        return Pi(at=token.at)
    if parser.next.kind == "open" and not parser.next.spaced:
        if name in DIFFERENTIALS:
            raise parser.error("a derivative is written with ∂", expected=r"\partial; or \cdot between, for a product")
        matrix = name.startswith(BOLD_STYLES) and plain(name)[:1].isupper()  # What is in the bracket says more.
        known = parser.scalars | (parser.values if name.startswith(BOLD_STYLES) else set())
        other = not parser.text[: token.end].endswith(")")  # Than the arguments of its definition.
        takes = other and any(name == letter and "(" in text for text, letter in parser.lexicon.names.items())
        if name in USUAL_FUNCTIONS or takes or (name not in known and not matrix):
            raise before_bracket(parser, Tensor(name), parser.next.at)
    else:
        parser.scalars.add(name)
    return raised(parser, _tensor(parser, name, (), token.at))


def _is_conditional(parser: Parser) -> bool:
    r"""Return whether a single bar is in the bracket that is next, as in `p(a|s)`."""
    depth, bars = 0, 0
    for token in parser.tokens[parser.position :]:
        depth += (token.kind == "open") - (token.kind == "close")
        bars += depth == 1 and token.text in ("|", r"\mid")
        if not depth or token.kind in ("break", "end"):
            break
    return bars == 1


def _has_upper_indices(parser: Parser) -> bool:
    """Return whether an exponent is next that consists of indices, of those that the page has declared."""
    if not parser.lexicon.upper or not parser.sees("symbol", "^"):
        return False
    inside, _ = group(parser, 1)
    return all(token.text == "'" or token.text in parser.lexicon.upper for token in inside)


def _own_indices(parser: Parser) -> tuple[tuple[Subscript, ...], int]:
    """Read the indices of a tensor, those above first, and return how many these are."""
    above = indices(parser) if _has_upper_indices(parser) else ()
    below = indices(parser) if parser.sees("symbol", "_") else ()
    above = above or (indices(parser) if _has_upper_indices(parser) else ())
    return (*above, *below), len(above)


_GRADIENT = re.compile(r"(\\[a-z]+\{)d([A-Za-z]+\}.*)")
r"""A name whose d is that of a gradient, `\mathbf{dX}`."""


def _tensor(parser: Parser, name: str, own: tuple[Subscript, ...], at: Position) -> Expression:
    """Return a tensor, or the gradient that its name says where the page has declared how gradients are written."""
    named = _GRADIENT.fullmatch(name) if parser.lexicon.upstream else None
    if named is None:
        return Tensor(name, own, at=at)
    return Partial(Tensor(parser.lexicon.upstream, at=at), Tensor(named[1] + named[2], own, at=at), at=at)


def canonical(name: str, lexicon: Lexicon) -> str:
    """Return a name as reading spells it, without blanks and with all braces; other text as it is."""
    cursor = Cursor(name)
    cursor.lexicon = lexicon
    found = tensor_name(cursor)
    return found if found is not None and cursor.next.kind == "end" else name


def before_bracket(parser: Parser, tensor: Tensor, at: Position) -> NotationError:
    """Return the error about a name before a bracket, which a reader could take for a function of what is inside."""
    bare = tensor.name.rstrip("'")
    simple = bare.lstrip("\\").isalpha()
    letters = bare if simple else identifier(bare).replace("_", "")
    name = rf"\operatorname{{{letters}}}{tensor.name[len(bare) :]}(…)" + (" without indices" if tensor.indices else "")
    name += f" or '% function {bare}'" if simple else ""
    end = next((each.start for each in parser.tokens[parser.position :] if each.kind == "close"), 0)
    if any(each.text in ("|", r"\mid") for each in parser.tokens[parser.position :] if each.start < end):
        name = rf"'% tabular {tensor.name}' if what is in the bracket are indices; {name}"
    return parser.error(
        f"{tensor} before a bracket could be a function or a factor",
        expected=rf"{name} for a function; '% scalar {bare}', \cdot or \, between for a product",
        at=at,
    )


def _refuse_function_name(parser: Parser) -> None:
    """Refuse the name of a function in letters: sin x is no product, and an upright sin no tensor."""
    if word := FUNCTION_NAME.match(parser.text, parser.next.start):
        name = word.group(1) or word.group(2)
        wanted = FUNCTIONS.get(name, rf"\operatorname{{{name}}}")
        raise parser.error(f"{name} is no product of letters", expected=f"{wanted}, if it is a function")


def bracketed_component(parser: Parser) -> Tensor | None:
    """Read `(a^T)_{ij}` or `[a]_{ij}`; return None, with nothing read, if something else is next."""
    mark = parser.mark()
    opening = parser.take()
    name = tensor_name(parser)
    transposed = False
    if name is not None and parser.sees("symbol", "^"):
        length = _transpose_length(parser, 1)
        transposed = length > 0
        parser.skip(1 + length)
    if name is None or parser.next.kind != "close" or parser.peek(1).text != "_":
        parser.back(mark)
        return None
    if name in (r"\delta", "1"):
        raise parser.error(
            "a delta or a one-tensor in brackets", expected=r"\delta_{ij} or \mathbf{1}_i", at=opening.at
        )
    parser.close(opening)
    found = indices(parser)
    if transposed and (len(found) != 2 or any(isinstance(index, Range) for index in found)):
        raise parser.error("a transpose has two indices", expected="(a^T)_{ij}", at=opening.at)
    return Tensor(name, found[::-1] if transposed else found, at=opening.at)


def tensor_name(cursor: Cursor) -> str | None:
    """Read the name of a tensor with its primes, in LaTeX without blanks; return None if no name is next."""
    if not (cursor.sees("letter") or cursor.sees("style")):
        return None
    found = letter = cursor.take().text if cursor.sees("letter") else _styled(cursor)
    while True:
        prime = "'" if cursor.accept("symbol", "'") else ""
        label = prime or upper_label(cursor) or lower_label(cursor, letter) or square_label(cursor, letter)
        if not label:
            return found
        found += label


def _styled(cursor: Cursor) -> str:
    r"""Read a name in a style or under an accent, `\mathbf{W}` or `\hat{x}`."""
    with cursor.nested():
        style = cursor.take()
        command = style.text
        if brace := cursor.accept("symbol", "{"):
            if cursor.sees("style"):
                inner = _styled(cursor)
            elif digit := cursor.accept("number", "0", "1"):
                inner = digit.text
            else:
                inner = ""
                while letter := cursor.accept("letter"):
                    inner += letter.text
                    if cursor.sees("letter") and (cursor.next.start > letter.end or _is_product(cursor, brace)):
                        here = cursor.position
                        cursor.tokens[here:here] = [replace(brace, text="}"), style, brace]
                if not inner:
                    raise cursor.misplaced("a name")
                _lift_indices(cursor, command)
            cursor.expect("symbol", "}", "a name is letters" if cursor.next.kind == "symbol" else "")
        elif cursor.sees("letter") or cursor.sees("number", "0", "1"):
            inner = cursor.take().text
        else:
            raise cursor.misplaced("a name, in braces")
    command = r"\boldsymbol" if command == r"\bm" else command
    return f"{command}{{{inner}}}"


def _lift_indices(cursor: Cursor, style: str) -> None:
    r"""Move the indices inside of `\hat{y_i}` behind it, and what is above in a style, `\mathbf{W^{(1)}}`."""
    start = cursor.position
    while cursor.sees("symbol", "_") or (cursor.sees("symbol", "^") and style[1:] not in ACCENTS):
        _, length = group(cursor, 1)
        cursor.skip(1 + length)
    if cursor.position > start and cursor.sees("symbol", "}"):
        cursor.tokens[start : cursor.position + 1] = [cursor.next, *cursor.tokens[start : cursor.position]]
    cursor.position = start


def _is_product(cursor: Cursor, brace: Token) -> bool:
    r"""Return whether each letter in the braces of `\mathbf{Ax}` is a bold name elsewhere in the text."""
    letters = cursor.text[brace.end :].partition("}")[0]
    bold = set(re.findall(r"\\(?:mathbf|bm)\s*\{?\s*([A-Za-z])(?![A-Za-z])", cursor.text))
    return letters.isalpha() and bold.issuperset(letters)


def raised(parser: Parser, base: Expression) -> Expression:
    """Read the exponent that may follow a base."""
    caret = parser.accept("symbol", "^")
    if caret is None:
        return base
    if length := _transpose_length(parser, 0) or _hermitian_length(parser, base):
        parser.skip(length)
        return _once(parser, Transpose(base, at=base.at))
    if length := _inverse_transpose_length(parser):
        parser.skip(length)
        return _once(parser, Transpose(Power(base, Number(Fraction(-1), at=caret.at), at=base.at), at=base.at))
    power = exponent(parser)
    if isinstance(base, Tensor) and isinstance(power, Tensor) and parser.sees("symbol", "_"):
        expected = f"'% label {power}' for a layer or a step, '% upper {power}' for an index; or brackets"
        raise parser.error(f"{power} above a name with an index could be a power or a label", expected=expected)
    return _once(parser, Power(base, power, at=base.at))


def _once(parser: Parser, found: Expression) -> Expression:
    """Return an expression that ends with its exponent, as TeX allows one only."""
    if isinstance(found, Transpose) and parser.sees("symbol", "_"):
        raise parser.error("a transpose has to be in components", expected="(a^T)_{ji}", at=found.at)
    if parser.sees("symbol", "^", "'", "_"):
        raise parser.error("a second exponent or index", expected="brackets, to say what is meant")
    return found


def exponent(parser: Parser) -> Expression:
    if parser.accept("symbol", "{"):
        if parser.sees("open") and parser.peek(1).kind in ("number", "letter") and parser.peek(2).kind == "close":
            raise parser.error(
                "this could be a label or the order of a derivative",
                expected="^{2} for a power, primes for a derivative, names such as \\hat{x} for other tensors",
            )
        return parser.braced()
    token = parser.next
    if token.kind == "number":
        if len(token.text) > 1:
            raise parser.error("only the first digit is in the exponent", expected="braces: ^{…}")
        parser.take()
        return Number(Fraction(token.text), at=token.at)
    if token.kind == "letter":
        parser.take()
        return Tensor(token.text, at=token.at)
    raise parser.misplaced("an exponent: a digit, a letter or {…}")


def _hermitian_length(cursor: Cursor, base: Expression) -> int:
    """Return the number of tokens of an exponent H on vectors or matrices, whose numbers are real here."""
    texts = [cursor.peek(number).text for number in range(3)]
    bold = any(map(is_bold, base.walk()))
    return 0 if not bold else 1 if texts[0] == "H" else 3 if texts == ["{", "H", "}"] else 0


def is_bold(expression: Expression) -> bool:
    """Return whether an expression is a name in the style of vectors and matrices."""
    return isinstance(expression, Tensor) and expression.name.startswith(BOLD_STYLES)


def _inverse_transpose_length(cursor: Cursor) -> int:
    r"""Return the number of tokens of an exponent `{-T}`; 0 if there is none."""
    inside, length = group(cursor, 0)
    return length if inside and inside[0].text == "-" and is_transpose(inside[1:]) else 0


def _transpose_length(cursor: Cursor, ahead: int) -> int:
    """Return the number of tokens of a transpose's exponent, some tokens ahead; 0 if there is none."""
    inside, length = group(cursor, ahead)
    return length if is_transpose(inside) else 0


MEANS = {r"\mathbb{E}": "E", r"\mathbb{V}": "Var", r"\operatorname{E}": "E", r"\operatorname{Var}": "Var"}
"""The names of the mean and the variance over samples."""


_SAMPLES = r"'% samples n' for the index of a mean, \mathbb{E}_n[x_n]"


def mean(parser: Parser, name: str, at: Position) -> Expression | None:
    r"""Read the index and the bracket of `\mathbb{E}_n[…]` after its name; return None if there is no bracket.

    Without an index, it is the only one in the bracket that numbers samples.
    """
    mark = parser.mark()
    if any(parser.peek(ahead).text == r"\sim" for ahead in range(2, 5)):
        raise parser.error("an expectation over a distribution", expected=_SAMPLES, at=at)
    along = indices(parser) if parser.sees("symbol", "_") else ()
    opening = parser.accept("open")
    if opening is None:
        parser.back(mark)
        return None
    body = parser.enclosed()
    parser.close(opening)
    whole = averaged(parser, body, along, at)
    if MEANS[name] == "E":
        return whole
    (index,) = whole.indices
    assert isinstance(index, Index)
    other = NewIndex(index.letter, index.primes, at=index.at)
    inner = Reduction((other,), with_indices(body, {index: other}), sign="mean", at=at)
    constant = Product((One((index,), at=at), inner), at=at)
    square = Power(Sum((body, Negative(constant, at=at)), at=at), Number(Fraction(2), at=at), at=at)
    return replace(whole, body=square)


def averaged(parser: Parser, body: Expression, along: tuple[Subscript, ...], at: Position) -> Reduction:
    """Return the mean over an index, or over the only one in what is averaged that numbers samples."""
    found = along or tuple(
        index
        for index in dict.fromkeys(subscripts(body))
        if isinstance(index, Index) and index.letter in parser.lexicon.samples
    )
    (index, *others) = found or (None,)
    if others or not isinstance(index, Index) or index.letter not in parser.lexicon.samples:
        raise parser.error("what is this mean over?", expected=_SAMPLES, at=at)
    return Reduction((index,), body, sign="mean", at=at)
