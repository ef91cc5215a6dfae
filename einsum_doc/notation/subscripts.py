"""Names, and the indices that stand on them: letters with primes, numbers, ranges, index arithmetic."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

Position: TypeAlias = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Located:
    """A value with its position in a text."""

    at: Position = field(default=(0, 0), compare=False)


@dataclass(frozen=True)
class Index(Located):
    """One index: a letter and its primes."""

    letter: str
    primes: int = 0

    def __str__(self) -> str:
        return plain(self.letter) + "'" * self.primes


class NewIndex(Index):
    """An index that the text does not write, of a matrix in components: no capital is the number of its values."""


@dataclass(frozen=True)
class Coordinate(Located):
    """A number as an index. Counted from 0, as in torch."""

    value: int

    def __str__(self) -> str:
        return str(self.value)


@dataclass(frozen=True)
class Fixed(Located):
    """A constant index, as the target class in cross-entropy."""

    letter: str

    def __str__(self) -> str:
        return plain(self.letter)


@dataclass(frozen=True)
class Range(Located):
    r"""Any number of indices, written with dots: `a \dots b`.

    Where the two ends have different primes, as in `a' \dots b`, the first has those of the first end and
    all others those of the last.
    """

    first: Index
    last: Index

    def __str__(self) -> str:
        return f"{self.first}…{self.last}"


@dataclass(frozen=True)
class Extent(Located):
    """The number of values of an index, in index arithmetic; `name` is the capital or the letter that stands for it."""

    name: str
    index: Index

    def __str__(self) -> str:
        return plain(self.name)


@dataclass(frozen=True)
class Whole(Located):
    """A letter that is a whole number in index arithmetic, as a stride."""

    letter: str

    def __str__(self) -> str:
        return plain(self.letter)


@dataclass(frozen=True)
class Picked(Located):
    """A component of a tensor of indices, as t_n in E_{t_n d}."""

    name: str
    indices: tuple[Subscript, ...]

    def __str__(self) -> str:
        return plain(self.name) + subscript(self.indices)


Atom: TypeAlias = "Index | Fixed | Extent | Whole | Picked"


@dataclass(frozen=True)
class Affine(Located):
    """Index arithmetic: a sum of products of letters, each with its factor; `written` is the text for messages."""

    terms: tuple[tuple[int, tuple[Atom, ...]], ...]
    written: str = field(default="", compare=False)

    def __str__(self) -> str:
        return self.written


@dataclass(frozen=True)
class Bounded(Index):
    """An index of a sum over a part of the range: from its first value up to its last, both included."""

    low: Affine = field(default=Affine(()))
    high: Affine = field(default=Affine(()))

    __str__ = Index.__str__


Subscript: TypeAlias = Index | Coordinate | Fixed | Range | Affine | Picked


def inner(indices: Iterable[Subscript | Atom]) -> Iterator[Subscript]:
    """Yield indices as they are, and those that index arithmetic and tensors of indices are computed from."""
    for index in indices:
        if isinstance(index, Affine):
            yield from inner(atom for _, atoms in index.terms for atom in atoms)
        elif isinstance(index, Picked):
            yield from inner(index.indices)
        elif not isinstance(index, Extent | Whole):
            yield index


def atoms_of(index: Affine) -> list[Any]:
    """Return the letters of index arithmetic."""
    return [atom for _, atoms in index.terms for atom in atoms]


def spelled(terms: Iterable[tuple[int, tuple[Any, ...]]]) -> str:
    """Return the text of index arithmetic.

    >>> spelled([(2, (Index("i"),)), (-1, (Index("m"),)), (1, ())])
    '2i−m+1'
    """
    text = ""
    for number, atoms in terms:
        size = str(abs(number)) if abs(number) != 1 or not atoms else ""
        text += ("−" if number < 0 else "+" if text else "") + size + "".join(map(str, atoms))
    return text or "0"


def renamed(index: Any, change: Callable[[Any], Any]) -> Any:
    """Return an index with `change` applied to the indices that it is computed from, and then to itself."""
    if isinstance(index, Affine):
        terms = tuple((number, tuple(renamed(atom, change) for atom in atoms)) for number, atoms in index.terms)
        index = replace(index, terms=terms)
    elif isinstance(index, Picked):
        index = replace(index, indices=tuple(renamed(each, change) for each in index.indices))
    return change(index)


def subscript(indices: tuple[Subscript, ...]) -> str:
    """Return the indices of a component, as plain text.

    >>> subscript((Index("i", 1), Index("j")))
    "_{i'j}"
    """
    if not indices:
        return ""
    separator = (
        "," if any(isinstance(index, Coordinate | Affine | Picked) for index in indices) and len(indices) > 1 else ""
    )
    text = separator.join(map(str, indices))
    return f"_{text}" if len(text) == 1 else f"_{{{text}}}"


def letters(found: Iterable[Subscript]) -> set[str]:
    """Return the letters among indices, those in the ends of ranges too."""
    names: set[str] = set()
    for index in found:
        if isinstance(index, Range):
            names |= {index.first.letter, index.last.letter}
        elif isinstance(index, Index):
            names.add(index.letter)
    return names


_GREEK = (
    *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu"),
    *("nu", "xi", "omicron", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega"),
    *("Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega"),
    *("varepsilon", "vartheta", "varrho", "varsigma", "varphi", "pi", "ell"),
)
GREEK = dict(zip(_GREEK, "αβγδεζηθικλμνξορστυϕχψωΓΔΘΛΞΠΣΥΦΨΩεϑϱςφπℓ", strict=True))
"""Letters that are written as commands, with the character that stands for each in plain text."""

ACCENTS = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303", "dot": "\u0307", "vec": "\u20d7", "check": "\u030c"}
"""Accents over a name, with the combining character of each."""

DIFFERENTIALS = ("d", r"\mathrm{d}", r"\mathsf{d}", r"\Delta")
"""Scalars that make the name after them a differential, to a reader."""


_ACCENTED = re.compile(r"\\([a-z]+)\{([^{}]*)\}")
_COMMAND = re.compile(r"\\([a-zA-Z]+|,) ?")
_SIGNS = {**GREEK, "cdots": "⋯ ", "partial": "∂", ",": ""}


def plain(name: str) -> str:
    r"""Return a name, a letter or a simple formula without LaTeX.

    >>> plain("\\mu"), plain("\\mathbf{x}"), plain("x'"), plain(r"\delta_{ii'} \, \mathbf{y}")
    ('μ', 'x', "x'", "δ_{ii'} y")
    """
    return _COMMAND.sub(lambda match: _SIGNS.get(match[1], match[1]), _unstyled(name, ACCENTS))


def identifier(name: str) -> str:
    r"""Return the name of a tensor as Python can spell it.

    >>> identifier("x"), identifier(r"\mathbf{x}"), identifier(r"\hat{x}'"), identifier(r"\lambda")
    ('x', 'x', 'x_hat_prime', 'lambda_')
    """
    found = _unstyled(name, {accent: "_" + accent for accent in ACCENTS})
    for sign, word in (("\\", ""), ("'", "_prime"), ("*", "_star"), ("+", "_plus_"), ("-", "_minus_")):
        found = found.replace(sign, word)
    found = re.sub(r"[\W_]+", "_", found).strip("_")
    return found + "_" * keyword.iskeyword(found)


def _unstyled(name: str, accents: Mapping[str, str]) -> str:
    """Return a name without braces: a style is dropped, an accent written after what it is on."""
    while (found := _ACCENTED.sub(lambda match: match[2] + accents.get(match[1], ""), name)) != name:
        name = found
    return name
