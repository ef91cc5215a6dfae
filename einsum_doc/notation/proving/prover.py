"""Two expressions -> whether they are equal for all sizes, wherever both have a value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from einsum_doc.notation.expression import (
    Coordinate,
    Delta,
    Expression,
    Fixed,
    Function,
    Index,
    Indicator,
    Negative,
    NewIndex,
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
from einsum_doc.notation.proving.algebra import Algebra
from einsum_doc.notation.proving.functions import ARGUMENT, meaning, slope
from einsum_doc.notation.proving.polynomial import (
    ONE,
    ZERO,
    Applied,
    Base,
    Choice,
    Constant,
    Entry,
    Exponential,
    Factor,
    GiveUpError,
    Polynomial,
    Total,
    number,
    single,
)

WORK = 20_000
"""The number of products that are formed for one row at most."""

PLACE = single(Entry((ARGUMENT.name,), ()))

Names = tuple[str, ...]


@dataclass(frozen=True)
class Definition:
    """The right side of a definition, in which every sum is written, and the indices on its left. chain: its key."""

    indices: tuple[Index, ...]
    value: Expression
    chain: str


@dataclass(frozen=True)
class OfCode:
    """A tensor that is a function of a whole matrix: "inv", "det" or "logdet" of a tensor, and "" for any other."""

    function: str
    arguments: tuple[str, ...]
    auxiliary: bool = False


@dataclass(frozen=True)
class Facts:
    """What a page says about the tensors of a row.

    definitions, codes: of those that are computed, in the order in which they are defined. ranks: the number of
    indices of each. sinks: the tensors that the arbitrary scalars are functions of. depends: returns whether a tensor
    is computed from another, other than through those that are held fixed. size: returns the size of an index of a
    chain, or of an axis of a tensor. numbers: sizes that are known. positive: inputs that are never negative.
    symmetric: inputs that are.
    """

    definitions: Mapping[str, Definition]
    codes: Mapping[str, OfCode]
    ranks: Mapping[str, int]
    sinks: Sequence[str]
    scalars: frozenset[str]
    depends: Callable[[str, str, Sequence[str]], bool]
    size: Callable[[tuple[object, ...]], str]
    numbers: Mapping[str, int]
    positive: frozenset[str] = frozenset()
    symmetric: frozenset[str] = frozenset()
    totals: Mapping[str, int] = field(default_factory=dict)
    differentiated: frozenset[str] = frozenset()


@dataclass
class Prover:
    """The proof of one row."""

    facts: Facts
    algebra: Algebra = field(init=False)
    bodies: dict[str, tuple[Names, Polynomial]] = field(default_factory=dict)
    known: dict[str, tuple[Names, Polynomial]] = field(default_factory=dict)
    chains: dict[str, int] = field(default_factory=dict)
    summed: dict[tuple[str, Subscript], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.algebra = Algebra(WORK, self._contracted)
        self.algebra.positive |= self.facts.positive
        self.algebra.symmetric |= {(name,) for name in self.facts.symmetric - self.facts.differentiated}
        self.algebra.numbers.update(self.facts.numbers)

    def proved(self, left: Expression, right: Expression, chain: str) -> bool:
        """Return whether two sides are equal. Definitions are put in one after the other, the last one first."""
        try:
            rest = self._cleared(self.algebra.minus(self.read(left, chain), self.read(right, chain)))
            for derivatives in (True, False):
                while rest.terms and (names := self._outermost(rest, derivatives)):
                    if not derivatives and len(names) > 1:
                        for name in names[1:]:
                            if not self._cleared(self.expanded(rest, name, derivatives)).terms:
                                return True
                    rest = self._cleared(self.expanded(rest, names[0], derivatives))
            return not self._valued(rest).terms
        except (GiveUpError, RecursionError):
            return False

    def _valued(self, polynomial: Polynomial) -> Polynomial:
        """Use what is known of the values of inputs, which a derivative by them could not see."""
        self.algebra.symmetric |= {(name,) for name in self.facts.symmetric}
        self.algebra.totals.update(self.facts.totals)
        self.algebra.forget()
        for key, (formal, body) in self.bodies.items():
            if self._is_symmetric(body, formal):
                self.algebra.symmetric.add(("inverse", key))
        tensors = {name for entry in polynomial.entries() for name in entry.tensors}
        return self._cleared(self.algebra.rebuilt(polynomial, {}, lambda entry: None, frozenset(tensors)))

    def _outermost(self, polynomial: Polynomial, derivatives: bool = False) -> list[str]:
        """Return the tensors in it that have definitions, the last one first; those of which derivatives are."""
        order = {name: place for place, name in enumerate(self.facts.ranks)}
        found: set[str] = set()
        rest = list(polynomial.entries())
        while rest:
            entry = rest.pop()
            if entry.head[0] == "inverse" and not derivatives:
                rest += self.bodies[entry.head[1]][1].entries()
            elif entry.head[0] == "∂" or not derivatives:
                found.add(self._defined(entry))
        found -= {""}
        return sorted(found, key=lambda name: -order[name])

    def _defined(self, entry: Entry) -> str:
        """Return the tensor whose definition would replace a component."""
        if entry.head[0] == "∂":
            return entry.head[1]
        name = entry.head[0] if len(entry.head) == 1 else ""
        known = name in self.facts.definitions or (name in self.facts.codes and self.facts.codes[name].function == "inv")
        return name if known else ""

    def _cleared(self, polynomial: Polynomial) -> Polynomial:
        """Multiply by what it is divided by."""
        lowest: dict[Factor, Fraction] = {}
        for monomial, _ in polynomial.terms:
            for factor, power in monomial.factors:
                if isinstance(factor, Base) and power < lowest.get(factor, Fraction(0)):
                    lowest[factor] = power
        if not lowest:
            return polynomial
        found = []
        for monomial, coefficient in polynomial.terms:
            powers = {**monomial.exponents}
            for factor, power in lowest.items():
                powers[factor] = powers.get(factor, Fraction(0)) - power
            found.append(self.algebra.scaled(coefficient, self.algebra.monomial(powers)))
        return self.algebra.add(found)

    # -- definitions

    def definition(self, name: str) -> tuple[Names, Polynomial]:
        """Return the value of a defined tensor, and the names of its indices in it."""
        if name not in self.known:
            found = self.facts.definitions[name]
            own = tuple(self._name(index, found.chain) for index in found.indices)
            self.known[name] = own, self.read(found.value, found.chain)
        return self.known[name]

    def expanded(self, polynomial: Polynomial, name: str, derivatives: bool = False) -> Polynomial:
        """Return a polynomial with the definition of a tensor put in for its components and their derivatives."""

        def put_in(entry: Entry) -> Polynomial | None:
            if entry.head[0] == "inverse" and not derivatives:
                formal, body = self.bodies[entry.head[1]]
                if any(self._defined(each) == name for each in body.entries()):
                    return self._inverse_of(self.expanded(body, name), formal, entry.indices)
            if self._defined(entry) != name or (derivatives and entry.head[0] != "∂"):
                return None
            return self.jacobian(entry) if entry.head[0] == "∂" else self._value(name, entry.indices)

        return self.algebra.rebuilt(polynomial, {}, put_in, frozenset([name, "inverse"]))

    def _value(self, name: str, indices: Names) -> Polynomial:
        if name in self.facts.definitions:
            own, value = self.definition(name)
            return self.algebra.renamed(value, dict(zip(own, indices, strict=True)))
        return self.inverse(self.facts.codes[name].arguments[0], indices)

    def jacobian(self, entry: Entry) -> Polynomial:
        """Return a component of ∂y/∂x by the definition of y."""
        _, y, x, *held = entry.head
        rank = self.facts.ranks[y]
        above, below = entry.indices[:rank], entry.indices[rank:]
        if y in self.facts.definitions or self.facts.codes[y].function == "inv":
            return self.derivative(self._value(y, above), x, below, tuple(held))
        code = self.facts.codes[y]
        terms = []
        for argument in code.arguments:
            inner = tuple(self._axis(argument, axis) for axis in range(self.facts.ranks[argument]))
            outer = self._code_slope(y, code, argument, above, inner)
            chained = self._of_entry(self.algebra.entry((argument,), inner), x, below, tuple(held))
            term = self.algebra.times(outer, chained)
            for index in inner:
                term = self.algebra.summed(term, index)
            terms.append(term)
        return self.algebra.add(terms)

    def _axis(self, name: str, axis: int) -> str:
        """Return a new index for an axis of a tensor."""
        return self.algebra.fresh(self.facts.size(("axis", name, axis)))

    # -- functions of matrices

    def _code_slope(self, y: str, code: OfCode, argument: str, above: Names, inner: Names) -> Polynomial:
        """Return the derivative of a tensor that is given by code by one of its arguments."""
        if code.function not in ("det", "logdet"):
            return single(Entry(("code", y, argument), (*above, *inner)))
        *others, row, column = inner
        found = self.inverse(argument, (*others, column, row))
        for first, second in zip(others, above, strict=True):
            found = self.algebra.times(found, self.algebra.choice("=", first, second))
        return self.algebra.times(single(self.algebra.entry((y,), above)), found) if code.function == "det" else found

    def inverse(self, argument: str, indices: Names) -> Polynomial:
        """Return a component of the inverse of a tensor: those of equal matrices are one."""
        formal = tuple(f"%{place}" for place in range(len(indices)))
        for place, name in enumerate(formal):
            self.algebra.sizes[name] = self.facts.size(("axis", argument, place))
        body = self._value(argument, formal) if argument in self.facts.definitions else self._component(argument, formal)
        return self._inverse_of(body, formal, indices)

    def _inverse_of(self, body: Polynomial, formal: Names, indices: Names) -> Polynomial:
        """Return a component of the inverse of a matrix, whose component at the formal indices is given."""
        *others, row, column = indices
        lone = next(iter(body.entries()))
        if lone.head[0] == "inverse" and body.key == lone.key:
            _, inside = self.bodies[lone.head[1]]
            return self.algebra.renamed(inside, dict(zip(lone.indices, (*others, row, column), strict=True)))
        if chain := self._factors(body, formal):
            return self._inverse_of_product(chain, formal, row, column)
        turned = self.algebra.renamed(body, {formal[-2]: formal[-1], formal[-1]: formal[-2]})
        if turned.key < body.key:
            body, row, column = turned, column, row
        head = ("inverse", body.key)
        if self._is_symmetric(body, formal):
            self.algebra.symmetric.add(head)
        self.bodies[body.key] = formal, body
        return single(self.algebra.entry(head, (*others, row, column)))

    def _factors(self, body: Polynomial, formal: Names) -> list[tuple[Entry, str, str]]:
        """Return the square matrices that a matrix is the product of, each with its row and column; [] for others."""
        ((monomial, coefficient), *more) = body.terms
        ((total, power), *rest) = monomial.factors or ((None, ONE),)
        if more or rest or coefficient != 1 or not isinstance(total, Total) or power != 1 or len(formal) != 2:
            return []
        ((inner, one),) = total.inside.terms
        entries = [entry for entry, power in inner.factors for _ in range(int(power))]
        if one != 1 or not all(isinstance(entry, Entry) and len(entry.indices) == 2 for entry in entries):
            return []
        found, at = [], formal[0]
        while entries:
            here = [entry for entry in entries if at in entry.indices]
            if len(here) != 1:
                return []
            entry = here[0]
            entries.remove(entry)
            end = entry.indices[entry.indices[0] == at]
            sizes = dict(zip(total.names, total.sizes, strict=True)) | self.algebra.sizes
            if sizes[at] != sizes[end]:
                return []
            found.append((entry, at, end))
            at = end
        return found if at == formal[1] else []

    def _inverse_of_product(
        self, chain: list[tuple[Entry, str, str]], formal: Names, row: str, column: str
    ) -> Polynomial:
        """Return a component of the product of the inverses, which exist if that of the product does."""
        inner = [self.algebra.fresh(self.algebra.sizes[formal[0]]) for _ in chain[1:]]
        ends = [row, *inner, column]
        found = number(1)
        for place, (entry, above, _) in enumerate(reversed(chain)):
            above_first = entry.indices[0] == above
            own = (ends[place], ends[place + 1]) if above_first else (ends[place + 1], ends[place])
            body = single(self.algebra.entry(entry.head, formal))
            found = self.algebra.times(found, self._inverse_of(body, formal, own))
        for name in inner:
            found = self.algebra.summed(found, name)
        return found

    def _is_symmetric(self, body: Polynomial, formal: Names) -> bool:
        """Return whether a matrix is equal to its transpose, by the definitions of what it is made of."""
        while True:
            if body == self.algebra.renamed(body, {formal[-2]: formal[-1], formal[-1]: formal[-2]}):
                return True
            names = self._outermost(body)
            if not names:
                return False
            body = self.expanded(body, names[0])

    def _component(self, name: str, indices: Names) -> Polynomial:
        """Return a component of a tensor; of an inverse that stands in a row, that of the inverse of its matrix."""
        code = self.facts.codes.get(name)
        if code is not None and code.function == "inv" and code.auxiliary:
            return self.inverse(code.arguments[0], indices)
        return single(self.algebra.entry((name,), indices))

    def _contracted(self, first: Entry, second: Entry, name: str) -> Polynomial | None:
        """Return the δ that a matrix and its inverse are together; None for others."""
        for inverse, matrix in ((first, second), (second, first)):
            if inverse.head[0] != "inverse":
                continue
            _, body = self.bodies[inverse.head[1]]
            (lone, *more) = body.entries()
            if more or body.key != lone.key or lone.head != matrix.head or inverse.indices[:-2] != matrix.indices[:-2]:
                continue
            for row, column in self._ways(inverse):
                for above, below in self._ways(matrix):
                    if column == above == name and name not in (row, below):
                        return self.algebra.choice("=", row, below)
                    if row == below == name and name not in (column, above):
                        return self.algebra.choice("=", above, column)
        return None

    def _ways(self, entry: Entry) -> list[Names]:
        """Return the row and the column of a matrix, and of a symmetric one the other way round too."""
        row, column = entry.indices[-2:]
        return [(row, column), (column, row)] if entry.head in self.algebra.symmetric else [(row, column)]

    # -- expressions

    def _name(self, subscript: Subscript, chain: str) -> str:
        match subscript:
            case Coordinate(value):
                return f"#{value}"
            case Fixed(letter):
                return f"#{letter}"
            case Index() if (chain, subscript) in self.summed:
                return self.summed[chain, subscript]
            case Index(letter, primes):
                new = "°" * isinstance(subscript, NewIndex)
                place = self.chains.setdefault(chain, len(self.chains))
                name = f"{letter}{chr(39) * primes}{new}{place or ''}"
                self.algebra.sizes[name] = self.facts.size(("index", chain, subscript))
                return name
        raise GiveUpError("dots")

    def read(self, expression: Expression, chain: str) -> Polynomial:
        """Return the normal form of an expression in which every sum is written. Definitions are not put in."""
        algebra = self.algebra

        def of(part: Expression) -> Polynomial:
            return self.read(part, chain)

        def names(subscripts: Sequence[Subscript]) -> Names:
            return tuple(self._name(each, chain) for each in subscripts)

        match expression:
            case Number(value):
                return number(value)
            case Pi():
                return single(Constant("π"))
            case Size(_, index):
                return algebra.size(self.facts.size(("index", chain, index)))
            case One():
                return number(1)
            case Delta(indices):
                return algebra.choice("=", *names(indices))
            case Indicator(indices, sign):
                return algebra.choice(sign, *names(indices))
            case Tensor(name, indices):
                return self._component(name, names(indices))
            case Negative(body):
                return algebra.scaled(-1, of(body))
            case Sum(terms):
                return algebra.add(map(of, terms))
            case Product(factors):
                return algebra.product(map(of, factors))
            case Quotient(numerator, denominator):
                return algebra.times(of(numerator), algebra.power(of(denominator), Fraction(-1)))
            case Power(base, exponent):
                above = of(exponent)
                known = above.number
                if known is not None:
                    return algebra.power(of(base), known)
                return algebra.exponential(algebra.times(above, algebra.logarithm(of(base))))
            case Function(name, argument, order):
                return self.function(name, order, of(argument))
            case Summation(indices, body):
                own = {index: algebra.fresh(self.facts.size(("index", chain, index))) for index in indices}
                self.summed |= {(chain, index): name for index, name in own.items()}
                found = of(body)
                for index, name in own.items():
                    del self.summed[chain, index]
                    if isinstance(expression, Reduction):
                        found = algebra.reduced(found, name, expression.sign)
                    else:
                        found = algebra.summed(found, name)
                return found
            case Partial(body, by, held):
                return self._partial(body, by.name, names(by.indices), held, chain)
        raise GiveUpError(f"{type(expression).__name__}")

    def function(self, name: str, order: int, argument: Polynomial) -> Polynomial:
        """Return a function of a polynomial, or a derivative of it."""
        found = meaning(name)
        if found is None and slope(name) is None:
            return self.algebra.applied(name, order, argument)
        value = self.algebra.applied(name, 0, PLACE) if found is None else self.read(found, "")
        for _ in range(order):
            value = self.derivative(value, ARGUMENT.name, (), ())
        return self._at(value, argument)

    def _at(self, value: Polynomial, argument: Polynomial) -> Polynomial:
        """Return the value of a function at an argument."""
        return self.algebra.rebuilt(
            value, {}, lambda entry: argument if entry.head[0] == ARGUMENT.name else None, frozenset([ARGUMENT.name])
        )

    def _partial(self, body: Expression, x: str, below: Names, held: Names, chain: str) -> Polynomial:
        if not isinstance(body, Tensor) or body.name not in self.facts.scalars:
            return self.derivative(self.read(body, chain), x, below, held)
        terms = []
        for sink in self.facts.sinks:
            if not self.facts.depends(sink, x, held):
                continue
            inner = tuple(self._axis(sink, axis) for axis in range(self.facts.ranks[sink]))
            slope_ = single(Entry(("gradient", body.name, sink), inner))
            term = self.algebra.times(slope_, self._of_entry(self.algebra.entry((sink,), inner), x, below, held))
            for index in inner:
                term = self.algebra.summed(term, index)
            terms.append(term)
        return self.algebra.add(terms)

    # -- derivatives

    def derivative(self, polynomial: Polynomial, x: str, below: Names, held: Names) -> Polynomial:
        """Return the derivative of a polynomial by a component of a tensor."""
        algebra = self.algebra
        terms = []
        for monomial, coefficient in polynomial.terms:
            for factor, power in monomial.factors:
                inner = self._of_factor(factor, x, below, held)
                if inner.terms:
                    rest = algebra.monomial({**monomial.exponents, factor: power - ONE})
                    terms.append(algebra.scaled(coefficient * power, algebra.times(rest, inner)))
        return algebra.add(terms)

    def _of_factor(self, factor: Factor, x: str, below: Names, held: Names) -> Polynomial:
        algebra = self.algebra
        match factor:
            case Constant() | Choice():
                return ZERO
            case Entry():
                return self._of_entry(factor, x, below, held)
            case Exponential(inside=inside):
                return algebra.times(single(factor), self.derivative(inside, x, below, held))
            case Base(inside=inside):
                return self.derivative(inside, x, below, held)
            case Applied(name=name, order=order, inside=inside):
                inner = self.derivative(inside, x, below, held)
                if not inner.terms:
                    return ZERO
                return algebra.times(self._slope(name, order, inside), inner)
            case Total(names=names, sizes=sizes, inside=inside, sign=sign):
                fresh = {name: algebra.fresh(size) for name, size in zip(names, sizes, strict=True)}
                each = algebra.renamed(inside, fresh)
                inner = self.derivative(each, x, below, held)
                if sign != "Σ" and inner.terms:
                    if sign != "∏":
                        raise GiveUpError(f"the derivative of {sign}")
                    inner = algebra.product([single(factor), algebra.power(each, -ONE), inner])
                for name in fresh.values():
                    inner = algebra.summed(inner, name)
                return inner
        raise GiveUpError(f"the derivative of {factor}")

    def _slope(self, name: str, order: int, argument: Polynomial) -> Polynomial:
        known = slope(name)
        if known is None or order:
            return self.algebra.applied(name, order + 1, argument)
        return self._at(self.read(known, ""), argument)

    def _of_entry(self, entry: Entry, x: str, below: Names, held: Names) -> Polynomial:
        """Return the derivative of a component; of a tensor that is computed from x, a component of ∂y/∂x."""
        head = entry.head
        if head[0] == "∂":
            return self.derivative(self.jacobian(entry), x, below, held)
        if head[0] == "inverse":
            formal, body = self.bodies[head[1]]
            return self._inverse_of_body(entry, formal, body, x, below, held)
        if len(head) > 1:
            raise GiveUpError("a second derivative of what is not known")
        name = head[0]
        if name == x:
            return self.algebra.product(
                self.algebra.choice("=", one, other) for one, other in zip(entry.indices, below, strict=True)
            )
        if not self.facts.depends(name, x, held):
            return ZERO
        between = [each for each in held if each != x and self.facts.depends(each, x, ())]
        between = [each for each in between if self.facts.depends(name, each, ())]
        return single(Entry(("∂", name, x, *sorted(between)), (*entry.indices, *below)))

    def _inverse_of_body(
        self, entry: Entry, formal: Names, body: Polynomial, x: str, below: Names, held: Names
    ) -> Polynomial:
        *others, row, column = entry.indices
        ends = [self.algebra.fresh(self.algebra.sizes[name]) for name in formal[-2:]]
        names = dict(zip(formal, (*others, *ends), strict=True))
        inner = self.derivative(self.algebra.renamed(body, names), x, below, held)
        found = self.algebra.product(
            [
                single(self.algebra.entry(entry.head, (*others, row, ends[0]))),
                inner,
                single(self.algebra.entry(entry.head, (*others, ends[1], column))),
            ]
        )
        for end in ends:
            found = self.algebra.summed(found, end)
        return self.algebra.scaled(-1, found)
