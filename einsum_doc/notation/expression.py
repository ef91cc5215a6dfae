"""The expressions of index notation as frozen values: Tensor, Delta, One, Product, Sum, ...

`str()` of each is one line of plain text, for messages. `at` is its position in the text, line and column from 0;
it does not take part in `==`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import Any, ClassVar, cast

from einsum_doc.notation.subscripts import (
    ACCENTS,
    DIFFERENTIALS,
    GREEK,
    Affine,
    Bounded,
    Coordinate,
    Extent,
    Fixed,
    Index,
    Located,
    NewIndex,
    Picked,
    Position,
    Range,
    Subscript,
    Whole,
    identifier,
    inner,
    letters,
    plain,
    renamed,
    subscript,
)

__all__ = [  # Those of subscripts.py that every reader of expressions needs.
    "ACCENTS",
    "DIFFERENTIALS",
    "GREEK",
    "Affine",
    "Bounded",
    "Coordinate",
    "Extent",
    "Fixed",
    "Index",
    "Located",
    "NewIndex",
    "Picked",
    "Position",
    "Range",
    "Subscript",
    "Whole",
    "identifier",
    "letters",
    "plain",
    "subscript",
]


class Expression(Located):
    """A side of a relation, or a part of one."""

    is_leaf: ClassVar[bool] = False
    """Whether it has no parts: most expressions have none, and need not be searched for them."""

    binds_less: ClassVar[bool] = False
    """Whether it needs brackets beside a factor, though it is a product itself."""

    is_component: ClassVar[bool] = False
    """Whether it is written as a component, and needs no brackets."""

    @cached_property
    def parts(self) -> tuple[Expression, ...]:
        """The expressions directly inside, in order."""
        found: list[Expression] = []
        names: tuple[str, ...] = () if self.is_leaf else self.__match_args__
        for value in [getattr(self, name) for name in names]:
            if isinstance(value, Expression):
                found.append(value)
            elif isinstance(value, tuple):
                found += [part for part in value if isinstance(part, Expression)]
        return tuple(found)

    @property
    def own(self) -> tuple[Subscript, ...]:
        """The indices that stand on this expression itself, not inside a part."""
        return tuple(inner(self.indices)) if isinstance(self, Tensor | Delta | One | Indicator | Ordinal) else ()

    def walk(self) -> tuple[Expression, ...]:
        """Return the expression itself and all inside it."""
        return self._walked

    @cached_property
    def _walked(self) -> tuple[Expression, ...]:
        return (self, *(inner for part in self.parts for inner in part.walk()))


@dataclass(frozen=True)
class Number(Expression):
    """A number, exact."""

    is_leaf = True

    value: Fraction

    def __str__(self) -> str:
        return str(self.value)


@dataclass(frozen=True)
class Pi(Expression):
    """The number π."""

    is_leaf = True

    def __str__(self) -> str:
        return "π"


@dataclass(frozen=True)
class Tensor(Expression):
    """A component of a tensor, or a scalar if it has no indices. `name` is LaTeX without blanks."""

    is_leaf = True

    name: str
    indices: tuple[Subscript, ...] = ()

    def __str__(self) -> str:
        return plain(self.name) + subscript(self.indices)


@dataclass(frozen=True)
class Size(Expression):
    """A capital that names the range of its index: the number of values of `index`."""

    is_leaf = True

    name: str
    index: Index

    def __str__(self) -> str:
        return plain(self.name)


@dataclass(frozen=True)
class Delta(Expression):
    """The Kronecker delta: 1 where its two indices agree, 0 elsewhere."""

    is_leaf = True

    indices: tuple[Subscript, ...]

    def __str__(self) -> str:
        return "δ" + subscript(self.indices)


@dataclass(frozen=True)
class One(Expression):
    """The one-tensor: 1 everywhere."""

    is_leaf = True

    indices: tuple[Subscript, ...]

    def __str__(self) -> str:
        return "1" + subscript(self.indices)


@dataclass(frozen=True)
class Indicator(Expression):
    """1 where a relation between the values of two indices holds, such as i < j, and 0 elsewhere."""

    is_leaf = True

    indices: tuple[Subscript, ...]
    sign: str

    def __str__(self) -> str:
        left, right = self.indices
        return f"[{left} {self.sign} {right}]"


@dataclass(frozen=True)
class Ordinal(Expression):
    """The value of an index as a number. origin: its first value."""

    is_leaf = True

    indices: tuple[Subscript, ...]
    origin: int

    def __str__(self) -> str:
        return str(self.indices[0])


@dataclass(frozen=True)
class RangeProduct(Expression):
    r"""Factors written with dots, `\delta_{aa'} \dots \delta_{bb'}`: one for each index of the ranges.

    Without a `first` that begins the ranges, these are the factors from the second on, which are left
    when the first one has been eliminated.
    """

    first: Expression | None
    last: Delta | One

    def __str__(self) -> str:
        return f"{'' if self.first is None else self.first} ⋯ {self.last}".strip()


@dataclass(frozen=True)
class Product(Expression):
    """Factors side by side. dots: the numbers of the factors that a dot stands before."""

    factors: tuple[Expression, ...]
    dots: tuple[int, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        *before, last = self.factors
        return " ".join([*(_bracketed(f, *_GROUPS, Summation) for f in before), _bracketed(last, *_GROUPS)])


@dataclass(frozen=True)
class Sum(Expression):
    """Terms with plus signs; a minus is a Negative."""

    terms: tuple[Expression, ...]

    def __str__(self) -> str:
        text = _bracketed(self.terms[0], Sum)
        for term in self.terms[1:]:
            sign, body = ("−", term.body) if isinstance(term, Negative) else ("+", term)
            text += f" {sign} {_bracketed(body, Sum, Negative)}"
        return text


@dataclass(frozen=True)
class Negative(Expression):
    """Minus something."""

    body: Expression

    def __str__(self) -> str:
        return f"−{_bracketed(self.body, Sum, Negative)}"


@dataclass(frozen=True)
class Quotient(Expression):
    """A fraction."""

    numerator: Expression
    denominator: Expression

    def __str__(self) -> str:
        return f"{_bracketed(self.numerator, *_LOOSE)}/{_bracketed(self.denominator, *_LOOSE)}"


@dataclass(frozen=True)
class Power(Expression):
    """A base with an exponent; a root has the exponent 1/n."""

    base: Expression
    exponent: Expression

    def __str__(self) -> str:
        return f"{_bracketed(self.base, *_LOOSE, Power)}^{_bracketed(self.exponent, *_LOOSE)}"


@dataclass(frozen=True)
class Function(Expression):
    """A function of one number, taken of each component; `order` counts its primes, the derivatives."""

    name: str
    argument: Expression
    order: int = 0

    def __str__(self) -> str:
        return f"{self.name}{chr(39) * self.order}({self.argument})"


@dataclass(frozen=True)
class Comparison(Function):
    """A relation of two values: 1 where the argument, their difference, is as the name says, such as `[>]`; or 0."""

    written: str = field(default="", compare=False)

    def __str__(self) -> str:
        return self.written


@dataclass(frozen=True)
class Piecewise(Expression):
    """A value for each of several conditions, which are 1 or 0; one value more is that where no condition holds."""

    values: tuple[Expression, ...]
    conditions: tuple[Expression, ...]

    @property
    def boundaries(self) -> list[Expression]:
        """The conditions that hold between others, as x = 0 beside x > 0."""
        names = {each: each.name for each in self.conditions if isinstance(each, Comparison)}
        return [each for each in names if names[each] == "[=]" and {"[>]", "[≥]"} & {*names.values()}]

    def __str__(self) -> str:
        conditions = [
            " = ".join(map(str, each.indices)) if isinstance(each, Delta) else str(each).strip("[]")
            for each in self.conditions
        ]
        rows = [f"{value} if {each}" for value, each in zip(self.values, conditions, strict=False)]
        rest = [f"{value} otherwise" for value in self.values[len(self.conditions) :]]
        return f"{{{'; '.join(rows + rest)}}}"


@dataclass(frozen=True)
class Partial(Expression):
    """The derivative of `body` by a tensor, with those named in `held` fixed.

    bare: of a product without brackets. total: written with a d.
    """

    body: Expression
    by: Tensor
    held: tuple[str, ...] = ()
    bare: bool = field(default=False, compare=False)
    total: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        one = isinstance(self.body, Tensor)
        text = f"∂{self.body}/∂{self.by}" if one else f"∂/∂{self.by} ({self.body})"
        names = ", ".join(map(plain, self.held))
        return text if not names else f"{text}|_{names}" if len(names) == 1 else f"{text}|_{{{names}}}"


@dataclass(frozen=True)
class Summation(Expression):
    """The sum of `body` over all values of `indices`; `capital` is the name of the range, if it is written.

    limits: the first and the last value, of a sum over a part of the range; none of them, of a sum over a set.
    """

    indices: tuple[Subscript, ...]
    body: Expression
    capital: str = field(default="", compare=False)
    limits: tuple[Affine, Affine] | tuple[()] | None = None

    def __str__(self) -> str:
        return f"Σ{subscript(self.indices)} {_bracketed(self.body, Sum, Negative)}"


@dataclass(frozen=True)
class Reduction(Summation):
    """The product, or the largest or smallest, of `body` over all values of `indices`."""

    sign: str = field(default="∏", kw_only=True)

    def __str__(self) -> str:
        return f"{self.sign}{subscript(self.indices)} {_bracketed(self.body, Sum, Negative)}"


_GROUPS = (Sum, Negative, Product)
_LOOSE = (*_GROUPS, Quotient, Summation)


def _bracketed(expression: Expression, *kinds: type[Expression]) -> str:
    broken = Quotient in kinds and isinstance(expression, Number) and expression.value.denominator > 1
    loose = Product in kinds and expression.binds_less
    if expression.is_component:
        return str(expression)
    return f"({expression})" if broken or loose or isinstance(expression, kinds) else str(expression)


def is_zero(expression: Expression) -> bool:
    """Return whether a side is the number 0."""
    return isinstance(expression, Number) and expression.value == 0


def mapped(expression: Expression, change: Callable[[Expression], Expression]) -> Expression:
    """Return an expression with `change` applied to each of its parts; itself if it has none."""
    if expression.is_leaf:
        return expression
    changed: dict[str, Expression | tuple[Expression, ...]] = {}
    names: tuple[str, ...] = expression.__match_args__
    for name, value in [(name, getattr(expression, name)) for name in names]:
        if isinstance(value, Expression):
            changed[name] = change(value)
        elif isinstance(value, tuple) and any(isinstance(part, Expression) for part in value):
            changed[name] = tuple(map(change, value))
    found: Expression = replace(cast(Any, expression), **changed) if changed else expression
    return found


def rebuilt(expression: Expression, change: Callable[[Expression], Expression]) -> Expression:
    """Return an expression with `change` applied to every part and to itself, inner ones first."""
    return change(mapped(expression, lambda part: rebuilt(part, change)))


def subscripts(expression: Expression) -> list[Subscript]:
    """Return every index that is written in an expression, those of sums too, in order."""
    found: list[Subscript] = []
    for part in expression.walk():
        found += part.own
        if isinstance(part, Summation):
            found += part.indices
    return found


def with_indices(side: Expression, names: Mapping[Subscript, Subscript]) -> Expression:
    """Return an expression with some of its indices replaced by others."""

    def new(index: Any) -> Any:
        return names.get(index, index)

    def other(part: Expression) -> Expression:
        if isinstance(part, Tensor | Delta | One | Indicator | Ordinal | Summation):
            return replace(part, indices=tuple(renamed(index, new) for index in part.indices))
        return part

    return rebuilt(side, other)
