"""An independent check of a claim: forty digits, one component at a time, derivatives by finite differences.

What it shares with the checker is the reading: where the sums are, what a name stands for, which sizes are
equal. The numbers are its own: mpmath with 70 digits, no tensors, no einsum, no autograd, no tolerance worth
the name (25 digits, where float64 has 16). A claim is compared in a few components of each instance.
"""

from __future__ import annotations

import itertools
import operator
import random
import re
from collections.abc import Iterator, Mapping
from typing import Any

import mpmath
from mpmath import mp, mpf

from einsum_doc.compute.checking.cases import Case
from einsum_doc.compute.checking.instances import Formula
from einsum_doc.notation.expression import (
    Coordinate,
    Delta,
    Expression,
    Fixed,
    Function,
    Index,
    Indicator,
    Negative,
    Number,
    One,
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
from einsum_doc.notation.matrices.components import OfMatrix
from einsum_doc.notation.matrices.nodes import Differential

mp.dps = 70
STEP = mpf(10) ** -17
"""Of the finite differences: their error is its fourth power, 10⁻⁶⁸, or 10⁻³⁴ of a second derivative."""

SAME = mpf(10) ** -25
COMPONENTS = 30

FUNCTIONS = {
    "exp": mpmath.exp,
    "log": mpmath.log,
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "tan": mpmath.tan,
    "tanh": mpmath.tanh,
    "sinh": mpmath.sinh,
    "cosh": mpmath.cosh,
    "sigmoid": lambda u: 1 / (1 + mpmath.exp(-u)),
    "erf": mpmath.erf,
    "cot": mpmath.cot,
    "sec": mpmath.sec,
    "csc": mpmath.csc,
    "arcsin": mpmath.asin,
    "arccos": mpmath.acos,
    "arctan": mpmath.atan,
    "arsinh": mpmath.asinh,
    "arcosh": mpmath.acosh,
    "artanh": mpmath.atanh,
    "abs": abs,
    "sign": mpmath.sign,
    "relu": lambda u: max(u, mpf(0)),
    "sech": mpmath.sech,
    "csch": mpmath.csch,
    "coth": mpmath.coth,
    "softplus": lambda u: mpmath.log1p(mpmath.exp(u)),
    "logsigmoid": lambda u: -mpmath.log1p(mpmath.exp(-u)),
    "silu": lambda u: u / (1 + mpmath.exp(-u)),
    "gelu": lambda u: u * mpmath.ncdf(u),
    "mish": lambda u: u * mpmath.tanh(mpmath.log1p(mpmath.exp(u))),
    "softsign": lambda u: u / (1 + abs(u)),
    "normalpdf": mpmath.npdf,
    "normalcdf": mpmath.ncdf,
    "[>]": lambda u: mpf(u > 0),
    "[≥]": lambda u: mpf(u >= 0),
    "[=]": lambda u: mpf(u == 0),
    "[≠]": lambda u: mpf(u != 0),
}

COMPARISONS = {"<": operator.lt, ">": operator.gt, "≤": operator.le, "≥": operator.ge, "≠": operator.ne}
REDUCTIONS = {
    "∏": mpmath.fprod,
    "max": max,
    "min": min,
    "mean": lambda values: mpmath.fsum(each := list(values)) / len(each),
}

CODE = {
    "torch.linalg.inv": lambda matrix: matrix**-1,
    "torch.linalg.det": mpmath.det,
    "torch.logdet": lambda matrix: mpmath.log(mpmath.det(matrix)),
    "torch.linalg.slogdet": lambda matrix: (mpmath.sign(mpmath.det(matrix)), mpmath.log(abs(mpmath.det(matrix)))),
    "torch.linalg.svd": mp.svd_r,
}
"""The functions of a matrix in the code of the texts, in mpmath; `[1]` in the code selects from a tuple."""

OF_MATRICES = {
    "inv": CODE["torch.linalg.inv"],
    "det": mpmath.det,
    "logdet": lambda matrix: mpmath.log(abs(mpmath.det(matrix))),
}

Assignment = Mapping[Index, int]
Key = tuple[int, ...]


class UnreadError(Exception):
    """Something that the oracle does not read, such as index arithmetic."""


class Values:
    """The components of all tensors, with one of them moved, or none."""

    def __init__(
        self,
        oracle: Oracle,
        parent: Values | None = None,
        x: str = "",
        at: Key = (),
        step: mpf = 0,
        held: tuple[str, ...] = (),
    ) -> None:
        self.oracle = oracle
        self.parent = parent
        self.x = x
        self.at = at
        self.step = step
        self.held = held
        self.known: dict[tuple[str, Key], mpf] = {}

    def component(self, name: str, key: Key) -> mpf:
        if (name, key) not in self.known:
            self.known[name, key] = self._component(name, key)
        return self.known[name, key]

    def _component(self, name: str, key: Key) -> mpf:
        oracle, formula = self.oracle, self.oracle.formulas.get(name)
        if self.parent is None:
            return oracle.input(name, key) if formula is None else oracle.defined(formula, key, self)
        if name == self.x:
            return self.parent.component(name, key) + (self.step if key == self.at else 0)
        if name in self.held or formula is None or not oracle.depends(name, self.x):
            return self.parent.component(name, key)
        return oracle.defined(formula, key, self)


class Oracle:
    """One case of a chain, in its own numbers."""

    def __init__(self, case: Case, seed: str) -> None:
        self.case = case
        self.chain = case.key
        self.formulas = case.instance.formulas
        self.sizes = case.instance.sizes
        self.places = case.instance.places
        self.seed = seed
        self.base = Values(self)
        self.partials: dict[tuple[str, Key, str, Key, tuple[str, ...]], mpf] = {}
        self.coded: dict[tuple[str, int, Key], Any] = {}
        self.alive: list[Values] = []

    def true(self, first: int, second: int) -> bool:
        """Whether two sides are equal, in the components that are tried."""
        return all(self.equal(first, second, assignment) for assignment in self.components())

    def components(self) -> Iterator[Assignment]:
        rng = random.Random(self.seed)
        free = self.case.free
        sizes = [self.sizes[self.chain, index] for index in free]
        for number in range(COMPONENTS if free else 1):
            # Two values for all indices, so that the deltas of any pattern are met; now and then any values.
            pair = [rng.randrange(8), rng.randrange(8)] if number % 4 else range(8)
            yield {index: rng.choice(pair) % size for index, size in zip(free, sizes, strict=True)}

    def equal(self, first: int, second: int, assignment: Assignment) -> bool:
        left = self.number(self.case.sides[first], assignment, self.base, self.chain)
        right = self.number(self.case.sides[second], assignment, self.base, self.chain)
        return abs(left - right) <= SAME * max(1, abs(left), abs(right))

    def random(self, name: str) -> mpf:
        rng = random.Random(f"{self.seed}/{name}")
        size = mpf(rng.getrandbits(200)) / 2**200 + mpf(1) / 2
        return size if rng.random() < 0.5 else -size

    def input(self, name: str, key: Key) -> mpf:
        instance = self.case.instance
        if name in instance.domains or name in instance.moved:  # Its own numbers could lie elsewhere.
            found = instance.input(name)
            total = instance.domains[name].total if name in instance.domains else None
            if total is None:
                return mpf(float(found[key]))
            # The sum of rounded numbers is one only up to rounding.
            row = found[(*key[:total], slice(None), *key[total + 1 :])].tolist()
            return mpf(row[key[total]]) / mpmath.fsum(row)
        return self.random(f"{name}/{key}")

    def depends(self, name: str, x: str) -> bool:
        formula = self.formulas.get(name)
        return name == x or (formula is not None and any(self.depends(each, x) for each in formula.arguments))

    def defined(self, formula: Formula, key: Key, values: Values) -> mpf:
        if isinstance(formula.code, OfMatrix):
            return self.of_matrix(formula.code, key, values)
        if formula.code is not None:
            found = self.code(formula, values)
            return found[key if len(key) > 1 else key[0]] if key else found
        if formula.expression is None:
            return self.smooth(formula, key, values)
        assignment = dict(zip(formula.indices, key, strict=True))
        return self.number(formula.expression, assignment, values, formula.chain)

    def smooth(self, formula: Formula, key: Key, values: Values) -> mpf:
        """A component of a function of which a text says nothing: two sines of random sums of all arguments."""
        parts = [(name, at) for name in formula.arguments for at in itertools.product(*map(range, self.places[name]))]
        return mpmath.fsum(
            mpmath.sin(
                mpmath.fsum(
                    self.random(f"{formula.name}/{key}/{term}/{name}/{at}") * values.component(name, at)
                    for name, at in parts
                )
            )
            for term in range(2)
        )

    def code(self, formula: Formula, values: Values) -> Any:
        """The value of code: a function of a matrix, or a part of its result."""
        if (formula.name, id(values), ()) not in self.coded:
            (argument,) = formula.arguments
            rows, columns = self.places[argument]
            matrix = mpmath.matrix(rows, columns)
            for row, column in itertools.product(range(rows), range(columns)):
                matrix[row, column] = values.component(argument, (row, column))
            name, part = re.fullmatch(r".*= *([a-z.]+)\([^()]*\)(?:\[(\d)\])?", formula.code.let.body).groups()
            found = CODE[name](matrix)
            self.coded[formula.name, id(values), ()] = found if part is None else found[int(part)]
            self.alive.append(values)
        return self.coded[formula.name, id(values), ()]

    def of_matrix(self, of: OfMatrix, key: Key, values: Values) -> mpf:
        """A component of an inverse, or a determinant, of the matrix that the first indices choose."""
        count = len(of.open)
        each, place = key[:count], key[count:]
        rows, columns = (
            list(itertools.product(*map(range, sizes)))
            for sizes in (
                self.places[of.argument.name][count : count + of.rows],
                self.places[of.argument.name][count + of.rows :],
            )
        )
        if (of.name, id(values), each) not in self.coded:
            matrix = mpmath.matrix(
                [[values.component(of.argument.name, (*each, *row, *column)) for column in columns] for row in rows]
            )
            self.coded[of.name, id(values), each] = OF_MATRICES[of.function](matrix)
            self.alive.append(values)
        found = self.coded[of.name, id(values), each]
        return found[rows.index(place[: of.rows]), columns.index(place[of.rows :])] if place else found

    def position(self, place: Subscript, assignment: Assignment) -> int:
        match place:
            case Index():
                return assignment[place]
            case Coordinate(value):
                return value
            case Fixed(letter):
                return self.case.instance.fixed[letter]
            case _:
                raise UnreadError(str(place))

    def number(self, expression: Expression, assignment: Assignment, values: Values, chain: str) -> mpf:
        def of(part: Expression) -> mpf:
            return self.number(part, assignment, values, chain)

        match expression:
            case Number(value):
                return mpf(value.numerator) / value.denominator
            case Pi():
                return +mp.pi
            case Size(_, index):
                return mpf(self.sizes[chain, index])
            case One():
                return mpf(1)
            case Delta(indices):
                first, second = (self.position(place, assignment) for place in indices)
                return mpf(first == second)
            case Tensor(name, indices):
                return values.component(name, tuple(self.position(place, assignment) for place in indices))
            case Differential():
                return of(*expression.parts)
            case Negative(body):
                return -of(body)
            case Product(factors):
                found = mpf(1)
                finite = not any(isinstance(part, Quotient | Power | Function) for part in expression.walk())
                for factor in sorted(factors, key=lambda factor: not isinstance(factor, Delta)):
                    found *= of(factor)
                    if not found and finite:  # Nothing times what does not exist does not exist.
                        break
                return found
            case Sum(terms):
                return mpmath.fsum(map(of, terms))
            case Indicator((first, second), sign):
                holds = COMPARISONS[sign](self.position(first, assignment), self.position(second, assignment))
                return mpf(holds)
            case Summation(indices, body):
                ranges = [range(self.sizes[chain, index]) for index in indices]
                reduced = REDUCTIONS[expression.sign] if isinstance(expression, Reduction) else mpmath.fsum
                return reduced(
                    self.number(body, {**assignment, **dict(zip(indices, key, strict=True))}, values, chain)
                    for key in itertools.product(*ranges)
                )
            case Quotient(numerator, denominator):
                return of(numerator) / of(denominator)
            case Power(base, exponent):
                below, above = of(base), of(exponent)
                return mpmath.sqrt(below) if above == mpf(1) / 2 else below**above
            case Function(name, argument, order):
                return self.function(name, order, of(argument))
            case Partial():
                return self.partial(expression, assignment, values, chain)
            case _:
                raise UnreadError(str(expression))

    def function(self, name: str, order: int, at: mpf) -> mpf:
        known = FUNCTIONS.get(name)
        if known is None:
            a, b, c, d = (self.random(f"operatorname {name} {number}") for number in range(4))

            def known(u: mpf) -> mpf:
                return a * mpmath.sin(b * u + c) + d * u * u + u**3 / 7

        if not order:
            return known(at)
        return _difference(lambda step: self.function(name, order - 1, at + step))

    def partial(self, partial: Partial, assignment: Assignment, values: Values, chain: str) -> mpf:
        body, x, held = partial.body, partial.by.name, partial.held
        at = tuple(self.position(place, assignment) for place in partial.by.indices)
        single = isinstance(body, Tensor) and values is self.base
        key = ()
        if single:
            key = tuple(self.position(place, assignment) for place in body.indices)
            if (body.name, key, x, at, held) in self.partials:
                return self.partials[body.name, key, x, at, held]

        def moved(step: mpf) -> mpf:
            inner = Values(self, values, x, at, step, held)
            if isinstance(body, Tensor) and body.name not in self.places and body.name not in self.formulas:
                return self.downstream(body.name, inner)
            return self.number(body, assignment, inner, chain)

        found = _difference(moved)
        if single:
            self.partials[body.name, key, x, at, held] = found
        return found

    def downstream(self, name: str, values: Values) -> mpf:
        linear, crossed = mpf(0), mpf(0)
        for sink in self.case.instance.sinks:
            for key in itertools.product(*map(range, self.places[sink])):
                value = values.component(sink, key)
                a, b, c = (self.random(f"{name} {sink} {number}/{key}") for number in range(3))
                linear += a * value + c * value**3 / 5
                crossed += b * value
        return linear + crossed**2 / 3


def _difference(function) -> mpf:
    """The derivative at 0, by four points."""
    near = function(STEP) - function(-STEP)
    far = function(2 * STEP) - function(-2 * STEP)
    return (8 * near - far) / (12 * STEP)
