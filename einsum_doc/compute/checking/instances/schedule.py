"""The instances that a chain is checked on, by number: which lengths, signs and magnitudes each of them has."""

from __future__ import annotations

from collections.abc import Sequence

from einsum_doc.compute.checking.symbols.exact import constant
from einsum_doc.notation.expression import Expression, Function, Index, Power, subscripts

INSTANCES = (0, 1, 2, 4)
"""The numbers of the instances of a line without dots. With dots there is one for each of LENGTHS.

A number says which signs and sizes an instance has, and those with WIDE in them have inputs of all magnitudes.
"""

BRANCHES = 8
"""The number of instances of a line about scalars, or with functions that have branches; twice as many if the
signs of more than INDEPENDENT scalars are to meet in every way."""

INDEPENDENT = 3
"""The binary logarithm of BRANCHES."""

BRANCHING = frozenset(["abs", "relu", "sign", "log", "arcsin", "arccos", "arctan", "arsinh", "arcosh", "artanh"])
"""Functions that agree with others where their arguments have one sign, or lie in one interval."""

LENGTHS = ((2, 2, 2), (1, 1, 1), (0, 0, 0), (3, 1, 0), (0, 3, 1), (1, 0, 3))
"""The numbers of indices that the ranges of a chain stand for, in turn."""

WIDE = 4
"""The bit in an instance's number that says that its inputs have all magnitudes."""

AGAIN = 1000
"""The difference between the number of an instance and that of the one that is drawn in its place."""


def scheduled(
    sides: Sequence[Expression], definitions: Sequence[Expression], inputs: int
) -> tuple[Sequence[int], list[int]]:
    """Return the numbers of a chain's instances, and the patterns of signs that its inputs have in them.

    inputs: how many tensors no definition gives. A chain with dots has at least one instance for each of LENGTHS.
    """
    scalar = not any(isinstance(subscript, Index) for side in sides for subscript in subscripts(side))
    if not scalar and not any(map(_branches, (*sides, *definitions))):
        return INSTANCES, _patterns(BRANCHES)
    patterns = _patterns(BRANCHES)
    if inputs > (INDEPENDENT if scalar else len(patterns)):
        return range(2 * BRANCHES), _patterns(2 * BRANCHES)
    return range(BRANCHES), patterns


def _patterns(count: int) -> list[int]:
    """Return patterns of signs over so many instances: any two of them meet in all four ways, as in a Hadamard matrix.

    Each has both signs among the wide instances too. The first INDEPENDENT meet in every way, and one more of
    twice as many instances.
    """
    first = [1, 2, 5, 8]
    return [row for row in dict.fromkeys((*first, *range(1, count))) if row < count and row & ~WIDE]


def _branches(expression: Expression) -> bool:
    """Return whether an expression has functions that consist of pieces, or roots."""
    for part in expression.walk():
        if isinstance(part, Function) and part.name in BRANCHING:
            return True
        if isinstance(part, Power):
            number = constant(part.exponent)
            if number is None or number.denominator != 1:
                return True
    return False


def odd(bits: int) -> bool:
    """Return whether an odd number of bits is set."""
    return bits.bit_count() % 2 == 1
