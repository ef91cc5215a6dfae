"""Letters for indices and names for tensors, so that none is confused with another."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from einsum_doc.equation import ELLIPSIS, Equation
from einsum_doc.errors import EquationError
from einsum_doc.notation.expression import GREEK, Index, Range, Subscript, identifier

NAMES = "xywvutsrqpnmhgfdcba"
_UNWANTED = frozenset("delxyzo")
"""Letters that an index gets last: names of tensors, the loss, and letters that look like another sign."""

_ALPHABET = "abcdefghijklmnopqrstuvwxyz"
_FROM_GREEK = {character: "\\" + command for command, character in reversed(GREEK.items())}
GREEK_LETTERS = [f"\\{command}" for command in GREEK if command not in ("delta", "pi", "omicron") and command.islower()]


def letter_of(label: str) -> str | None:
    """Return the LaTeX of a label; None if it is no lower-case letter of LaTeX.

    Capitals name the ranges of indices, or constant indices.
    """
    letter = label if label.isascii() else _FROM_GREEK.get(label)
    return letter if label.islower() else None


class Letters:
    """Letters for the indices of an equation, and those that are not in use."""

    def __init__(self, equation: Equation, reserved: Collection[str]) -> None:
        self.text = equation.text
        labels = [label for label in equation.labels if label != ELLIPSIS]
        letters = {label: letter_of(label) for label in labels}
        self.taken = {letter for letter in letters.values() if letter}.union(reserved, map(identifier, reserved))
        for label in labels:
            letters[label] = letters[label] or self.instead_of(label)
        self.subscripts: dict[str, Subscript] = {label: Index(letter) for label, letter in letters.items() if letter}
        if ELLIPSIS in equation.labels:
            pairs = (tuple(pair) for pair in ("ab", "cd", "pq", "mn", "rs", "uv") if not self.taken & set(pair))
            first, last = next(pairs, None) or (self.fresh(), self.fresh())
            self.taken |= {first, last}
            self.subscripts[ELLIPSIS] = Range(Index(first), Index(last))

    def instead_of(self, label: str) -> str:
        """Return a lower-case letter for a label that is none, while there are any."""
        small = letter_of(label.lower())
        ring = sorted(_ALPHABET, key=_UNWANTED.__contains__)
        return self.first_of(
            [small] if small else [], ring, GREEK_LETTERS, [label] if label.isascii() else _ALPHABET.upper()
        )

    def fresh(self, after: str = "h") -> str:
        """Return a letter for an index, the next in the alphabet if it is not taken."""
        start = _ALPHABET.find(after) + 1
        ring = _ALPHABET[start:] + _ALPHABET[:start]
        return self.first_of(sorted(ring, key=_UNWANTED.__contains__), GREEK_LETTERS, _ALPHABET.upper())

    def first_of(self, *wanted: Iterable[str]) -> str:
        """Return the first letter that is not taken, and take it."""
        found = next((letter for letters in wanted for letter in letters if letter not in self.taken), None)
        if found is None:
            raise EquationError("there are not letters enough to write it in index notation", text=self.text)
        self.taken.add(found)
        return found

    def names(self, count: int) -> tuple[str, ...]:
        """Return names for so many operands."""
        hats = [f"\\{accent}{{{letter}}}" for accent in ("hat", "tilde", "check", "vec") for letter in NAMES]
        return tuple(self.first_of(NAMES, GREEK_LETTERS, hats) for _ in range(count))


def accented(accent: str, name: str) -> str:
    r"""Return a name with an accent, and its labels and primes after that.

    >>> accented("dot", r"W_{\text{q}}'")
    "\\dot{W}_{\\text{q}}'"
    """
    bare = re.split("[_^']", name)[0]
    return f"\\{accent}{{{bare}}}{name[len(bare) :]}"
