"""The values of the prover: polynomials with exact coefficients over factors with indices.

A polynomial is a sum of monomials, each with a coefficient; a monomial is a product of factors, each with a rational
exponent. Two polynomials in normal form are equal if their keys are. Indices are names: those that a sum binds begin
with `$`, and constant ones with `#`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import cached_property
from typing import ClassVar, TypeAlias

Exact: TypeAlias = Fraction | int
"""An exact number: no two integers are ever divided, nor is one raised to a negative power."""

Exponents: TypeAlias = Mapping["Factor", Exact]
"""The factors of a monomial, each with its exponent."""

Names: TypeAlias = tuple[str, ...]
"""The names of indices, in order."""

ONE = 1


class GiveUpError(Exception):
    """The prover gives up on a row, which is then not proved."""


class Keyed:
    """A value that is equal to another if their keys are.

    open: its indices that no sum in it binds. bound: the number of names that its sums use.
    """

    def __init__(self, key: str, open_: frozenset[str] = frozenset(), bound: int = 0) -> None:
        self.key = key
        self.open = open_
        self.bound = bound

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Keyed) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return self.key


def _open(parts: Iterable[Keyed]) -> frozenset[str]:
    return frozenset().union(*[part.open for part in parts])


class Factor(Keyed):
    """What a monomial is made of."""

    is_one_or_zero: ClassVar[bool] = False
    """Whether its value is always 1 or 0, so that no power changes it."""

    is_inert: bool = True
    """Whether no rule for products asks for it."""

    @property
    def form(self) -> str:
        """A description without the names of its indices."""
        return self.key

    tensors: frozenset[str] = frozenset()
    """The tensors of which it has components, or derivatives."""


class PositiveNumber(Factor):
    """A positive number without indices: π, a prime number, the size of an index."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.is_inert = not key.isdigit()


class TensorEntry(Factor):
    """A component of a tensor. head: its name; of a derivative, that of both tensors and of those held fixed."""

    def __init__(self, head: tuple[str, ...], indices: Names) -> None:
        super().__init__(f"{'∂'.join(head)}[{','.join(indices)}]", frozenset(i for i in indices if i[0] != "#"))
        self.head = head
        self.indices = indices
        self.tensors = frozenset([head[head[0] == "∂"]])

    @property
    def form(self) -> str:
        """A description without the names of its indices."""
        return f"{self.head}{len(self.indices)}"


class IndexValue(Factor):
    """The value of an index, from 0, as a number."""

    form = "value"

    def __init__(self, index: str) -> None:
        super().__init__(f"value({index})", frozenset([index]) if index[0] != "#" else frozenset())
        self.index = index


class Choice(Factor):
    """1 where two indices are equal, or the first is less than the second, and 0 elsewhere. sign: "=" or "<"."""

    is_one_or_zero = True
    is_inert = False

    def __init__(self, sign: str, first: str, second: str) -> None:
        if sign == "=" and (second[0] != "#", second) < (first[0] != "#", first):
            first, second = second, first
        super().__init__(f"[{first}{sign}{second}]", frozenset(i for i in (first, second) if i[0] != "#"))
        self.sign = sign
        self.first = first
        self.second = second

    @property
    def form(self) -> str:
        """A description without the names of its indices."""
        return self.sign


Atom: TypeAlias = tuple[str, Names]
"""A whole number: a head with indices; that of an index is empty."""

Terms: TypeAlias = Iterable[tuple[int, tuple[Atom, ...]]]
"""A sum of products of whole numbers."""


class Position(Choice):
    """1 where a sum of products of whole numbers is 0, and 0 elsewhere: what index arithmetic says."""

    def __init__(self, terms: Terms) -> None:
        super().__init__("+", "#", "#")
        self.terms = tuple(terms)
        texts = [(count, *(f"({head}:{','.join(own)})" for head, own in each)) for count, each in self.terms]
        self.key = f"[{' + '.join(' '.join(map(str, each)) for each in texts)}]"
        indices = [index for _, each in self.terms for _, own in each for index in own]
        self.open = frozenset(index for index in indices if index[0] != "#")

    def has_one(self, index: str) -> bool:
        """Return whether an index stands in it once, and alone."""
        return [atoms for _, atoms in self.terms if any(index in own for _, own in atoms)] == [(("", (index,)),)]

    @property
    def form(self) -> str:
        """A description without the names of its indices."""
        return str(sorted((number, sorted(head for head, _ in each)) for number, each in self.terms))


def is_digit(index: str) -> bool:
    """Return whether a constant index is a number, as `#0`: not a letter, nor the last index of a range."""
    return index[0] == "#" and index[1:].isdigit()


def collected(terms: Terms) -> dict[tuple[Atom, ...], int]:
    """Return the products in a sum of products of whole numbers, each with its factor."""
    found: dict[tuple[Atom, ...], int] = {}
    for count, atoms in terms:
        rest = []
        for head, indices in atoms:
            if not head and is_digit(indices[0]):
                count *= int(indices[0][1:])
            else:
                rest.append((head, indices))
        key = tuple(sorted(rest))
        found[key] = found.get(key, 0) + count
    return {atoms: count for atoms, count in found.items() if count}


class Monomial(Keyed):
    """A product of factors. exponents: that of each, in a mapping that is not changed any more."""

    def __init__(self, exponents: Exponents) -> None:
        self.exponents = exponents
        self.factors = tuple(sorted(exponents.items(), key=lambda each: each[0].key))
        key = " ".join(f.key if e == 1 else f"{f.key}^{e}" for f, e in self.factors)
        super().__init__(key, _open(f for f, _ in self.factors), max((f.bound for f, _ in self.factors), default=0))

    @property
    def is_whole(self) -> bool:
        """Whether all exponents are whole numbers."""
        return all(exponent.denominator == 1 for _, exponent in self.factors)


UNIT = Monomial({})
"""The product of no factors."""


class Polynomial(Keyed):
    """A sum of monomials, each with its coefficient."""

    def __init__(self, terms: Mapping[Monomial, Exact]) -> None:
        self.terms = tuple(term for term in terms.items() if term[1])

    @cached_property
    def key(self) -> str:  # type: ignore[override]
        """Its text."""
        terms = sorted((m.key, c) for m, c in self.terms)
        return " + ".join(f"{c} {key}" if c != 1 or not key else key for key, c in terms) or "0"

    @cached_property
    def open(self) -> frozenset[str]:  # type: ignore[override]
        """Its indices that no sum in it binds."""
        return _open(m for m, _ in self.terms)

    @cached_property
    def bound(self) -> int:  # type: ignore[override]
        """The number of names that its sums use."""
        return max((m.bound for m, _ in self.terms), default=0)

    @property
    def number(self) -> Exact | None:
        """Its value, if it has no factors."""
        if not self.terms:
            return 0
        (monomial, coefficient), *more = self.terms
        return None if more or monomial.factors else coefficient

    @property
    def is_whole(self) -> bool:
        """Whether its value is a whole number by its form: made of indices and sizes."""
        return all(
            coefficient.denominator == 1
            and all(
                (isinstance(factor, IndexValue) or factor.key[0] == "|") and power.denominator == 1 and power > 0
                for factor, power in monomial.factors
            )
            for monomial, coefficient in self.terms
        )

    def entries(self) -> Iterable[TensorEntry]:
        """Yield the components of tensors in it, inside of other factors too."""
        for monomial, _ in self.terms:
            for factor, _ in monomial.factors:
                if isinstance(factor, TensorEntry):
                    yield factor
                elif isinstance(factor, Nested):
                    yield from factor.inside.entries()


ZERO = Polynomial({})


def ratio(above: Exact, below: Exact = 1) -> Exact:
    """Return a quotient, as an integer if it is one."""
    found = Fraction(above) / below
    return found.numerator if found.denominator == 1 else found


def number(value: Exact) -> Polynomial:
    """Return a number as a polynomial."""
    return Polynomial({UNIT: value})


def single(factor: Factor) -> Polynomial:
    """Return a factor as a polynomial."""
    return Polynomial({Monomial({factor: ONE}): ONE})


class Nested(Factor):
    """A factor with a polynomial inside."""

    def __init__(self, key: str, inside: Polynomial, binds: frozenset[str] = frozenset(), bound: int = 0) -> None:
        super().__init__(key, inside.open - binds, max(bound, inside.bound))
        self.inside = inside

    @cached_property
    def tensors(self) -> frozenset[str]:  # type: ignore[override]
        """The tensors of which it has components, or derivatives."""
        return frozenset(name for entry in self.inside.entries() for name in entry.tensors)

    @cached_property
    def form(self) -> str:
        """A description without the names of its indices."""
        terms = [(c, sorted((f.form, e) for f, e in monomial.factors)) for monomial, c in self.inside.terms]
        return f"{type(self).__name__}{getattr(self, 'name', '')}{sorted(terms)}"


class Exponential(Nested):
    """e to a monomial whose coefficient is 1: that of a polynomial is a product."""

    def __init__(self, monomial: Monomial) -> None:
        super().__init__(f"exp({monomial.key})", Polynomial({monomial: ONE}))


class Applied(Nested):
    """A function, or one of its derivatives, of a polynomial."""

    is_inert = False

    def __init__(self, name: str, order: int, argument: Polynomial) -> None:
        super().__init__(f"{name}{chr(39) * order}({argument.key})", argument)
        self.name = name
        self.order = order


class Base(Nested):
    """A polynomial as the base of a power that cannot be multiplied out."""

    is_inert = False

    def __init__(self, polynomial: Polynomial) -> None:
        super().__init__(f"({polynomial.key})", polynomial)


class Total(Nested):
    """The sum of a monomial over bound indices. sizes: those of the bound indices, in order.

    sign: "Σ" for a sum, "∏" for a product, "max" for a maximum.
    """

    def __init__(self, names: Names, sizes: tuple[str, ...], body: Polynomial, sign: str = "Σ") -> None:
        over = ",".join(f"{name}:{size}" for name, size in zip(names, sizes, strict=True))
        super().__init__(f"{sign}<{over}>({body.key})", body, frozenset(names), body.bound + len(names))
        self.names = names
        self.sizes = sizes
        self.sign = sign
