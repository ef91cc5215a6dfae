r"""A second reader of matrix notation: texts -> numbers, with whole matrices of numpy and no indices.

It shares nothing with the checker: it has its own reader, finds shapes by trying, and takes derivatives by finite
differences, one component at a time. What it does not know, such as components and sums, it does not read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from itertools import product
from typing import Any, NamedTuple

import numpy as np

SIZES = (2, 3)
SAME = 1e-5
"""The error of a finite difference of a finite difference is below it."""

_SIGN = re.compile(
    r"\\(?:left|right|bigl|bigr|displaystyle)\s*|&|\s+"  # not read
    r"|(\\[A-Za-z]+|\\.|[0-9]+(?:\.[0-9]+)?|.)",
    re.DOTALL,
)
_STYLED = re.compile(r"\\(?:mathbf|boldsymbol|bm|vec)\s*(?:\{\s*(\\?[A-Za-z]+|[01])\s*\}|([A-Za-z]))")
_SPACE = re.compile(r"\\[,;:!>]|\\ ")
_LABEL = re.compile(r"\^\{(\([0-9a-z]\))(\\top)?\}|_\{\\text\{([a-z]+)\}\}")
_GREEK = ("alpha", "beta", "gamma", "epsilon", "lambda", "mu", "sigma", "theta", "ell", "phi", "rho", "tau", "eta")
_CAPITALS = ("Sigma", "Lambda", "Phi", "Theta", "Omega")
_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "tanh": np.tanh,
    "exp": np.exp,
    "sin": np.sin,
    "cos": np.cos,
    "log": lambda u: np.log(np.abs(u)),
    "ln": lambda u: np.log(np.abs(u)),
    "sign": np.sign,
    "sigmoid": lambda u: 1 / (1 + np.exp(-u)),
}
_WHOLE: dict[str, Callable[[Any], Any]] = {
    "tr": np.trace,
    "Tr": np.trace,
    "trace": np.trace,
    "det": np.linalg.det,
    "vec": lambda u: u.reshape(-1, 1, order="F"),
    "diag": lambda u: np.diag(u[:, 0]) if u.shape[1] == 1 else np.diag(u)[:, None],
    "softmax": lambda u: np.exp(u) / np.exp(u).sum(),
    "logsumexp": lambda u: np.log(np.exp(u).sum()),
}


class UnreadError(Exception):
    """A sign or a construct that this reader does not know."""


class MisfitError(Exception):
    """Shapes that do not fit."""


class Open(NamedTuple):
    """Ones, zeros or an identity whose size is not known yet, and products with one: its rows, its columns, its value.

    A length is None while it is not known. make: from both lengths to the array.
    """

    rows: int | None
    columns: int | None
    make: Callable[[int, int], Any]

    def at(self, rows: int, columns: int) -> Any:
        if self.rows not in (None, rows) or self.columns not in (None, columns):
            raise MisfitError
        return self.make(rows, columns)


CONSTANTS = {
    "1": Open(None, 1, lambda rows, columns: np.ones((rows, 1))),
    "0": Open(None, None, lambda rows, columns: np.zeros((rows, columns))),
    "I": Open(None, None, lambda rows, columns: np.eye(rows, columns)),
}


def is_scalar(value: Any) -> bool:
    return not isinstance(value, Open) and np.ndim(value) == 0


def judged(text: str, like: str = "") -> bool:
    """Return whether all claims of a text hold, in shapes of its own, and in those of the text that it is like.

    Raises: UnreadError; MisfitError, if no shapes fit a text that is like no other.
    """
    here = Text(text)
    shapes = [here.shapes()] if not like else []
    if like:
        there = Text(like).shapes()
        shapes.append({name: there.get(name, (1, 1)) for name in here.inputs})
        try:
            shapes.append(here.shapes())
        except MisfitError:
            return False
    return all(verdict is True for each in shapes for verdict in here.verdicts(each))


# ---- Reading: text -> trees of tuples -----------------------------------------------------------------


class Reader:
    """The tree of each side of each row."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.declared: dict[str, str] = {}
        self.constant: set[str] = set()
        self.symmetric: set[str] = set()
        self.upstream = ""
        rows = []
        text = _SPACE.sub(" ", text.replace(r"\\", "\0")).replace(r"\mathrm{d}", "d ")
        for line in text.split("\n"):
            word, _, names = line.removeprefix("%").strip().partition(" ")
            if not line.startswith("%"):
                rows.append(line)
            elif word in ("matrix", "vector") and "=" not in names:
                self.declared |= {name.removeprefix("\\"): word for name in re.split(r"[\s,]+", names)}
            elif word == "gradient":
                self.upstream = names.strip()
            elif word == "symmetric":
                self.symmetric |= {self.plain(name) for name in names.split()}
            elif word == "constant":
                self.constant |= {self.plain(name) for name in re.split(r"[\s,]+", names)}
            elif word != "new":
                raise UnreadError(line)
        self.equations = [
            [self.side(side) for side in _split(equation, "=")]
            for row in "\n".join(rows).split("\0")
            for equation in _split(re.sub(r"\\q?quad", ",", row), ",")
            if equation.strip(" \n.&")
        ]

    def plain(self, name: str) -> str:
        found = _STYLED.fullmatch(name)
        return name if found is None else f"**{found[1] or found[2]}"

    def _apart(self, match: re.Match[str]) -> str:
        r"""A product in one style, `\mathbf{Ax}`, with its factors apart."""
        alone = all(f"\\mathbf{{{letter}}}" in self.text for letter in match[1])
        return rf"\mathbf{{{' '.join(match[1])}}}" if alone else match[0]

    def side(self, text: str) -> Any:
        text = _LABEL.sub(lambda match: f"@{match[1] or match[3]}@" + (r"^\top" if match[2] else ""), text)
        text = re.sub(r"\\(?:operatorname|text(?:rm)?|mathrm)\s*\{(\w+)\}", r"\\\1", text)
        text = text.replace(r"\log\det", r"\logdet")
        text = re.sub(r"\\mathbf\{(\w\w+)\}", self._apart, text)
        several = re.compile(r"\\mathbf\{([A-Za-z](?: [A-Za-z])+)\}")
        text = several.sub(lambda match: "".join(f"<{name}>" for name in match[1].split()), text)
        text = _STYLED.sub(lambda match: f"<{match[1] or match[2]}>", text)
        self.signs = [match[1] for match in _SIGN.finditer(text.strip(" .\n")) if match[1]]
        self.at = 0
        tree = self.sum()
        if self.next:
            raise UnreadError(self.next)
        return tree

    @property
    def next(self) -> str:
        return self.signs[self.at] if self.at < len(self.signs) else ""

    def take(self, sign: str = "") -> str:
        if sign and self.next != sign:
            raise UnreadError(f"{self.next} for {sign}")
        self.at += 1
        return self.signs[self.at - 1] if self.at <= len(self.signs) else ""

    def sum(self, stop: str = "") -> Any:
        terms = []
        while True:
            sign = self.take() if self.next in ("+", "-") else "+"
            term = self.products()
            terms.append(("negative", term) if sign == "-" else term)
            if self.next not in ("+", "-"):
                return terms[0] if len(terms) == 1 else ("sum", *terms)

    def products(self) -> Any:
        found = [self.factors()]
        kind = self.next if self.next in (r"\odot", r"\otimes") else ""
        while kind and self.next == kind:
            self.take()
            found.append(self.factors())
        if self.next in (r"\odot", r"\otimes"):
            raise UnreadError(self.next)
        return found[0] if len(found) == 1 else (kind, *found)

    def starts(self) -> bool:
        return bool(self.next) and self.next not in (
            *("+", "-", "}", ")", "]", r"\odot", r"\otimes", "=", ",", r"\rangle", "/", "^", "_"),
            *((r"\|",) if self.inside == r"\|" else ("|",) if self.inside == "|" else ()),
        )

    inside = ""

    def factors(self) -> Any:
        found = []
        while self.starts() or self.next == r"\cdot":
            if self.next == r"\cdot":
                self.take()
                left = ("times", *found) if len(found) > 1 else found[0]
                return ("dot", left, self.factors())
            found.append(self.factor())
        if not found:
            raise UnreadError(self.next)
        return found[0] if len(found) == 1 else ("times", *found)

    def factor(self) -> Any:
        tree = self.primary()
        while self.next == "^":
            self.take()
            power = self.group()
            if power in ((r"\top",), ("T",), (r"\intercal",), ("H",)):
                tree = ("transpose", tree)
            elif power in (("-", r"\top"), ("-", "T")):
                tree = ("transpose", ("power", tree, -1.0))
            else:
                tree = ("power", tree, float(Fraction("".join(power))))
        return tree

    def group(self) -> tuple[str, ...]:
        """The signs of an exponent: those of a number, or a transpose."""
        found = [self.take()]
        if found == ["{"]:
            found = []
            while self.next not in ("}", ""):
                found.append(self.take())
            self.take("}")
        if not re.fullmatch(r"-?[0-9.]+(/[0-9]+)?|-?(\\top|T|H|\\intercal)", "".join(found)):
            raise UnreadError("".join(found))
        return tuple(found)

    def within(self, close: str, inside: str = "") -> Any:
        outer, self.inside = self.inside, inside
        tree = self.sum()
        self.inside = outer
        self.take(close)
        return tree

    def primary(self) -> Any:
        sign = self.take()
        if sign == "<":
            return self.name(bold=True)
        if sign in ("(", "["):
            return self.within({"(": ")", "[": "]"}[sign])
        if sign == "{":
            return self.within("}")
        if sign in (r"\|", "|"):
            return self.bars(sign)
        if sign == r"\langle":
            left = self.sum()
            self.take(",")
            return ("inner", left, self.within(r"\rangle"))
        if sign == r"\frac":
            return self.fraction()
        if sign == r"\nabla":
            self.take("_")
            return self.gradient()
        if sign[0].isdigit():
            return ("number", float(sign))
        word = sign.removeprefix("\\")
        if word in (*_FUNCTIONS, *_WHOLE, "logdet") and sign != word:
            return ("function", word, self.argument(word))
        if word in ("phi", "sigma", "f", "g") and self.next in ("(", "'"):
            order = 0
            while self.next == "'":
                self.take()
                order += 1
            self.take("(")
            return ("arbitrary", word, order, self.within(")"))
        if sign == "d" and self.next and (self.next in ("<", "(", "[", "|", r"\|") or self.next.strip("\\").isalpha()):
            return ("differential", self.primary() if self.next in "([" else self.factor())
        if (sign.isalpha() and sign.isascii()) or word in _GREEK:
            if self.next == "(" and word not in self.declared:
                raise UnreadError("a function, or a factor")
            return self.name(word)
        if sign == r"\pi":
            return ("number", np.pi)
        raise UnreadError(sign)

    def argument(self, word: str) -> Any:
        if self.next in ("(", "["):
            return self.primary()
        if word in ("tr", "Tr", "det", "logdet"):
            return self.factors()
        return self.factor()

    def name(self, word: str = "", bold: bool = False) -> Any:
        if bold:
            word = self.take().removeprefix("\\")
            while self.next != ">":
                word += self.take()
            self.take(">")
            if self.upstream and len(word) == 2 and word[0] == "d":
                below = ("name", "vector" if word[1].islower() else "matrix", f"**{word[1]}")
                return ("by", ("name", "scalar", self.upstream.removeprefix("\\")), below)
            if word in CONSTANTS:
                return ("constant", word)
        label = ""
        while self.next == "@":
            self.take()
            while self.next != "@":
                label += self.take()
            self.take("@")
        if self.next == "_":
            raise UnreadError("an index")
        small = word[:1].islower() and word not in _CAPITALS
        kind = "vector" if bold and small else "matrix" if bold else "scalar"
        return ("name", self.declared.get(word, kind), ("**" if bold else "") + word + label)

    def bars(self, sign: str) -> Any:
        body = self.within(sign, sign)
        if sign == "|":
            return ("bars", body)
        power = None
        if self.next == "^":
            mark = self.at
            self.take()
            power = self.group()
            if self.next != "_":
                self.at, power = mark, None
        degree = "2"
        if self.next == "_":
            self.take()
            degree = self.take()
            if degree == "{":
                degree = self.take()
                self.take("}")
        norm = ("norm", body, degree)
        return norm if power is None else ("power", norm, float(Fraction("".join(power))))

    def fraction(self) -> Any:
        self.take("{")
        if self.next not in (r"\partial", "d"):
            above = self.within("}")
            self.take("{")
            return ("quotient", above, self.within("}"))
        mark = self.take()
        order = 1
        if self.next == "^":
            self.take()
            order = int("".join(self.group()))
        body = None if self.next == "}" else self.products()
        self.take("}")
        self.take("{")
        below = []
        while self.next != "}":
            self.take(mark)
            below.append(self.factor())
        self.take("}")
        body = self.operand() if body is None else body
        if len(below) != order:
            raise UnreadError("an order")
        if order == 2:
            if below[1][0] != "transpose":
                if below[0] != below[1]:
                    raise UnreadError("a second derivative")
                return ("by", ("by", body, below[0]), below[0])
            return ("by", ("by", body, below[0]), below[1][1])
        return ("by", body, below[0])

    def gradient(self) -> Any:
        braced = self.next == "{"
        if braced:
            self.take()
        below = self.primary()
        if braced:
            self.take("}")
        return ("by", self.operand(), below)

    def operand(self) -> Any:
        return self.factor() if self.next in ("(", "[") else self.factors()


def _split(text: str, sign: str) -> Iterator[str]:
    """Yield the parts of a text between signs that no bracket is around."""
    depth, start = 0, 0
    for place, letter in enumerate(text):
        depth += (letter in "{([") - (letter in "})]")
        if letter == sign and depth == 0 and "langle" not in text[start:place].rpartition(r"\rangle")[2]:
            yield text[start:place]
            start = place + 1
    yield text[start:]


# ---- Values ---------------------------------------------------------------------------------------------


def named(tree: Any) -> Iterator[tuple[str, str]]:
    """Yield the names in a tree, each with its kind."""
    if isinstance(tree, tuple):
        if tree[:1] == ("name",):
            yield tree[2], tree[1]
        for part in tree:
            yield from named(part)


class Text:
    """The verdicts on the claims of a text: True, False, or None where shapes do not fit."""

    def __init__(self, text: str, seed: int = 0) -> None:
        self.reader = Reader(text)
        self.reader.equations = [
            [_gradient(tree, self.reader.equations) for tree in each] for each in self.reader.equations
        ]
        self.seed = seed
        self.defined: dict[str, Any] = {}
        self.claims: list[tuple[Any, Any]] = []
        self.kinds = {name: kind for tree in self.reader.equations for name, kind in named(tuple(tree))}
        seen: set[str] = set()
        for head, *rest in self.reader.equations:
            if not rest or head[0] == "arbitrary":
                raise UnreadError("a row without a relation, or a function")
            before = head
            for right in rest:
                new = before is head and head[0] == "name" and head[2] not in seen
                if new and head[2] not in {name for name, _ in named(right)}:
                    self.defined[head[2]] = right
                else:
                    self.claims.append((before, right))
                before = right
            seen |= {name for tree in (head, *rest) for name, _ in named(tree)}
        if not self.claims:
            raise UnreadError("no claim")
        used = {name for tree in self.defined.values() if not self._downstream(tree) for name, _ in named(tree)}
        differentiated = {tree[1][2] for tree in _find(self.reader.equations, "by") if tree[1][0] == "name"}
        valued = {name for tree in self.reader.equations for name in _values(tuple(tree))}
        self.losses = differentiated - self.defined.keys() - valued
        self.sinks = [name for name in self.defined if name not in used and not self._downstream(self.defined[name])]
        self.inputs = [name for name in self.kinds if name not in self.defined and name not in self.losses]

    def _downstream(self, tree: Any) -> bool:
        return any(each[1][0] == "name" and each[1][2] not in self.defined for each in _find([tree], "by"))

    def shapes(self) -> dict[str, tuple[int, int]]:
        """Return shapes of the inputs with which all claims have values: as few square ones as possible."""
        axes = [(name, axis) for name in self.inputs for axis in range(self._axes(name))]
        every = sorted(product(SIZES, repeat=len(axes)), key=lambda sizes: -self._different(axes, sizes))
        for sizes in every[:4096]:
            found = self._shaped(axes, sizes)
            if None not in self.verdicts(found, self.defined):
                return found
        raise MisfitError("no shapes fit")

    def _axes(self, name: str) -> int:
        return {"scalar": 0, "vector": 1, "matrix": 2}[self.kinds[name]]

    def _shaped(self, axes: list[tuple[str, int]], sizes: tuple[int, ...]) -> dict[str, tuple[int, int]]:
        size = dict(zip(axes, sizes, strict=True))
        return {name: (size.get((name, 0), 1), size.get((name, 1), 1)) for name in self.inputs}

    def _different(self, axes: list[tuple[str, int]], sizes: tuple[int, ...]) -> int:
        shaped = self._shaped(axes, sizes)
        return sum(shaped[name][0] != shaped[name][1] for name in self.inputs if self._axes(name) == 2)

    def verdicts(self, shapes: dict[str, tuple[int, int]], defined: Iterable[str] = ()) -> list[bool | None]:
        rng = np.random.default_rng(self.seed)
        inputs = {name: rng.uniform(0.5, 1.5, shapes[name]) * rng.choice([-1, 1], shapes[name]) for name in self.inputs}
        for name in self.reader.symmetric & inputs.keys():
            if shapes[name][0] != shapes[name][1]:
                return [None]
            inputs[name] = inputs[name] + inputs[name].T
        directions = {name: rng.uniform(0.5, 1.5, shapes[name]) for name in self.inputs}
        values = {name: value if self._axes(name) else float(value[0, 0]) for name, value in inputs.items()}
        equal = [(("name", self.kinds[name], name), self.defined[name]) for name in defined]
        return [self._verdict(Values(self, values, directions), *claim) for claim in [*self.claims, *equal]]

    @staticmethod
    def _verdict(values: Values, left: Any, right: Any) -> bool | None:
        try:
            one, other = _alike(values.of(left), values.of(right))
        except (MisfitError, np.linalg.LinAlgError):
            return None
        scale = max(1.0, float(np.abs(one).max()), float(np.abs(other).max()))
        return bool(np.abs(one - other).max() <= SAME * scale)


def _gradient(tree: Any, equations: list[list[Any]]) -> Any:
    """Return a tree with dX as a gradient, if a row says that it is one: dX = ∂L/∂X."""
    said = [sides[1] for sides in equations if len(sides) > 1 and sides[0][0] == "differential" and sides[1][0] == "by"]
    losses = [right[1] for right in said if right[1][0] == "name"]
    if not losses or not isinstance(tree, tuple):
        return tree
    if tree[0] == "differential":
        return ("by", losses[0], tree[1])
    return tuple(_gradient(part, equations) for part in tree)


def _find(tree: Any, kind: str) -> Iterator[Any]:
    if isinstance(tree, tuple | list):
        if tree and tree[0] == kind:
            yield tree
        for part in tree:
            yield from _find(part, kind)


def _values(tree: Any) -> Iterator[str]:
    """Yield the names in a tree, other than those that are only differentiated."""
    if not isinstance(tree, tuple):
        return
    if tree[:1] == ("name",):
        yield tree[2]
    elif tree[:1] in (("by",), ("differential",)) and tree[1][0] == "name":
        return
    else:
        for part in tree:
            yield from _values(part)


def _alike(one: Any, other: Any, broadcast: bool = True) -> tuple[Any, Any]:
    """Return two values in one shape."""
    if isinstance(one, Open) and isinstance(other, Open):
        raise MisfitError
    if isinstance(one, Open):
        return one.at(*np.shape(other)) if np.ndim(other) else _refused(), other
    if isinstance(other, Open):
        return one, other.at(*np.shape(one)) if np.ndim(one) else _refused()
    if np.shape(one) != np.shape(other):
        zero = any(np.ndim(each) == 0 and each == 0 for each in (one, other))
        wide = one if np.ndim(one) else other
        column = 1 in np.shape(wide) and is_scalar(one) != is_scalar(other) and broadcast
        if not zero and not column:
            raise MisfitError
    return one, other


def _refused() -> Any:
    raise MisfitError


def _times(left: Any, right: Any) -> Any:
    if is_scalar(left) or is_scalar(right):
        number, other = (left, right) if is_scalar(left) else (right, left)
        if isinstance(other, Open):
            return other._replace(make=lambda rows, columns: number * other.make(rows, columns))
        return number * other
    if isinstance(left, Open) and isinstance(right, Open):
        if left.columns == right.rows == 1:
            return Open(left.rows, right.columns, lambda rows, columns: left.make(rows, 1) @ right.make(1, columns))
        raise MisfitError
    if isinstance(left, Open):
        if left.columns is None and left.rows is None:
            return left.at(right.shape[0], right.shape[0]) @ right
        if left.columns is None:
            if left.rows is None:
                raise MisfitError
            return _times(left.at(left.rows, right.shape[0]), right)
        if left.columns != right.shape[0]:
            raise MisfitError
        return Open(left.rows, right.shape[1], lambda rows, columns: left.make(rows, left.columns or 0) @ right)
    if isinstance(right, Open):
        found = _times(_transposed(right), _transposed(left))
        return _transposed(found)
    if left.shape[1] != right.shape[0]:
        raise MisfitError
    found = left @ right
    return float(found[0, 0]) if found.shape == (1, 1) else found


def _transposed(value: Any) -> Any:
    if isinstance(value, Open):
        return Open(value.columns, value.rows, lambda rows, columns: value.make(columns, rows).T)
    if is_scalar(value):
        raise MisfitError
    return value.T


def _chain(values: list[Any]) -> Any:
    """Return the product of factors; a scalar product in it, such as xᵀy, may stand on either side."""
    found: list[Any] = []
    numbers = 1.0
    for value in values:
        if is_scalar(value):
            numbers *= value
        elif found:
            found[-1:] = [_times(found[-1], value)] if _fits(found[-1], value) else [found[-1], value]
        else:
            found = [value]
        if found and is_scalar(found[-1]):
            numbers *= found.pop()
    if len(found) > 1:
        raise MisfitError
    return _times(numbers, found[0]) if found else numbers


def _fits(left: Any, right: Any) -> bool:
    try:
        _times(left, right)
    except MisfitError:
        return False
    return True


class Values:
    """The values of trees, with some names moved away from the values that they have by their definitions."""

    def __init__(
        self, text: Text, inputs: dict[str, Any], directions: dict[str, Any], moved: dict[str, Any] | None = None
    ) -> None:
        self.text = text
        self.inputs = inputs
        self.directions = directions
        self.moved = moved or {}
        self.known: dict[str, Any] = {}

    def name(self, name: str) -> Any:
        if name in self.moved:
            return self.moved[name]
        if name in self.text.losses:
            return self.loss(name)
        if name not in self.known:
            found = self.of(self.text.defined[name]) if name in self.text.defined else self.inputs[name]
            if isinstance(found, Open):
                raise MisfitError
            if (np.ndim(found) > 0) != (self.text.kinds[name] != "scalar"):
                raise MisfitError
            self.known[name] = found
        return self.known[name]

    def loss(self, name: str) -> float:
        """Return an arbitrary scalar function of all that is computed, and of what it is differentiated by."""
        below = {tree[2][2] for tree in _find(self.text.reader.equations, "by") if tree[1][:1] == ("name",)}
        sinks = [each for each in self.text.sinks if self.text.kinds[each] != ""]
        every = sinks or sorted(below)
        total, crossed = 0.0, 0.0
        for place, each in enumerate(every):
            value = np.asarray(self.name(each))
            weights = np.cos(np.arange(value.size).reshape(value.shape) * (place + 1.3) + len(name))
            total += float((weights * value + 0.3 * np.sin(value + weights)).sum())
            crossed += float((weights**2 * value).sum())
        return total + crossed**2 / 7

    def of(self, tree: Any, componentwise: bool = False) -> Any:
        kind, *parts = tree
        match kind:
            case "number":
                return parts[0]
            case "constant":
                return CONSTANTS[parts[0]]
            case "name":
                return self.name(parts[1])
            case "sum":
                found = self.of(parts[0])
                for part in parts[1:]:
                    value = self.of(part)
                    # In (1 − A) ⊙ B, all is about components.
                    alone = componentwise and is_scalar(found) != is_scalar(value)
                    one, other = (found, value) if alone else _alike(found, value)
                    found = one + other
                return found
            case "negative":
                return _times(-1.0, self.of(parts[0]))
            case "times":
                return _chain(list(map(self.of, parts)))
            case "dot":
                left, right = map(self.of, parts)
                both = all(not isinstance(each, Open) and np.shape(each)[1:] == (1,) for each in (left, right))
                return _times(left.T, right) if both else _chain([left, right])
            case "quotient":
                below = self.of(parts[1])
                if not is_scalar(below):
                    raise MisfitError
                return _times(1 / below, self.of(parts[0]))
            case "transpose":
                return _transposed(self.of(parts[0]))
            case "power":
                return self.power(self.of(parts[0]), parts[1])
            case r"\odot" | r"\otimes":
                return self.product(kind, [self.of(part, kind == r"\odot") for part in parts])
            case "inner":
                one, other = map(self.of, parts)
                return float((one * other).sum()) if np.shape(one) == np.shape(other) else _refused()
            case "norm":
                value = np.asarray(self.of(parts[0]))
                if value.ndim == 0 or (parts[1] == "2" and 1 not in value.shape and len(parts) > 2):
                    raise MisfitError
                return float(np.abs(value).sum() if parts[1] == "1" else np.sqrt((value**2).sum()))
            case "bars":
                value = self.of(parts[0])
                return abs(value) if is_scalar(value) else self.whole("det", value)
            case "function":
                return self.whole(parts[0], self.of(parts[1]))
            case "arbitrary":
                return self.arbitrary(parts[0], parts[1], self.of(parts[2]))
            case "by":
                return self.derivative(*parts)
            case "differential":
                return self.differential(parts[0])
        raise AssertionError(kind)

    @staticmethod
    def power(value: Any, exponent: float) -> Any:
        if is_scalar(value):
            return value**exponent
        if isinstance(value, Open) or value.shape[0] != value.shape[1]:
            raise MisfitError
        if exponent < 0 and np.linalg.cond(value) > 1e6:
            raise MisfitError  # No instance of it: other shapes.
        return np.linalg.matrix_power(value, int(exponent))

    @staticmethod
    def product(kind: str, values: list[Any]) -> Any:
        found, *rest = values
        for value in rest:
            if isinstance(found, Open) or isinstance(value, Open):
                found, value = _alike(found, value)
            if kind == r"\odot":
                if np.shape(found) != np.shape(value):
                    raise MisfitError
                found = found * value
            else:
                both = np.shape(found)[1] == np.shape(value)[1] == 1
                found = found @ value.T if both else np.kron(found, value)
        return found

    @staticmethod
    def whole(name: str, value: Any) -> Any:
        if name in _FUNCTIONS:
            if isinstance(value, Open):
                raise MisfitError
            return _FUNCTIONS[name](value)
        if is_scalar(value) and name in ("tr", "Tr"):
            return value
        if is_scalar(value) or isinstance(value, Open):
            raise MisfitError
        if name in ("tr", "Tr", "trace", "det", "logdet") and value.shape[0] != value.shape[1]:
            raise MisfitError
        if name == "logdet":
            if np.linalg.cond(value) > 1e6:
                raise MisfitError
            return float(np.log(abs(np.linalg.det(value))))
        found = _WHOLE[name](value)
        return float(found) if np.ndim(found) == 0 else found

    @staticmethod
    def arbitrary(name: str, order: int, value: Any) -> Any:
        shift = 0.1 * len(name)
        if order == 0:
            return np.sin(1.3 * value + shift) + 0.2 * value**2
        return 1.3 * np.cos(1.3 * value + shift) + 0.4 * value if order == 1 else _refused()

    def _moved(self, moved: dict[str, Any]) -> Values:
        return Values(self.text, self.inputs, self.directions, {**self.moved, **moved})

    def derivative(self, body: Any, below: Any) -> Any:
        if below[0] != "name":
            raise UnreadError("a derivative by a formula")
        name = below[2]
        here = self.name(name)

        def slope(direction: Any) -> Any:
            return _slope(lambda step: self._moved({name: here + step * direction}).of(body))

        if is_scalar(here):
            return slope(1.0)
        found = np.zeros((*here.shape, 0)).tolist()
        for place in np.ndindex(here.shape):
            unit = np.zeros(here.shape)
            unit[place] = 1.0
            found[place[0]][place[1]] = slope(unit)
        if np.ndim(found[0][0]) == 0:
            return np.array(found, dtype=float)
        if here.shape[1] != 1 or found[0][0].shape[1] != 1:
            raise MisfitError
        return np.hstack([row[0] for row in found])

    def differential(self, body: Any) -> Any:
        inputs = self.text.inputs
        if body[0] == "name" and body[2] in self.text.losses:
            own = {tree[1][2] for tree in _find(self.text.reader.equations, "differential") if tree[1][0] == "name"}
            inputs = [each for name in own - self.text.losses for each in self._sources(name)]
        moving = [name for name in dict.fromkeys(inputs) if name not in self.text.reader.constant]

        def at(step: float) -> Any:
            moved = {}
            for name in moving:
                direction = self.directions[name]
                moved[name] = self.name(name) + step * (direction if self.text._axes(name) else direction[0, 0])
            return self._moved(moved).of(body)

        return _slope(at)

    def _sources(self, name: str) -> Iterator[str]:
        if name in self.text.defined:
            for each, _ in named(self.text.defined[name]):
                yield from self._sources(each)
        else:
            yield name


STEP = 2e-3


def _slope(function: Callable[[float], Any]) -> Any:
    """Return the derivative at 0, by six points."""
    near, far, farther = (function(times * STEP) - function(-times * STEP) for times in (1, 2, 3))
    return (45 * near - 9 * far + farther) / (60 * STEP)
