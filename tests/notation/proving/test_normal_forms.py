"""Normal forms have the values of the expressions that they are of: random expressions, evaluated both ways."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any

import pytest
from mpmath import mp as shared

from einsum_doc.notation.expression import (
    Affine,
    Coordinate,
    Delta,
    Expression,
    Function,
    Index,
    Indicator,
    Negative,
    Number,
    One,
    Ordinal,
    Partial,
    Pi,
    Power,
    Product,
    Quotient,
    Reduction,
    Size,
    Subscript,
    Sum,
    Summation,
    Tensor,
)
from einsum_doc.notation.proving.facts import Facts
from einsum_doc.notation.proving.functions import DERIVATIVES, MEANINGS
from einsum_doc.notation.proving.polynomial import (
    Applied,
    Base,
    Choice,
    Exponential,
    Factor,
    GiveUpError,
    IndexValue,
    Polynomial,
    Position,
    PositiveNumber,
    TensorEntry,
    Total,
)
from einsum_doc.notation.proving.prover import Prover
from einsum_doc.notation.subscripts import spelled

SIZE = 3
RANKS = {"x": 1, "y": 2, "s": 0, "p": 1, "q": 0}
POSITIVE = ("p", "q")
LETTERS = "ijk"

mp = shared.clone()  # Its own precision: other tests have theirs.
mp.dps = 50
mpf = mp.mpf
STEP = mpf(10) ** -18

FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "exp": mp.exp,
    "log": mp.log,
    "ln": mp.log,
    **{name: getattr(mp, name) for name in ("sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh")},
    **{name: getattr(mp, name) for name in ("coth", "sech", "csch")},
    **{f"arc{name}": getattr(mp, f"a{name}") for name in ("sin", "cos", "tan")},
    **{f"ar{name}": getattr(mp, f"a{name}") for name in ("sinh", "cosh", "tanh")},
    "erf": mp.erf,
    "abs": abs,
    "sign": mp.sign,
    "relu": lambda v: max(v, mpf(0)),
    "sigmoid": lambda v: 1 / (1 + mp.exp(-v)),
    "softplus": lambda v: mp.log(1 + mp.exp(v)),
    "logsigmoid": lambda v: -mp.log(1 + mp.exp(-v)),
    "silu": lambda v: v / (1 + mp.exp(-v)),
    "mish": lambda v: v * mp.tanh(mp.log(1 + mp.exp(v))),
    "gelu": lambda v: v * mp.ncdf(v),
    "normalcdf": mp.ncdf,
    "normalpdf": mp.npdf,
    "softsign": lambda v: v / (1 + abs(v)),
    "f": lambda v: mp.sin(v * 2) + v**3 / 7,
}

Env = Mapping[Any, int]
Values = Mapping[str, Mapping[tuple[int, ...], Any]]


class NoValueError(Exception):
    """An expression without a real value."""


def real(value: Any) -> Any:
    """A real number, and no other."""
    if isinstance(value, mp.mpc):
        if abs(value.imag) > mpf(10) ** -30:
            raise NoValueError
        value = value.real
    if not mp.isfinite(value) or abs(value) > mpf(10) ** 30:  # cot π is a division by rounding.
        raise NoValueError
    return value


def applied(name: str, order: int, value: Any) -> Any:
    """A function, or one of its derivatives."""
    if order:
        if name in ("abs", "sign", "relu") and value == 0:
            raise NoValueError
        real(FUNCTIONS[name](value))
        return real(mp.diff(FUNCTIONS[name], value, order))
    return real(FUNCTIONS[name](value))


def power(base: Any, exponent: Any) -> Any:
    """A power as the checker has it: a root of a negative number has no value."""
    if base == 0 and exponent < 0:
        raise NoValueError
    if base < 0 and exponent != int(exponent):
        raise NoValueError
    return real(mp.power(base, exponent))


def holds(sign: str, first: int, second: int) -> bool:
    """Whether a relation between two numbers holds."""
    return {
        "=": first == second,
        "≠": first != second,
        "<": first < second,
        ">": first > second,
        "≤": first <= second,
        "≥": first >= second,
    }[sign]


def value(expression: Expression, env: Env, values: Values) -> Any:
    """The number that an expression is, by its meaning."""

    def of(part: Expression) -> Any:
        return value(part, env, values)

    def at(subscript: Any) -> int:
        if isinstance(subscript, Affine):
            return sum(count * prod(map(at, atoms)) for count, atoms in subscript.terms)
        return subscript.value if isinstance(subscript, Coordinate) else env[subscript]

    match expression:
        case Number(number):
            return mpf(number.numerator) / number.denominator
        case Pi():
            return mp.pi
        case Size():
            return mpf(SIZE)
        case One():
            return mpf(1)
        case Delta((first, second)):
            return mpf(at(first) == at(second))
        case Indicator((first, second), sign):
            return mpf(holds(sign, at(first), at(second)))
        case Ordinal((index,), origin):
            return mpf(at(index) + origin)
        case Tensor(name, indices):
            return values[name][tuple(map(at, indices))]
        case Negative(body):
            return -of(body)
        case Sum(terms):
            return sum(map(of, terms), mpf(0))
        case Product(factors):
            return prod(map(of, factors), start=mpf(1))
        case Quotient(top, bottom):
            return of(top) * power(of(bottom), mpf(-1))
        case Power(base, exponent):
            return power(of(base), of(exponent))
        case Function(name, argument, order):
            return applied(name, order, of(argument))
        case Summation(indices, body):
            found = [
                value(body, {**env, **dict(zip(indices, at_, strict=True))}, values) for at_ in places(len(indices))
            ]
            sign = expression.sign if isinstance(expression, Reduction) else "Σ"
            return gathered(sign, found)
        case Partial(body, by):
            place = tuple(map(at, by.indices))
            moved = [{**values, by.name: {**values[by.name], place: values[by.name][place] + h}} for h in (STEP, -STEP)]
            up, down = (value(body, env, each) for each in moved)
            return (up - down) / (2 * STEP)
    raise AssertionError(expression)


def gathered(sign: str, found: list[Any]) -> Any:
    """A sum, a product, or the largest of numbers."""
    return {"Σ": sum, "∏": prod, "max": max, "min": min, "mean": lambda each: sum(each) / SIZE}[sign](found)


def places(rank: int) -> Iterator[tuple[int, ...]]:
    """All values of some indices."""
    return product(range(SIZE), repeat=rank)


def number_of(polynomial: Polynomial, env: Mapping[str, int], values: Values) -> Any:
    """The number that a normal form is."""
    return sum(
        (
            c.numerator * prod((powered(f, e, env, values) for f, e in m.factors), start=mpf(1)) / c.denominator
            for m, c in polynomial.terms
        ),
        mpf(0),
    )


def powered(factor: Factor, exponent: Fraction, env: Mapping[str, int], values: Values) -> Any:
    """The number that a factor with its exponent is."""
    return power(factor_value(factor, env, values), mpf(exponent.numerator) / exponent.denominator)


def factor_value(factor: Factor, env: Mapping[str, int], values: Values) -> Any:
    """The number that a factor is."""

    def at(index: str) -> int:
        return env[index] if index[0] != "#" else int(index[1:]) if index[1:].isdigit() else SIZE - 1

    match factor:
        case PositiveNumber(key=key):
            return mp.pi if key == "π" else mpf(key) if key.isdigit() else mpf(SIZE)
        case TensorEntry(head=(name,), indices=indices):
            return values[name][tuple(map(at, indices))]
        case IndexValue(index=index):
            return mpf(at(index))
        case Position(terms=terms):
            return mpf(not sum(count * prod(at(index) for _, (index,) in atoms) for count, atoms in terms))
        case Choice(sign=sign, first=first, second=second):
            return mpf(holds(sign, at(first), at(second)))
        case Exponential(inside=inside):
            return mp.exp(number_of(inside, env, values))
        case Applied(name=name, order=order, inside=inside):
            return applied(name, order, number_of(inside, env, values))
        case Base(inside=inside):
            return number_of(inside, env, values)
        case Total(names=names, inside=inside, sign=sign):
            found = [
                number_of(inside, {**env, **dict(zip(names, at_, strict=True))}, values) for at_ in places(len(names))
            ]
            return gathered(sign, found)
    raise AssertionError(factor)


KINDS = (
    *["sum"] * 4,
    *["product"] * 5,
    "negative",
    *["quotient"] * 2,
    *["power"] * 3,
    "any power",
    *["function"] * 3,
    *["summation"] * 4,
    *["partial"] * 2,
)


def computed(terms: tuple[tuple[int, tuple[Any, ...]], ...]) -> Affine:
    """Index arithmetic, with its text."""
    return Affine(terms, spelled(terms))


class Writer:
    """Random expressions, of these kinds, tensors and functions. by: the tensors that derivatives are by."""

    kinds: Sequence[str] = KINDS
    ranks: Mapping[str, int] = RANKS
    functions: Sequence[str] = tuple(FUNCTIONS)
    by: Sequence[str] = ("x", "p", "s")

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.count = 0

    def new(self) -> Index:
        """An index that is used nowhere else."""
        self.count += 1
        return Index("n", self.count)

    def index(self, open_: list[Index]) -> Subscript:
        """An index that is open, or now and then a number."""
        return Coordinate(self.random.randrange(SIZE)) if self.random.random() < 0.08 else self.random.choice(open_)

    def tensor(self, open_: list[Index]) -> Tensor:
        """A component."""
        name = self.random.choice(list(self.ranks))
        return Tensor(name, tuple(self.index(open_) for _ in range(self.ranks[name])))

    def arithmetic(self, open_: list[Index]) -> Affine:
        """An index that is computed from others."""
        counts = [self.random.choice([-1, 1, 1, 2]) for _ in range(self.random.randrange(1, 3))]
        terms = tuple((count, (self.random.choice(open_),)) for count in counts)
        return computed((*terms, (self.random.randrange(-2, 3), ())))

    def bound(self, open_: list[Index]) -> Subscript:
        """An index, or the one before it or after it."""
        found = self.index(open_)
        return found if self.random.random() < 0.7 else computed(((1, (found,)), (self.random.choice([-1, 1]), ())))

    def leaf(self, open_: list[Index]) -> Expression:
        """An expression without parts."""
        kind = self.random.random()
        if kind < 0.62:
            return self.tensor(open_)
        if kind < 0.75:
            return Number(Fraction(self.random.randrange(-4, 7), self.random.choice([1, 1, 2, 3])))
        if kind < 0.87:
            return Delta((self.index(open_), self.index(open_)))
        if kind < 0.91:
            return Delta((self.index(open_), self.arithmetic(open_)))
        if kind < 0.95:
            return Indicator((self.index(open_), self.bound(open_)), self.random.choice("<>≤≥≠"))
        if kind < 0.97:
            return Ordinal((self.random.choice(open_),), self.random.randrange(2))
        return self.random.choice([Size("I", open_[0]), Pi(), One((open_[0],))])

    def expression(self, open_: list[Index], depth: int) -> Expression:
        """An expression in open indices."""
        if depth == 0:
            return self.leaf(open_)

        def part() -> Expression:
            return self.expression(open_, self.random.randrange(depth))

        match self.random.choice(self.kinds):
            case "sum":
                return Sum((part(), part()))
            case "product":
                return Product((part(), part()))
            case "negative":
                return Negative(part())
            case "quotient":
                return Quotient(part(), part())
            case "power":
                exponent = self.random.choice(
                    [2, 3, -1, -2, Fraction(1, 2), Fraction(-1, 2), Fraction(1, 3), Fraction(3, 2)]
                )
                return Power(part(), Number(Fraction(exponent)))
            case "any power":
                return Power(part(), self.leaf(open_))
            case "function":
                return Function(self.random.choice(self.functions), part(), self.random.choice([0, 0, 0, 1]))
            case "summation":
                new = self.new()
                body = self.expression([*open_, new, new], depth - 1)
                if self.random.random() < 0.85:
                    return Summation((new,), body)
                return Reduction((new,), body, sign=self.random.choice(["∏", "max", "min", "mean"]))
            case _:
                by = self.random.choice(self.by)
                indices = tuple(self.random.choice(open_) for _ in range(self.ranks[by]))
                return Partial(self.expression(open_, depth - 1), Tensor(by, indices))


def prover() -> Prover:
    """A prover that knows the tensors, and no definitions."""
    facts = Facts(
        definitions={},
        codes={},
        ranks=RANKS,
        sinks=(),
        scalars=frozenset(),
        depends=lambda name, x, held: name == x,
        size=lambda node: "n",
        numbers={},
        positive=frozenset(POSITIVE),
        least={"n": SIZE},
    )
    return Prover(facts)


def inputs(seed: int) -> Values:
    """Random tensors, of both signs but for the positive ones."""
    rng = random.Random(f"inputs {seed}")

    def drawn(name: str) -> Any:
        return mpf(rng.uniform(0.2, 2)) * (1 if name in POSITIVE else rng.choice([-1, 1]))

    return {name: {at: drawn(name) for at in places(rank)} for name, rank in RANKS.items()}


def judged(seed: int) -> str:
    """What became of one random expression: "same", "no value", "given up", or the two numbers that differ."""
    writer = Writer(seed)
    open_ = [Index(letter) for letter in LETTERS[: writer.random.randrange(1, 3)]]
    expression = writer.expression(open_, writer.random.randrange(1, 6))
    one = prover()
    try:
        found = one.read(expression, "c")
    except (GiveUpError, RecursionError):
        return "given up"
    values = inputs(seed)
    seen = "no value"
    for at in places(len(open_)):
        try:
            left = value(expression, dict(zip(open_, at, strict=True)), values)
            right = number_of(found, {index.letter: place for index, place in zip(open_, at, strict=True)}, values)
        except (NoValueError, OverflowError, ZeroDivisionError, ValueError):
            continue
        if abs(left - right) > mpf(10) ** -6 * (1 + abs(left)):
            return f"{expression} at {at} is {mp.nstr(left)}, and its normal form {found} is {mp.nstr(right)}"
        seen = "same"
    return seen


@pytest.mark.parametrize("first", range(0, 400, 100))
def test_a_normal_form_has_the_value_of_its_expression(first: int) -> None:
    found = [judged(seed) for seed in range(first, first + 100)]
    assert [each for each in found if each not in ("same", "no value", "given up")] == []
    assert found.count("same") > 40


def test_every_function_is_known_here() -> None:
    assert FUNCTIONS.keys() - {"f"} >= MEANINGS.keys() | DERIVATIVES.keys()
