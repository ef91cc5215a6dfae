"""The meanings that a page has given to letters, as far as reading needs them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Lexicon:
    """The meanings of letters.

    labels: letters that are no indices, but parts of names, as t in `h_{t-1}`. squares: letters that are names with
    their square only, as the variance σ². names: those of several signs, each with the letter it is read as.
    functions: letters that are functions where they stand before a bracket, each with its name. upstream: the scalar
    whose derivative by x is written dx. integers: letters that are numbers in indices.
    picks: tensors of indices. samples: letters that number samples. tabular: names whose arguments in
    brackets are indices. upper: letters that are indices as exponents; numbered: those of them in brackets.
    texts: words that are names.
    capitals: names whose capitals below are labels. indexed: names that have other indices.
    """

    labels: frozenset[str] = frozenset()
    squares: frozenset[str] = frozenset()
    names: Mapping[str, str] = field(default_factory=dict)
    functions: Mapping[str, str] = field(default_factory=dict)
    upstream: str = ""
    integers: frozenset[str] = frozenset()
    picks: frozenset[str] = frozenset()
    samples: frozenset[str] = frozenset()
    tabular: frozenset[str] = frozenset()
    upper: frozenset[str] = frozenset()
    numbered: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()
    capitals: frozenset[str] = frozenset()
    indexed: frozenset[str] = frozenset()


NOTHING_SAID = Lexicon()

_UPSTREAM = re.compile(
    r"^d((?:\\[a-z]+)?\{?[A-Za-z]\}?)&?=\\frac\{\\partial(\\?[A-Za-z]+)\}\{\\partial((?:\\[a-z]+)?\{?[A-Za-z]\}?)\}",
    re.M,
)


def upstream(text: str) -> Iterator[str]:
    r"""Yield the scalar of a row that says what a d is, `d\mathbf{X} = \frac{\partial L}{\partial \mathbf{X}}`."""
    rows = re.sub(r"[ \t]|\\,", "", text.replace(r"\\", "\n").replace(",", "\n"))
    yield from (scalar for name, scalar, below in _UPSTREAM.findall(rows) if name == below)
