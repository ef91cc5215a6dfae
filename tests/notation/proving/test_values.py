"""Values at a point are those of mpmath: random expressions, evaluated both ways, with the bound of the rounding."""

from __future__ import annotations

import random
from collections import defaultdict
from fractions import Fraction
from typing import Any

import pytest
import test_normal_forms as other
from test_normal_forms import POSITIVE, RANKS, SIZE, NoValueError, Writer, mp, mpf, places

from einsum_doc.notation.expression import Index
from einsum_doc.notation.statements import dual
from einsum_doc.notation.statements.drawn import At, Drawn
from einsum_doc.notation.statements.values import Point, PointValues, WorkError


class Given(Drawn):
    """Inputs that are given."""

    def __init__(self, values: dict[str, dict[At, Fraction]]) -> None:
        super().__init__({}, (1,), random.Random(0))
        self.values = values
        self.functions["f"] = (1, 2, 0, 1)

    def component(self, name: str, shape: At, at: At) -> Fraction:
        return self.values[name][at]


def judged(seed: int) -> str:
    """What became of one random expression: "exact", "rounded", "no value", or the two numbers that differ."""
    writer, rng = Writer(seed), random.Random(f"values {seed}")
    open_ = [Index(letter) for letter in other.LETTERS[: writer.random.randrange(1, 3)]]
    expression = writer.expression(open_, writer.random.randrange(1, 6))
    values = {
        name: {
            at: Fraction(rng.randint(1, 9), rng.choice([1, 2, 3])) * (1 if name in POSITIVE else rng.choice([-1, 1]))
            for at in places(rank)
        }
        for name, rank in RANKS.items()
    }
    lengths: Any = defaultdict(lambda: SIZE)
    point = Point(other.prover().facts, lengths, {}, {}, frozenset(), Given(values))
    real = {name: {at: mpf(v.numerator) / v.denominator for at, v in own.items()} for name, own in values.items()}
    found = PointValues(point, 50_000)
    seen = "no value"
    for at in places(len(open_)):
        env = dict(zip(open_, at, strict=True))
        try:
            ours = found.of(expression, "c", dict(env), found.base)
            theirs = other.value(expression, env, real)
        except (dual.NoValueError, WorkError, NoValueError, OverflowError, ZeroDivisionError, ValueError):
            continue
        exact = not isinstance(ours, dual.Rounded)
        number = mpf(ours.numerator) / ours.denominator if exact else mpf(ours.value)
        bound = mpf(10) ** -20 * (1 + abs(theirs)) + (0 if exact else ours.error)
        if abs(number - theirs) > bound:
            return f"{expression} at {at} is {mp.nstr(theirs)}, and here {dual.shown(ours)}, seed {seed}"
        seen = "exact" if exact else "rounded"
    return seen


@pytest.mark.parametrize("first", range(0, 600, 150))
def test_a_value_is_that_of_the_expression(first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(other.FUNCTIONS, "f", lambda value: 1 + 2 * value + value**3)
    found = [judged(seed) for seed in range(first, first + 150)]
    assert [each for each in found if each not in ("exact", "rounded", "no value")] == []
    assert found.count("exact") > 30
    assert found.count("rounded") > 20
