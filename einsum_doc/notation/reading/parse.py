"""LaTeX -> Document: the chains of a derivation, and its directives.

Recursive descent over tokens. What is not read is an error, at its line and column.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from einsum_doc.errors import NotationError
from einsum_doc.notation.expression import (
    ACCENTS,
    DIFFERENTIALS,
    Coordinate,
    Delta,
    Expression,
    Function,
    Index,
    Negative,
    Number,
    One,
    Partial,
    Pi,
    Position,
    Power,
    Product,
    Quotient,
    Range,
    RangeProduct,
    Subscript,
    Sum,
    Summation,
    Tensor,
    plain,
)
from einsum_doc.notation.reading.tokens import Token, tokens


@dataclass(frozen=True)
class Relation:
    r"""One `=` or `\neq` and its right side.

    line: where the sign stands, from 0; row: the number of the row that `\\` ends.
    latex: the row's text up to the end of the right side, from the row's start or the relation before.
    reason: from a `\tag` or a trailing `\text`, on the last relation of its row.
    """

    sign: str
    right: Expression
    line: int
    row: int
    latex: str
    reason: str
    at: Position


@dataclass(frozen=True)
class Chain:
    """A left side and the relations that follow it, over one or more rows."""

    head: Expression
    relations: tuple[Relation, ...]


@dataclass(frozen=True)
class Directive:
    r"""A comment that says something: its word, such as "let" or "size", and what stands after it."""

    word: str
    body: str
    at: Position


@dataclass(frozen=True)
class Document:
    """A text that was read: its chains and directives, in order."""

    text: str
    steps: tuple[Chain | Directive, ...]


ELEMENTARY = frozenset(
    [
        "exp",
        "log",
        "ln",
        "sin",
        "cos",
        "tan",
        "sinh",
        "cosh",
        "tanh",
        "arcsin",
        "arccos",
        "arctan",
        "arsinh",
        "arcosh",
        "artanh",
        "cot",
        "sec",
        "csc",
        "sigmoid",
        "sign",
        "relu",
        "erf",
        "abs",
    ]
)
"""The functions that have a meaning of their own; any other `\\operatorname` is an arbitrary smooth function."""

_COMMANDS = frozenset(
    ["exp", "log", "ln", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan", "cot", "sec", "csc"]
)
_NOT_ELEMENTWISE = frozenset(
    [
        "softmax",
        "logsoftmax",
        "tr",
        "Tr",
        "trace",
        "diag",
        "det",
        "inv",
        "vec",
        "rank",
        "argmax",
        "argmin",
        "max",
        "min",
        "sum",
        "mean",
        "var",
        "std",
        "Re",
        "Im",
        "norm",
        "E",
        "Var",
        "softmin",
        "logsumexp",
        "cumsum",
        "cumprod",
        "prod",
        "sort",
        "median",
        "cov",
        "layernorm",
        "batchnorm",
        "rmsnorm",
    ]
)
_SPELLED = {name.lower(): name for name in (*_NOT_ELEMENTWISE, *ELEMENTARY)}
"""The names that mean the same in capitals, such as ReLU."""

_STYLES = frozenset(
    ["mathbf", "mathcal", "mathrm", "mathsf", "mathit", "mathbb", "mathfrak", "mathscr", "boldsymbol", "bm", "overline"]
)
_DOTS = (r"\dots", r"\ldots", r"\cdots", r"\dotsc", r"\dotsb", r"\dotsm")
_CONNECTIVES = frozenset(["so", "hence", "thus", "then", "therefore", "and", "where", "with", "here", "now"])
"""Words before a row that say nothing about whether it is true."""

_ABSOLUTE = r"\operatorname{abs}(x_i), or \sqrt{x_i x_i} for a norm"
_HINTS = {
    **dict.fromkeys([r"\odot", r"\otimes", r"\circ", r"\ast", "*"], "a product of components, x_i y_i"),
    **dict.fromkeys(["|", r"\|", r"\lvert", r"\rvert", r"\vert", r"\lVert", r"\rVert", r"\Vert"], _ABSOLUTE),
    **dict.fromkeys(
        [r"\max", r"\min"], r"functions of each component, such as \operatorname{relu} and \operatorname{abs}"
    ),
    r"\nabla": r"the gradient's components, \frac{\partial}{\partial x_i} \left( … \right)",
    r"\sum": r"brackets around the sum, \left( \sum_i … \right)",
    r"\prod": "a product of components, or a power",
    r"\prime": "a prime on a name, x'_{i}, or on an index, x_{i'}",
    **dict.fromkeys([r"\begin", r"\end"], r"the rows alone, as they stand inside of \begin{aligned}"),
    **dict.fromkeys(
        [r"\implies", r"\Rightarrow", r"\therefore", r"\iff", r"\Leftrightarrow"], r"\text{so}, or nothing"
    ),
    r"\label": r"\tag{…}, or nothing",
    **dict.fromkeys(
        [r"\approx", r"\sim", r"\equiv", r"\propto", r"\le", r"\leq", r"\ge", r"\geq", "<", ">", ":"], r"= or \neq"
    ),
}
"""What to write instead of signs that authors know from elsewhere."""

_WORDS = "|".join(sorted((name for name in ELEMENTARY | _NOT_ELEMENTWISE if len(name) > 2), key=len, reverse=True))
_WORD = re.compile(rf"({_WORDS})|\\(?:mathrm|mathsf|mathit)\s*\{{({_WORDS})\}}(?!\s*_)")
"""The name of a function, in letters or as a name without indices."""

_FRACTIONS = (r"\frac", r"\tfrac", r"\dfrac")
_FACTORS = frozenset(
    [*_FRACTIONS, *_DOTS, r"\sqrt", r"\sum", r"\partial", r"\operatorname"]
    + [rf"\{name}" for name in (*_COMMANDS, *_STYLES, *ACCENTS)]
)
"""The commands that a factor can begin with."""

_KNOWN = _FACTORS | _HINTS.keys() | {r"\cdot", r"\times", r"\neq", r"\ne", r"\prime", r"\top", r"\intercal"}
DIRECTIVES = ("let", "size", "fixed", "no sum", "positive", "new")


def parse_notation(text: str) -> Document:
    r"""Read the lines of a derivation.

    >>> [chain] = parse_notation(r"z_{ik} &= x_{ij} y_{jk} \\ &= y_{jk} x_{ij}").steps
    >>> print(chain.head, "=", chain.relations[1].right)
    z_{ik} = y_{jk} x_{ij}

    Raises: NotationError, at the first sign that cannot be read.
    """
    if not isinstance(text, str):
        raise NotationError(f"a derivation is text, not {type(text).__name__}")
    return _Reader(text).document()


def parse_expression(text: str) -> Expression:
    r"""Read one expression.

    >>> print(parse_expression(r"\frac{\partial l}{\partial x_{i'}} + 2 a_{i'}"))
    ∂l/∂x_{i'} + 2 a_{i'}
    """
    reader = _Reader(text)
    found = reader.expression()
    if reader.next.kind != "end":
        raise reader.error("this does not belong to the expression", expected="an operator or the end")
    return found


MAX_DIGITS = 6
"""The most digits of a number that is read, zeros at its ends apart.

With more, products of numbers come so near to others that float64 does not tell them apart.
"""

MAX_LENGTH = 20
"""The longest number that is read, with its zeros."""

MAX_DEPTH = 40
"""The deepest nesting that is read."""


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        found = tokens(text)
        self.tokens = [token for token in found if token.kind not in ("directive", "silent")]
        self.directives = [token for token in found if token.kind == "directive"]
        self.removed = [token for token in found if token.kind in ("directive", "silent")]
        self.position = 0
        self.depth = 0
        self.level = 0

    # -- tokens

    @property
    def next(self) -> Token:
        return self.tokens[self.position]

    def peek(self, ahead: int) -> Token:
        return self.tokens[min(self.position + ahead, len(self.tokens) - 1)]

    def take(self) -> Token:
        token = self.next
        if token.kind != "end":
            self.position += 1
        return token

    def sees(self, kind: str, *texts: str) -> bool:
        return self.next.kind == kind and (not texts or self.next.text in texts)

    def accept(self, kind: str, *texts: str) -> Token | None:
        return self.take() if self.sees(kind, *texts) else None

    def expect(self, kind: str, text: str, fault: str = "") -> Token:
        if not self.sees(kind, text):
            raise self.error(fault or self.unexpected(), expected=f"'{text}'")
        return self.take()

    def unexpected(self) -> str:
        token = self.next
        if token.kind == "end":
            return "the text ends too early"
        if token.kind == "break":
            return "the row ends too early"
        if token.kind == "command":
            return f"{token.text} cannot stand here" if token.text in _KNOWN else f"unknown command {token.text}"
        if token.kind in ("text", "tag"):
            return f"a \\{token.kind} cannot stand here"
        return f"{token.text!r} cannot stand here"

    def misplaced(self, expected: str) -> NotationError:
        """The error about the next sign, which cannot stand here."""
        known = _HINTS.get(self.next.text) if self.next.kind in ("symbol", "command") else None
        return self.error(self.unexpected(), expected=known or expected)

    def error(self, fault: str, expected: str = "", at: Position | None = None) -> NotationError:
        where = self.next.at if at is None else at
        return NotationError(fault, text=self.text, position=where, expected=expected)

    # -- rows

    def document(self) -> Document:
        steps: list[tuple[Position, Chain | Directive]] = [
            (token.at, self.directive(token)) for token in self.directives
        ]
        steps += [(chain.head.at, chain) for chain in self.chains()]
        return Document(self.text, tuple(step for _, step in sorted(steps, key=lambda step: step[0])))

    def directive(self, token: Token) -> Directive:
        body = token.text.strip()
        if token.text.startswith("%"):
            return Directive("", body, token.at)
        for word in DIRECTIVES:
            if body == word or body.startswith(word + " "):
                return Directive(word, body[len(word) :].strip(), token.at)
        raise self.error(
            "a comment that is no directive",
            expected=f"{', '.join(DIRECTIVES)}; or %% for a comment that says nothing to the reader",
            at=token.at,
        )

    def chains(self) -> Iterator[Chain]:
        head: Expression | None = None
        relations: list[Relation] = []
        row = 0
        while not self.sees("end"):
            if self.accept("break"):
                row += 1
                continue
            left, found = self.row(row)
            if left is not None:
                if head is not None:
                    yield Chain(head, tuple(relations))
                head, relations = left, []
            elif head is None:
                raise self.error(
                    "the first row has no left side", expected="an expression before the sign", at=found[0].at
                )
            relations += found
            if not self.accept("break") and not self.sees("end"):
                raise self.misplaced(r"an operator, =, \\ or the end")
            row += 1
        if head is not None:
            yield Chain(head, tuple(relations))

    def ampersands(self) -> None:
        while self.accept("symbol", "&"):
            pass

    def relation_sign(self) -> Token | None:
        """The sign of a relation, if one is next."""
        if self.sees("symbol", "="):
            return self.take()
        return self.accept("command", r"\neq", r"\ne")

    def row(self, number: int) -> tuple[Expression | None, list[Relation]]:
        start = self.next.start
        while self.sees("text"):
            if self.next.text.strip(" ,:").lower() not in _CONNECTIVES:
                raise self.error("a text before a row can change what it says", expected=r"the text at the row's end")
            self.take()
        self.ampersands()
        left = None
        if not (self.sees("symbol", "=") or self.sees("command", r"\neq", r"\ne")):
            left = self.expression()
            self.ampersands()
        found: list[Relation] = []
        while sign := self.relation_sign():
            self.ampersands()
            right = self.expression()
            end = self.tokens[self.position - 1].end
            self.ampersands()
            relation = Relation(
                "=" if sign.text == "=" else "≠", right, sign.at[0], number, self.latex(start, end), "", sign.at
            )
            found.append(relation)
            start = end
        if not found:
            if self.sees("break") or self.sees("end"):
                raise self.error("a row without a claim", expected=r"= or \neq")
            raise self.misplaced(r"= or \neq")
        last = self.accept("symbol", ",", ".", ";")
        reason = self.reason()
        final = found[-1]
        latex = final.latex + (last.text if last else "")
        found[-1] = Relation(final.sign, final.right, final.line, final.row, latex, reason, final.at)
        return left, found

    def reason(self) -> str:
        reasons = []
        self.ampersands()
        while self.sees("text") or self.sees("tag"):
            token = self.take()
            reasons.append((token.kind != "tag", token.text.strip()))
            self.accept("symbol", ",", ".", ";")
            self.ampersands()
        return " ".join(text for _, text in sorted(reasons, key=lambda reason: reason[0]) if text)

    def latex(self, start: int, end: int) -> str:
        """The text between two offsets, without comments."""
        kept, position = [], start
        for token in self.removed:
            if start <= token.start < end:
                silent = token.kind == "silent" and token.text == r"\displaystyle"
                kept.append(self.text[position : token.end if silent else token.start])
                position = token.end
        kept.append(self.text[position:end])
        return " ".join("".join(kept).split())

    # -- expressions

    def expression(self) -> Expression:
        """Terms with plus and minus between them."""
        self.depth += 1
        at = self.next.at
        terms = [self.signed()]
        while self.sees("symbol", "+", "-") or self.continued():
            self.ampersands()
            terms.append(self.signed(required=True))
        self.depth -= 1
        return terms[0] if len(terms) == 1 else Sum(tuple(terms), at)

    def continued(self) -> bool:
        return self.sees("symbol", "&") and self.depth == 1 and self.peek(1).text in ("+", "-")

    def signed(self, required: bool = False) -> Expression:
        sign = self.accept("symbol", "+", "-")
        if required and sign is None:
            raise self.misplaced("+ or -")
        term = self.term()
        return Negative(term, sign.at) if sign is not None and sign.text == "-" else term

    def starts_factor(self) -> bool:
        token = self.next
        if token.kind in ("letter", "number", "open"):
            return True
        if token.kind == "symbol":
            return token.text == "{"
        return token.kind == "command" and token.text in _FACTORS

    def term(self) -> Expression:
        """Factors side by side."""
        at = self.next.at
        items: list[Expression | Token] = []
        dot: Token | None = None
        while True:
            if self.sees("command", *_DOTS):
                items.append(self.take())
            elif self.sees("command", r"\sum"):
                items.append(self.summation())
            else:
                first = self.next
                factor = self.factor()
                if items and not dot:
                    self.no_misreading(items[-1], first, factor)
                items.append(factor)
                while slash := self.accept("symbol", "/"):
                    numerator = items.pop()
                    assert isinstance(numerator, Expression)
                    denominator = self.factor()
                    items.append(Quotient(numerator, denominator, numerator.at))
                    if self.starts_factor() or self.sees("symbol", "/") or self.sees("command", r"\cdot", r"\times"):
                        raise self.error("where does the denominator end?", expected=r"\frac{…}{…}", at=slash.at)
            dot = self.accept("command", r"\cdot", r"\times")
            if not dot and not self.starts_factor():
                break
            if dot and not self.starts_factor():
                raise self.misplaced("a factor")
        factors = tuple(self.runs(items))
        return factors[0] if len(factors) == 1 else Product(factors, at)

    def no_misreading(self, before: Expression | Token, first: Token, factor: Expression) -> None:
        """Refuse two factors that are no product to a reader: dx is a differential, as in dy/dx, 1½ a number."""
        if isinstance(before, Number) and first.text in _FRACTIONS and _is_fraction(factor):
            raise self.error("a number before a fraction could be added", expected=r"\cdot between them", at=first.at)
        named = factor.base if isinstance(factor, Power) else factor
        if not isinstance(before, Tensor) or before.indices or before.name not in DIFFERENTIALS:
            return
        if isinstance(named, Tensor):
            raise self.error(
                f"{before} {named} could be a differential or a product",
                expected=rf"\partial for a derivative, {before.name} \cdot for a product",
                at=before.at,
            )

    def runs(self, items: list[Expression | Token]) -> Iterator[Expression]:
        """Put factors with dots between them together."""
        position = 0
        while position < len(items):
            item = items[position]
            after = items[position + 1] if position + 1 < len(items) else None
            dots = item if isinstance(item, Token) else after if isinstance(after, Token) else None
            if dots is None:
                assert isinstance(item, Expression)
                yield item
                position += 1
                continue
            last_at = position + (1 if dots is item else 2)
            last = items[last_at] if last_at < len(items) else None
            if not isinstance(last, Delta | One):
                raise self.error(
                    "dots that lead to no delta",
                    expected=r"such as \cdots \delta_{bb'}",
                    at=dots.at,
                )
            first = item if isinstance(item, Expression) else None
            if first is not None and type(first) is not type(last):
                yield first
                first = None
            yield RangeProduct(first, last, dots.at if first is None else first.at)
            position = last_at + 1

    def factor(self) -> Expression:
        """Something with its exponent."""
        self.level += 1
        if self.level > MAX_DEPTH:
            raise self.error("too deeply nested", expected=f"at most {MAX_DEPTH} levels")
        found = self.raised(self.primary())
        self.level -= 1
        return found

    def raised(self, base: Expression) -> Expression:
        if self.sees("symbol", "^"):
            return self.power(base)
        if self.sees("symbol", "'"):
            raise self.error(
                "a prime after the indices", expected="the prime on the name, x'_{i}, or on the index, x_{i'}"
            )
        if self.sees("symbol", "_"):
            raise self.error("indices on this have no meaning", expected="a component x_{ij}, (a^T)_{ij} or [a]_{ij}")
        return base

    def power(self, base: Expression) -> Expression:
        caret = self.take()
        if self.transpose_ahead(0):
            raise self.error("a transpose has to be in components", expected="(a^T)_{ji}", at=caret.at)
        exponent = self.exponent()
        if self.sees("symbol", "^", "'", "_"):
            raise self.error("a second exponent or index", expected="brackets, to say what is meant")
        return Power(base, exponent, base.at)

    def exponent(self) -> Expression:
        if self.accept("symbol", "{"):
            if self.sees("open") and self.peek(1).kind in ("number", "letter") and self.peek(2).kind == "close":
                raise self.error(
                    "this could be a label or the order of a derivative",
                    expected="^{2} for a power, primes for a derivative, names such as \\hat{x} for other tensors",
                )
            inner = self.expression()
            self.expect("symbol", "}")
            return inner
        token = self.next
        if token.kind == "number":
            if len(token.text) > 1:
                raise self.error("only the first digit is in the exponent", expected="braces: ^{…}")
            self.take()
            return Number(Fraction(token.text), token.at)
        if token.kind == "letter":
            self.take()
            return Tensor(token.text, (), token.at)
        raise self.misplaced("an exponent: a digit, a letter or {…}")

    def transpose_ahead(self, ahead: int) -> int:
        """How many tokens a transpose's exponent has, from here; 0 if there is none."""
        token = self.peek(ahead)
        if token.text in ("T", r"\top", r"\intercal") and token.kind in ("letter", "command"):
            return 1
        if token.text == "{" and token.kind == "symbol":
            inner = self.peek(ahead + 1)
            if inner.text in ("T", r"\top", r"\intercal") and self.peek(ahead + 2).text == "}":
                return 3
            if inner.text in (r"\mathsf", r"\mathrm") and self.texts(ahead + 2, 4) == "{T}}":
                return 6
        return 0

    def texts(self, ahead: int, count: int) -> str:
        return "".join(self.peek(ahead + number).text for number in range(count))

    def primary(self) -> Expression:
        token = self.next
        if token.kind == "number":
            if len(token.text.replace(".", "").strip("0")) > MAX_DIGITS or len(token.text) > MAX_LENGTH:
                raise self.error("a number with too many digits", expected=f"at most {MAX_DIGITS}, or a letter for it")
            return self.number()
        if token.kind == "open":
            return self.bracket()
        if token.kind == "letter":
            if token.text == r"\delta":
                return self.delta()
            return self.component()
        if token.kind == "symbol" and token.text == "{":
            return self.group()
        if token.kind == "command":
            command = token.text[1:]
            if token.text in _FRACTIONS:
                return self.fraction()
            if token.text == r"\sqrt":
                return self.root()
            if token.text == r"\partial":
                return self.inline_partial()
            if token.text == r"\operatorname" or command in _COMMANDS:
                return self.function()
            if command in _STYLES or command in ACCENTS:
                return self.component()
        raise self.misplaced("a tensor, a number, a function, a fraction or a bracket")

    def number(self) -> Expression:
        token = self.take()
        if self.sees("symbol", "_"):
            if token.text != "1":
                raise self.error("a number with indices", expected=r"\mathbf{1}_{i}, the one-tensor")
            return self.one(token.at)
        if self.sees("number"):
            raise self.error("a number after a number", expected=r"one number, or \cdot between them")
        return Number(Fraction(token.text), token.at)

    def one(self, at: Position) -> Expression:
        indices = self.indices()
        if self.sees("symbol", "'"):
            raise self.error("a prime after the indices", expected="the prime on the index, i'")
        return One(indices, at)

    def delta(self) -> Expression:
        token = self.take()
        if not self.sees("symbol", "_"):
            raise self.error("δ is the Kronecker delta, and has two indices", expected=r"\delta_{ij}")
        indices = self.indices()
        if len(indices) != 2 or any(isinstance(index, Range) for index in indices):
            raise self.error("the Kronecker delta has two indices", expected=r"\delta_{ij}", at=token.at)
        return Delta(indices, token.at)

    def group(self) -> Expression:
        """Braces, which are not seen on the page: so what is in them must be one factor."""
        brace = self.take()
        self.depth += 1
        inner = self.factor()
        self.depth -= 1
        if not self.accept("symbol", "}"):
            raise self.error("braces are not seen on the page", expected=r"brackets, \left( … \right)", at=brace.at)
        if isinstance(inner, Power) and self.sees("symbol", "^"):
            raise self.error("a power of a power", expected="brackets, to say what is meant")
        return inner

    def bracket(self) -> Expression:
        component = self.bracketed_component()
        if component is not None:
            return component
        opening = self.take()
        if opening.spaced and self.sees("number") and self.peek(1).kind == "close":
            raise self.error(
                "a number in brackets after a space could be that of the row",
                expected=r"\tag{…}; or \cdot before it, for a factor",
                at=opening.at,
            )
        inner = self.nested()
        self.close(opening)
        if self.sees("symbol", "_", "'"):
            raise self.error(
                "only a name or its transpose takes indices here", expected="(a^T)_{ij}, [a]_{ij} or components"
            )
        return inner

    def nested(self) -> Expression:
        """An expression inside brackets or braces, where `&` has no place."""
        self.depth += 1
        inner = self.expression()
        self.depth -= 1
        return inner

    def close(self, opening: Token) -> None:
        pairs = {"(": ")", "[": "]", "{": "}"}
        if not self.sees("close", pairs[opening.text]):
            raise self.misplaced(f"'{pairs[opening.text]}', to close the bracket or go on before it")
        if self.next.stretched != opening.stretched:
            raise self.error(r"\left and \right do not belong together", expected="both or neither")
        self.take()

    def bracketed_component(self) -> Tensor | None:
        """`(a^T)_{ij}` or `[a]_{ij}`, if that is what comes."""
        start = self.position
        opening = self.take()
        name = self.name()
        transposed = False
        if name is not None and self.sees("symbol", "^"):
            length = self.transpose_ahead(1)
            transposed = length > 0
            self.position += 1 + length
        closed = name is not None and self.next.kind == "close" and self.peek(1).text == "_"
        if not closed:
            self.position = start
            return None
        assert name is not None
        if name in (r"\delta", "1"):
            raise self.error(
                "a delta or a one-tensor in brackets", expected=r"\delta_{ij} or \mathbf{1}_i", at=opening.at
            )
        self.close(opening)
        indices = self.indices()
        if transposed and (len(indices) != 2 or any(isinstance(index, Range) for index in indices)):
            raise self.error("a transpose has two indices", expected="(a^T)_{ij}", at=opening.at)
        return Tensor(name, indices[::-1] if transposed else indices, opening.at)

    def name(self) -> str | None:
        """The name of a tensor, in LaTeX without blanks, with its primes; None if no name comes."""
        token = self.next
        found = None
        if token.kind == "letter":
            found = self.take().text
        elif token.kind == "command" and (token.text[1:] in _STYLES or token.text[1:] in ACCENTS):
            found = self.styled()
        if found is None:
            return None
        while self.sees("symbol", "'"):
            self.take()
            found += "'"
        return found

    def styled(self) -> str:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error("too deeply nested", expected=f"at most {MAX_DEPTH} levels")
        command = self.take()
        if self.accept("symbol", "{"):
            if self.next.kind == "command":
                if not (self.next.text[1:] in _STYLES or self.next.text[1:] in ACCENTS):
                    raise self.misplaced("a name")
                inner = self.styled()
            elif self.sees("number", "1"):
                inner = self.take().text
            else:
                inner = ""
                while self.next.kind == "letter":
                    inner += self.take().text
                if not inner:
                    raise self.misplaced("a name")
            self.expect("symbol", "}", "a name is letters" if self.next.kind == "symbol" else "")
        elif self.next.kind == "letter" or self.sees("number", "1"):
            inner = self.take().text
        else:
            raise self.misplaced("a name, in braces")
        self.depth -= 1
        if command.text == r"\bm":
            return f"\\boldsymbol{{{inner}}}"
        return f"{command.text}{{{inner}}}"

    def component(self) -> Expression:
        """A tensor with its indices, a scalar, e^…, π, or the one-tensor."""
        token = self.next
        self.no_function()
        name = self.name()
        assert name is not None
        if name in (r"\mathbf{1}", r"\mathbb{1}", r"\boldsymbol{1}", r"\mathrm{1}", r"\mathsf{1}"):
            if not self.sees("symbol", "_"):
                raise self.error("the one-tensor has indices", expected=r"\mathbf{1}_{i}")
            return self.one(token.at)
        if "{1}" in name:
            raise self.error(
                "a number in this style has no meaning", expected=r"\mathbf{1}_{i}, the one-tensor", at=token.at
            )
        if name == "e" and self.sees("symbol", "^"):
            caret = self.take()
            exponent = self.exponent()
            if self.sees("symbol", "^", "_", "'"):
                raise self.error("a second exponent or index", expected="brackets, to say what is meant", at=caret.at)
            return Function("exp", exponent, 0, token.at)
        if self.sees("symbol", "_"):
            indices = self.indices()
            return Tensor(name, indices, token.at)
        if name == "e":
            raise self.error(
                "e without exponent or indices", expected=r"e^{…} or \exp(…); a tensor e has indices, e_{i}"
            )
        if name == r"\pi":
            return Pi(token.at)
        if self.sees("symbol", "^") and self.transpose_ahead(1):
            raise self.error("a transpose has to be in components", expected="(a^T)_{ji}")
        if self.next.kind == "open" and not self.next.spaced:
            if name in DIFFERENTIALS:
                raise self.error(
                    "a derivative is written with ∂", expected=r"\partial; or \cdot between, for a product"
                )
            raise self.error(
                f"{plain(name)} before a bracket could be a function or a factor",
                expected=rf"\operatorname{{{plain(name)}}}(…) for a function, \cdot or \, between for a product",
            )
        base = Tensor(name, (), token.at)
        if self.sees("symbol", "^"):
            power = self.power(base)
            if self.sees("symbol", "_"):
                raise self.error("indices after an exponent", expected="the indices first, x_{i}^2")
            return power
        return base

    def no_function(self) -> None:
        """Refuse the name of a function in letters: sin x is no product, and an upright sin no tensor."""
        if word := _WORD.match(self.text, self.next.start):
            name = word.group(1) or word.group(2)
            wanted = rf"\{name}" if name in _COMMANDS else rf"\operatorname{{{name}}}"
            raise self.error(f"{name} is no product of letters", expected=f"{wanted}, if it is a function")

    def fraction(self) -> Expression:
        token = self.take()
        if not self.sees("symbol", "{"):
            numerator = self.bare()
            denominator = self.nested_group() if self.sees("symbol", "{") else self.bare()
            return Quotient(numerator, denominator, token.at)
        self.take()
        if self.sees("command", r"\partial"):
            return self.derivative(token)
        numerator = self.nested()
        self.expect("symbol", "}")
        self.expect("symbol", "{", "a fraction without its denominator")
        if self.sees("command", r"\partial"):
            raise self.error("a derivative whose numerator has no ∂", expected=r"\frac{\partial y}{\partial x}")
        denominator = self.nested()
        self.expect("symbol", "}")
        return Quotient(numerator, denominator, token.at)

    def bare(self) -> Expression:
        """What a fraction without braces takes: one digit, or one letter."""
        token = self.next
        if token.kind == "number" and "." not in token.text:
            if len(token.text) > 1:
                rest = Token("number", token.text[1:], token.start + 1, token.end, (token.at[0], token.at[1] + 1))
                self.tokens[self.position] = rest
            else:
                self.take()
            return Number(Fraction(token.text[0]), token.at)
        if token.kind == "letter" and token.text not in (r"\delta", "e", r"\pi"):
            self.take()
            return Tensor(token.text, (), token.at)
        raise self.error("a fraction without braces", expected="'{'")

    def nested_group(self) -> Expression:
        self.take()
        inner = self.nested()
        self.expect("symbol", "}")
        return inner

    def order(self) -> int:
        """The number over a ∂; 1 if there is none."""
        if not self.accept("symbol", "^"):
            return 1
        braced = self.accept("symbol", "{")
        number = self.next
        if number.kind != "number" or number.text not in ("1", "2", "3"):
            raise self.error("the order of a derivative", expected="2 or 3")
        self.take()
        if braced:
            self.expect("symbol", "}")
        return int(number.text)

    def derivative(self, token: Token) -> Expression:
        self.take()
        order = self.order()
        body = None if self.sees("symbol", "}") else self.factor()
        if not self.sees("symbol", "}"):
            raise self.error("what does the ∂ apply to?", expected="one factor, or brackets")
        self.take()
        self.expect("symbol", "{", "a derivative without its denominator")
        by: list[Tensor] = []
        while True:
            partial = self.expect("command", r"\partial", "" if by else "a derivative needs ∂ in its denominator")
            tensor = self.denominator_tensor(partial)
            by.append(tensor)
            if self.sees("symbol", "}"):
                break
        if len(by) != order:
            raise self.error(f"a derivative of order {order} by {len(by)} tensors", expected="as many ∂ below as above")
        self.take()
        if body is None:
            body = self.operand(r"the derivative's bracket, \left( … \right)")
            if self.sees("symbol", "^", "/") or self.sees("command", r"\cdot", r"\times") or self.starts_factor():
                raise self.error(
                    "is this differentiated too?",
                    expected="it inside the derivative's bracket, or brackets around the derivative",
                )
        for tensor in reversed(by):
            body = Partial(body, tensor, token.at)
        return body

    def denominator_tensor(self, partial: Token) -> Tensor:
        found = self.primary()
        if not isinstance(found, Tensor):
            raise self.error("a derivative is by a tensor", expected="a tensor, x_{ij}", at=partial.at)
        return found

    def inline_partial(self) -> Expression:
        token = self.take()
        if self.sees("command", r"\partial"):
            raise self.error("a ∂ of a ∂", expected=r"\frac{\partial^2 y}{\partial x \partial x}")
        body = self.primary()
        self.expect("symbol", "/", "a ∂ outside a fraction")
        partial = self.expect("command", r"\partial")
        by = self.denominator_tensor(partial)
        if self.starts_factor():
            raise self.error("where does the derivative end?", expected=r"\frac{\partial y}{\partial x}", at=token.at)
        return Partial(body, by, token.at)

    def operand(self, expected: str) -> Expression:
        """What a function or an operator is applied to: a bracket, or the one factor that ends the term."""
        if self.next.kind == "open" and self.bracketed_ahead():
            opening = self.take()
            inner = self.nested()
            self.close(opening)
            if self.sees("symbol", "_", "'"):
                raise self.error("indices on this have no meaning", expected="components inside the bracket")
            return inner
        if not self.starts_factor() or self.sees("command", *_DOTS, r"\sum"):
            raise self.misplaced(expected)
        at = self.next.at
        found = self.factor()
        if self.starts_factor() or self.sees("symbol", "/") or self.sees("command", r"\cdot", r"\times"):
            raise self.error("where does the argument end?", expected=expected, at=at)
        return found

    def bracketed_ahead(self) -> bool:
        """Whether the bracket that comes is one of an argument, not of a component such as (a^T)_{ij}."""
        start = self.position
        component = self.bracketed_component()
        self.position = start
        return component is None

    def function(self) -> Expression:
        token = self.take()
        if token.text == r"\operatorname":
            self.expect("symbol", "{")
            name = ""
            while self.next.kind == "letter":
                name += plain(self.take().text)
            if not name:
                raise self.misplaced("a function's name")
            self.expect("symbol", "}")
            known = _SPELLED.get(name.lower(), name) if len(name) > 2 else name
            if known in _NOT_ELEMENTWISE:
                raise self.error(
                    f"{name} is not taken of each component", expected="its definition in components", at=token.at
                )
            name = known
        else:
            name = token.text[1:]
        if name == "ln":
            name = "log"
        order = 0
        while self.accept("symbol", "'"):
            order += 1
        if order > 3:
            raise self.error("too many primes on a function", expected="at most three", at=token.at)
        exponent: Expression | None = None
        if caret := self.accept("symbol", "^"):
            exponent = self.exponent()
            if not (isinstance(exponent, Number) and exponent.value > 0):
                raise self.error(
                    "this power of a function can be misread", expected=r"\left( … \right)^{…}", at=caret.at
                )
        if self.sees("symbol", "_"):
            raise self.error("a function with an index or a base", expected=rf"\{name}\left( … \right)")
        if self.sees("symbol", "{"):
            raise self.error("braces are not seen on the page", expected=r"brackets, \left( … \right)")
        bracket = self.next.kind == "open"
        argument = self.operand(r"brackets, \left( … \right)")
        found: Expression = Function(name, argument, order, token.at)
        if exponent is not None:
            found = Power(found, exponent, token.at)
            if self.sees("symbol", "^"):
                raise self.error("a second exponent", expected="brackets, to say what is meant")
        elif not bracket and self.sees("symbol", "^"):
            raise self.error("what does the exponent apply to?", expected=r"brackets, \left( … \right)")
        return found

    def root(self) -> Expression:
        token = self.take()
        degree = Fraction(2)
        if self.next.kind == "open" and self.next.text == "[":
            self.take()
            number = self.next
            if number.kind != "number" or number.text not in map(str, range(2, 100)):
                raise self.error("the degree of a root", expected="a whole number from 2 to 99")
            degree = Fraction(self.take().text)
            if not self.accept("close", "]"):
                raise self.misplaced("']'")
        self.expect("symbol", "{", "a root without braces")
        inner = self.nested()
        self.expect("symbol", "}")
        return Power(inner, Number(1 / degree, token.at), token.at)

    def summation(self) -> Expression:
        token = self.take()
        self.depth += 1
        if not self.sees("symbol", "_"):
            raise self.error("a sum without its index", expected=r"\sum_{i}")
        at = self.take().at
        start = None
        if self.accept("symbol", "{"):
            indices = self.places()
            if self.accept("symbol", "="):
                start = self.take()
                if start.kind != "number" or start.text not in ("0", "1"):
                    raise self.error(
                        "a sum over a part of the range",
                        expected="=1, or =0, and the range's capital above",
                        at=start.at,
                    )
            self.expect("symbol", "}")
        else:
            indices = (self.single_index(),)
        if any(isinstance(index, Coordinate) for index in indices):
            raise self.error("a sum over a number", expected="an index", at=at)
        if len(set(indices)) < len(indices):
            raise self.error("a sum over one index twice", expected="each index once", at=at)
        capital = self.upper_bound(indices, start)
        if not self.starts_factor():
            raise self.misplaced("what is summed")
        self.level += 1
        if self.level > MAX_DEPTH:
            raise self.error("too deeply nested", expected=f"at most {MAX_DEPTH} levels")
        body = self.term()
        self.level -= 1
        self.depth -= 1
        return Summation(indices, body, token.at, capital)

    def upper_bound(self, indices: tuple[Subscript, ...], start: Token | None) -> str:
        """The capital above a sum; nothing if none is written."""
        caret = self.accept("symbol", "^")
        if caret is None:
            if start is not None:
                raise self.error("a sum without its upper end", expected="^, and the capital of the index")
            return ""
        braced = self.accept("symbol", "{")
        bound = self.take().text
        if braced:
            while not self.sees("symbol", "}") and not self.sees("end"):
                bound += self.take().text
            self.expect("symbol", "}")
        index = indices[0]
        capital = index.letter.upper() if len(indices) == 1 and isinstance(index, Index) else ""
        wanted = capital + ("-1" if start is not None and start.text == "0" else "")
        if not capital or bound != wanted:
            raise self.error(
                "a sum over a part of the range",
                expected=f"{wanted or 'one index and its capital'}: a sum goes over the whole range",
                at=caret.at,
            )
        return capital

    # -- indices

    def indices(self) -> tuple[Subscript, ...]:
        """A subscript."""
        self.take()
        if not self.accept("symbol", "{"):
            return (self.single_index(),)
        found = self.places()
        self.expect("symbol", "}")
        return found

    def single_index(self) -> Subscript:
        token = self.next
        if token.kind == "letter":
            self.take()
            if self.sees("symbol", "'"):
                raise self.error("a prime outside the braces", expected="braces: _{i'}")
            return Index(token.text, 0, token.at)
        if token.kind == "number":
            if len(token.text) > 1:
                raise self.error("only the first digit is an index", expected="braces: _{…}")
            self.take()
            return Coordinate(int(token.text), token.at)
        raise self.misplaced("an index: a letter, a digit or {…}")

    def places(self) -> tuple[Subscript, ...]:
        """What stands in the braces of a subscript."""
        found: list[Subscript] = []
        while True:
            found.append(self.place())
            comma = self.accept("symbol", ",")
            if self.sees("command", *_DOTS):
                dots = self.take()
                self.accept("symbol", ",")
                first, last = found.pop(), self.place()
                if not (isinstance(first, Index) and isinstance(last, Index)) or first.letter == last.letter:
                    raise self.error("dots between two indices", expected=r"two letters, a \dots b", at=dots.at)
                found.append(Range(first, last, first.at))
                comma = self.accept("symbol", ",")
            if self.next.kind not in ("letter", "number"):
                if comma:
                    raise self.misplaced("an index after the comma")
                if not self.sees("symbol", "}", "="):
                    raise self.misplaced("an index: a letter with its primes, a number, or dots")
                return tuple(found)
            if isinstance(found[-1], Coordinate) and self.next.kind == "number" and not comma:
                raise self.error("two numbers as indices", expected="a comma between them")

    def place(self) -> Subscript:
        token = self.next
        if token.kind == "letter":
            self.take()
            primes = 0
            while self.sees("symbol", "'") or self.sees("symbol", "^"):
                if self.take().text == "'":
                    primes += 1
                    continue
                braced = self.accept("symbol", "{")
                count = 0
                while self.accept("command", r"\prime"):
                    count += 1
                if not count or (count > 1 and not braced):
                    raise self.error("an exponent on an index", expected=r"primes: i' or i^{\prime}")
                if braced:
                    self.expect("symbol", "}")
                primes += count
            return Index(token.text, primes, token.at)
        if token.kind == "number":
            self.take()
            if len(token.text) > 1:
                raise self.error(
                    "more than one digit as an index", expected="single digits with commas between", at=token.at
                )
            return Coordinate(int(token.text), token.at)
        raise self.misplaced("an index: a letter with its primes, a number, or dots")


def _is_fraction(expression: Expression) -> bool:
    """Whether an expression is one number over another."""
    return (
        isinstance(expression, Quotient)
        and isinstance(expression.numerator, Number)
        and isinstance(expression.denominator, Number)
    )
