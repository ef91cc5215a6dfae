"""Matrix notation -> components: every vector and matrix of a chain with indices, and its sums written."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import count
from typing import TypeAlias

from einsum_doc.notation.expression import (
    Delta,
    Expression,
    Function,
    Index,
    Negative,
    NewIndex,
    Number,
    One,
    Partial,
    Power,
    Product,
    Quotient,
    Subscript,
    Sum,
    Summation,
    Tensor,
    is_zero,
    mapped,
    subscripts,
    with_indices,
)
from einsum_doc.notation.matrices.nodes import (
    Component,
    Constant,
    Differential,
    Hadamard,
    Inner,
    Kronecker,
    MatrixFunction,
    Norm,
    Transpose,
)
from einsum_doc.notation.matrices.shapes import SCALAR, Fail, Shape, Shapes, counted, exponent_of, words

Indices: TypeAlias = tuple[Index, ...]
Slots: TypeAlias = tuple[Subscript, ...]

_LETTERS = "ijklmnpqrstuvwabcdfgh"


@dataclass(frozen=True)
class OfMatrix:
    """A tensor that is the inverse, the determinant, or the logarithm of the determinant, of another.

    function: "inv", "det" or "logdet". name: of the tensor. argument: the components of the other one, and body,
    what they are; open: the first of its indices, which number the matrices; rows: the number of those of a row.
    """

    function: str
    name: str
    argument: Tensor
    body: Expression
    open: Indices
    rows: int

    @property
    def square(self) -> tuple[tuple[Index, Index], ...]:
        """The indices of the rows, each with that of the columns which has the same size."""
        inner = [index for index in self.argument.indices[len(self.open) :] if isinstance(index, Index)]
        return tuple(zip(inner[: self.rows], inner[self.rows :], strict=True))


class Components:
    """The components of the matrices of one chain.

    of_name: the shape of a tensor without indices. taken: letters that no new index may have.
    aliases: names that stand for a component with these indices, of the rows and the columns.
    samples: letters that number vectors.
    known: the functions of whole matrices on the page so far.
    """

    def __init__(
        self,
        of_name: Callable[[Tensor], Shape],
        taken: set[str],
        aliases: Mapping[str, tuple[Expression, Indices]],
        samples: Collection[str],
        known: MutableMapping[Expression, OfMatrix],
        fail: Fail,
    ) -> None:
        self.shapes = Shapes(of_name, fail)
        self.fail = fail
        self.aliases = aliases
        self.samples = samples
        self.known = known
        self.letters = unused(taken)

    def sides(self, sides: Sequence[Expression]) -> tuple[list[Expression], Indices]:
        """Return the sides of a chain in components, and the indices that all of them have.

        Raises: NotationError, where shapes do not fit.
        """
        if not any(map(self.shapes.is_matrix_notation, sides)):
            return list(sides), ()
        found = [self.shapes.of(side) for side in sides]
        shapes = [shape for shape in found if shape is not None]
        shape = next((shape for shape in shapes if shape != SCALAR), SCALAR)
        rows, columns = self._targets(sides, found, shape)
        lowered = [
            side if own == SCALAR and shape != SCALAR else self.of(side, rows, columns)
            for side, own in zip(sides, found, strict=True)
        ]
        return lowered, (*rows, *columns)

    def _targets(
        self, sides: Sequence[Expression], found: Sequence[Shape | None], shape: Shape
    ) -> tuple[Indices, Indices]:
        """Return the indices of the rows and of the columns: those of a left side in components, or new ones."""
        head = sides[0]
        if found[0] == SCALAR and shape != SCALAR:
            own = component_indices(head)
            if len(set(own)) != len(own) or len(own) != sum(shape):
                other = next(side for side, each in zip(sides, found, strict=True) if each == shape)
                has = f"has {counted(len(own))}" if own else "is a scalar"
                fault = f"{head} {has}, and {other} is {words(shape)}"
                raise self.fail(fault, other.at, "sides of one shape")
            return own[: shape[0]], own[shape[0] :]
        for side, own_shape in zip(sides, found, strict=True):
            if own_shape not in (None, shape) and not is_zero(side):
                fault = f"{head} is {words(found[0] or shape)}, and {side} is {words(own_shape or shape)}"
                derivative = any(isinstance(part, Partial) for each in (head, side) for part in each.walk())
                expected = "; the derivative of a scalar has that of the tensor below" * derivative
                raise self.fail(fault, side.at, "sides of one shape" + expected)
        return self._new(shape[0]), self._new(shape[1])

    def _new(self, number: int) -> Indices:
        return tuple(next(self.letters) for _ in range(number))

    def of(self, expression: Expression, rows: Slots = (), columns: Slots = ()) -> Expression:
        """Return the component of an expression at these rows and columns; none of a scalar."""
        match expression:
            case Tensor(name, ()) if name in self.aliases:
                found, own = self.aliases[name]
                return with_indices(found, dict(zip(own, (*rows, *columns), strict=True)))
            case Tensor(_, indices):
                return replace(expression, indices=(*indices, *rows, *columns))
            case Constant(sign):
                return _constant(sign, rows, columns, expression)
            case Transpose(body):
                return self.of(body, columns, rows)
            case Sum(terms):
                scalar = [self.shapes.of(term) == SCALAR for term in terms]
                lowered = [
                    self.of(term) if alone else self.of(term, rows, columns)
                    for term, alone in zip(terms, scalar, strict=True)
                ]
                return replace(expression, terms=self._alike(lowered))
            case Negative() | Summation() | Differential():
                return mapped(expression, lambda part: self.of(part, rows, columns))
            case Function(_, argument):
                return self._function(expression, argument, rows, columns)
            case Product() if inner := self.shapes.inner(expression):
                return self._number(inner)
            case Product(factors):
                return self._product(expression, self.shapes.groups(factors), rows, columns)
            case Hadamard(factors):
                return Product(tuple(self.of(factor, rows, columns) for factor in factors), at=expression.at)
            case Kronecker(factors):
                return self._kronecker(expression, factors, rows, columns)
            case Quotient(numerator, denominator):
                return Quotient(self.of(numerator, rows, columns), self.of(denominator), at=expression.at)
            case Power():
                return self._power(expression, rows, columns)
            case Partial():
                return self._derivative(expression, rows, columns)
            case Component(body, indices):
                high = self.shapes.known(body)[0]
                return self.of(body, indices[:high], indices[high:])
            case Norm() | Inner():
                return self._number(expression)
            case MatrixFunction():
                return self._of_matrix(expression, rows, columns)
            case _:
                return expression

    def _product(
        self, expression: Product, groups: Sequence[Sequence[Expression]], rows: Slots, columns: Slots
    ) -> Expression:
        factors: list[Expression] = []
        for group in groups:
            shapes = [self.shapes.known(factor) for factor in group]
            scalar = shapes[0][0] == shapes[-1][1] == 0
            between = [self._new(shape[1]) for shape in shapes[:-1]]
            starts = [() if scalar else rows, *between]
            ends = [*between, () if scalar else columns]
            own = tuple(self.of(*each) for each in zip(group, starts, ends, strict=True))
            summed = tuple(index for each in between for index in each)
            product = own[0] if len(own) == 1 else Product(own, at=own[0].at)
            factors.append(Summation(summed, product, at=product.at) if summed else product)
        return factors[0] if len(factors) == 1 else Product(tuple(factors), at=expression.at)

    def _kronecker(
        self, expression: Expression, factors: Sequence[Expression], rows: Slots, columns: Slots
    ) -> Expression:
        shapes = [self.shapes.known(factor) for factor in factors]
        if len(rows) == len(columns) == 1 and len(factors) == 2 and shapes == [(1, 0), (1, 0)]:
            parts = [self.of(factors[0], rows), self.of(factors[1], columns)]
        elif (len(rows), len(columns)) != tuple(map(sum, zip(*shapes, strict=True))):
            raise self.fail(f"nothing says which shape {expression} has", expression.at, "one of known shape")
        else:
            parts = []
            for factor, (high, wide) in zip(factors, shapes, strict=True):
                parts.append(self.of(factor, rows[:high], columns[:wide]))
                rows, columns = rows[high:], columns[wide:]
        return Product(tuple(parts), at=expression.at)

    def _alike(self, terms: Sequence[Expression]) -> tuple[Expression, ...]:
        """Return terms that all have the indices which number vectors: one without them is the same for each."""
        numbers = [
            dict.fromkeys(index for index in unbound(term) if index.letter in self.samples) if self.samples else {}
            for term in terms
        ]
        every = dict.fromkeys(index for each in numbers for index in each)
        found = []
        for term, own in zip(terms, numbers, strict=True):
            missing = tuple(index for index in every if index not in own)
            found.append(Product((One(missing, at=term.at), term), at=term.at) if missing else term)
        return tuple(found)

    def _function(self, expression: Function, argument: Expression, rows: Slots, columns: Slots) -> Expression:
        determinant = isinstance(argument, MatrixFunction) and argument.name in ("det", "bars")
        if expression.name == "log" and determinant and self.shapes.known(argument.parts[0]) != SCALAR:
            return self._of_matrix(MatrixFunction("logdet", argument.parts[0], at=argument.at), (), ())
        return replace(expression, argument=self.of(argument, rows, columns))

    def _power(self, expression: Power, rows: Slots, columns: Slots) -> Expression:
        number = exponent_of(expression)
        if isinstance(expression.base, Norm) and expression.base.degree == 2 and number == 2:
            return self._squares(expression.base.body)
        if not rows and not columns:
            return mapped(expression, self.of)
        if isinstance(expression.base, Function):
            return replace(expression, base=self.of(expression.base, rows, columns))
        if number == -1:
            return self._of_matrix(MatrixFunction("inv", expression.base, at=expression.at), rows, columns)
        factors = (expression.base,) * int(number or 0)
        return self._product(Product(factors, at=expression.at), [factors], rows, columns)

    def _derivative(self, expression: Partial, rows: Slots, columns: Slots) -> Expression:
        body, by = self.shapes.known(expression.body), self.shapes.of_name(expression.by)
        inner: tuple[Slots, Slots] = (rows, columns) if by == SCALAR else (rows[: body[0]], ())
        below = () if by == SCALAR else (rows, columns) if body == SCALAR else (columns, ())
        tensor = self.of(expression.by, *below)
        if not isinstance(tensor, Tensor):
            raise self.fail(f"a derivative by {expression.by}", expression.by.at, "a tensor")
        return replace(expression, body=self.of(expression.body, *inner), by=tensor)

    def _number(self, expression: Norm | Inner) -> Expression:
        if isinstance(expression, Inner):
            shape = self.shapes.common(expression.parts) or SCALAR
            rows, columns = self._new(shape[0]), self._new(shape[1])
            factors = tuple(self.of(part, rows, columns) for part in expression.parts)
            return Summation((*rows, *columns), Product(factors, at=expression.at), at=expression.at)
        if expression.degree == 2:
            return Power(self._squares(expression.body), Number(Fraction(1, 2)), at=expression.at)
        index = self._new(1)
        return Summation(index, Function("abs", self.of(expression.body, index), at=expression.at), at=expression.at)

    def _squares(self, body: Expression) -> Expression:
        shape = self.shapes.known(body)
        rows, columns = self._new(shape[0]), self._new(shape[1])
        square = Power(self.of(body, rows, columns), Number(Fraction(2)), at=body.at)
        return Summation((*rows, *columns), square, at=body.at) if shape != SCALAR else square

    def _of_matrix(self, expression: MatrixFunction, rows: Slots, columns: Slots) -> Expression:
        argument, at = expression.argument, expression.at
        shape = self.shapes.known(argument)
        match expression.name:
            case "softmax" | "logsoftmax" | "logsumexp":
                return self._softmax(expression, rows, columns)
            case "tr" if shape == SCALAR:
                return self.of(argument)
            case "tr":
                new = self._new(shape[0])
                return Summation(new, self.of(argument, new, new), at=at)
            case "bars" if shape == SCALAR:
                return Function("abs", self.of(argument), at=at)
            case "bars":
                return self._named(replace(expression, name="det"), rows, columns)
            case "diag" if sum(shape) == 1:
                own = self.of(argument, *((rows, ()) if shape[0] else ((), rows)))
                return Product((Delta((*rows, *columns), at=at), own), at=at)
            case "diag":
                return self.of(argument, rows, rows)
            case "vec":
                return self.of(argument, rows[shape[1] :], rows[: shape[1]])
            case _:
                return self._named(expression, rows, columns)

    def _softmax(self, expression: MatrixFunction, rows: Slots, columns: Slots) -> Expression:
        """Return a component of a softmax, or of its logarithm, or the logarithm of the sum in it."""
        shape, at = self.shapes.known(expression.argument), expression.at
        (summed,) = self._new(1)
        if expression.along:
            own = self.of(expression.argument)
            (along,) = expression.along
            inner = with_indices(own, {along: summed})
        else:
            own = self.of(expression.argument, rows, columns) if rows or columns else Number(Fraction(0))
            inner = self.of(expression.argument, *(((summed,), ()) if shape[0] else ((), (summed,))))
        total = Summation((summed,), Function("exp", inner, at=at), at=at)
        if expression.name == "softmax":
            return Quotient(Function("exp", own, at=at), total, at=at)
        logarithm = Function("log", total, at=at)
        if expression.name == "logsumexp":
            return logarithm
        return Sum((own, Negative(logarithm, at=at)), at=at)

    def _named(self, expression: MatrixFunction, rows: Slots, columns: Slots) -> Expression:
        """Return a component of the inverse, or the determinant, as that of a tensor of its own."""
        if expression not in self.known:
            shape = self.shapes.known(expression.argument)
            inner = self._new(sum(shape))
            body = self.of(expression.argument, inner[: shape[0]], inner[shape[0] :])
            open_ = tuple(dict.fromkeys(index for index in unbound(body) if index not in inner))
            argument = Tensor(f"\\mathbf{{the matrix of {expression}}}", (*open_, *inner), at=expression.at)
            name = f"\\mathbf{{{expression}}}"
            self.known[expression] = OfMatrix(expression.name, name, argument, body, open_, shape[0])
        found = self.known[expression]
        return Tensor(found.name, (*found.open, *rows, *columns), at=expression.at)


def _constant(sign: str, rows: Slots, columns: Slots, expression: Expression) -> Expression:
    if sign == "I":
        return Delta((*rows, *columns), at=expression.at)
    return One((*rows, *columns), at=expression.at) if sign == "1" else Number(Fraction(0), at=expression.at)


def component_indices(component: Expression) -> Indices:
    """Return the indices of a component; of a derivative, those above and then those below."""
    slots = (component.body, component.by) if isinstance(component, Partial) else (component,)
    return tuple(index for part in slots for index in part.own if isinstance(index, Index))


def unbound(expression: Expression) -> Iterator[Index]:
    """Yield the indices in an expression that no sum in it is over."""
    summed = {index for part in expression.walk() if isinstance(part, Summation) for index in part.indices}
    yield from (index for index in subscripts(expression) if isinstance(index, Index) and index not in summed)


def unused(taken: set[str]) -> Iterator[Index]:
    """Yield indices whose letters have no other meaning, without primes as long as there are any."""
    free = [letter for letter in _LETTERS if letter not in taken and letter.upper() not in taken] or ["i"]
    for primes in count():
        for letter in free:
            yield NewIndex(letter, primes)
