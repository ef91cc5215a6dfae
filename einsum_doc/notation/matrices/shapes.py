"""An expression of matrix notation -> its shape: the number of indices of its rows, and that of its columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import NoReturn, TypeAlias

from einsum_doc.errors import NotationError
from einsum_doc.notation.expression import (
    Expression,
    Function,
    Index,
    Negative,
    Number,
    Partial,
    Position,
    Power,
    Product,
    Quotient,
    Sum,
    Summation,
    Tensor,
)
from einsum_doc.notation.matrices.nodes import (
    SIGNS,
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

Shape: TypeAlias = tuple[int, int]
"""The numbers of indices along the rows and along the columns.

A column has one and none. A Kronecker product has as many as its factors together: its rows are pairs of their rows.
"""

SCALAR, COLUMN, ROW, MATRIX = (0, 0), (1, 0), (0, 1), (1, 1)

Fail: TypeAlias = Callable[[str, Position, str], NotationError]
"""The error about a place in the text: its fault, the place, and the text that was expected."""


class Shapes:
    """The shapes of expressions.

    of_name: the shape of a tensor without indices. fail: the error about a place in the text.
    """

    def __init__(self, of_name: Callable[[Tensor], Shape], fail: Fail) -> None:
        self.of_name = of_name
        self.fail = fail

    def is_matrix_notation(self, expression: Expression) -> bool:
        """Return whether anything in an expression is a vector, a matrix, or a sign for them."""
        return any(
            isinstance(part, SIGNS) or (isinstance(part, Tensor) and self.of_name(part) != SCALAR)
            for part in expression.walk()
        )

    def of(self, expression: Expression) -> Shape | None:
        """Return the shape of an expression; None where it fits any, as 0, or two, as the product ⊗ of vectors.

        Raises: NotationError, where shapes do not fit.
        """
        match expression:
            case Tensor():
                return self.of_name(expression)
            case Negative(body) | Summation(_, body) | Function(_, body) | Differential(body):
                return self.of(body)
            case Sum(parts):
                wide = self._wide(parts)
                # A scalar beside a column is added to each component; beside a matrix it could be a multiple of I.
                return self.common(wide if self.of(wide[0]) in (COLUMN, ROW) else parts)
            case Hadamard(factors):
                self._refuse_bare(expression)
                # In (1 − A) ⊙ B, all is about components.
                return self.common([Sum(self._wide(each.terms)) if isinstance(each, Sum) else each for each in factors])
            case Product(factors):
                self._refuse_bare_function(factors)
                inner = self.inner(expression)
                return SCALAR if inner else self._of_groups(self.groups(factors))
            case Quotient(numerator, denominator):
                self._scalar(denominator, "a quotient by {}", "a product with its inverse, or components")
                return self.of(numerator)
            case Partial():
                return self._of_derivative(expression)
            case Constant(sign):
                return {"I": MATRIX, "1": COLUMN}.get(sign)
            case Transpose(body):
                return self._of_transpose(body)
            case Power():
                return self._of_power(expression)
            case Norm() | Inner() | Component():
                return self._of_number(expression)
            case Kronecker(factors):
                self._refuse_bare(expression)
                return self._of_kronecker(factors)
            case MatrixFunction():
                return self._of_function(expression)
            case _:
                return SCALAR

    def _wide(self, parts: Sequence[Expression]) -> tuple[Expression, ...]:
        """Return the parts that are no scalars; all of them, if all are."""
        return tuple(part for part in parts if self.of(part) != SCALAR) or tuple(parts)

    def known(self, expression: Expression) -> Shape:
        """Return the shape of an expression that must have one of its own."""
        found = self.of(expression)
        if found is None:
            raise self.fail(f"nothing says which shape {expression} has", expression.at, "one of known shape")
        return found

    def common(self, parts: Sequence[Expression]) -> Shape | None:
        """Return the shape that all parts have."""
        found = [(part, shape) for part in parts if (shape := self.of(part)) is not None]
        for part, shape in found[1:]:
            if shape != found[0][1]:
                self._refuse(found[0][0], part, "stand side by side in a sum or a product of components")
        return found[0][1] if found else None

    def inner(self, product: Product) -> Inner | None:
        """Return the inner product that a dot between two columns stands for; None for any other product."""
        for place in product.dots:
            sides = product.factors[:place], product.factors[place:]
            left, right = (part[0] if len(part) == 1 else Product(part, at=part[0].at) for part in sides)
            if self._shape_or_none(left) == COLUMN == self._shape_or_none(right):
                return Inner(left, right, at=product.at)
        return None

    def _shape_or_none(self, expression: Expression) -> Shape | None:
        try:
            return self.of(expression)
        except NotationError:
            return None

    def groups(self, factors: Sequence[Expression]) -> list[list[Expression]]:
        """Return factors in groups: a matrix product each, of which all but one are scalars.

        By associativity it does not matter where a scalar, as xᵀy, begins, as long as the others fit.
        """
        found: list[list[Expression]] = []
        scalars = [[factor] for factor in factors if self.known(factor) == SCALAR]
        for factor in factors:
            own = self.known(factor)
            if own == SCALAR:
                continue
            if found and self._of_group(found[-1])[1] == own[0]:
                found[-1].append(factor)
            else:
                found.append([factor])
        wide = [group for group in found if self._of_group(group) != SCALAR]
        if len(wide) > 1:
            self._refuse(wide[0][-1], wide[1][0], "are multiplied")
        return scalars + found

    def _of_group(self, group: Sequence[Expression]) -> Shape:
        return self.known(group[0])[0], self.known(group[-1])[1]

    def _of_groups(self, groups: Sequence[Sequence[Expression]]) -> Shape:
        return next((shape for group in groups if (shape := self._of_group(group)) != SCALAR), SCALAR)

    def _of_transpose(self, body: Expression) -> Shape:
        rows, columns = self.known(body)
        if (rows, columns) == SCALAR:
            self._stop(body, "the transpose of {}", rf"components, or '% matrix {body}', '% vector {body}'")
        return columns, rows

    def _of_power(self, expression: Power) -> Shape:
        shape = self.known(expression.base)
        self._scalar(expression.exponent, "the exponent {}", "a number")
        if shape == SCALAR:
            return shape
        number = exponent_of(expression)
        if isinstance(expression.base, Function) and (0 in shape or expression.at != expression.base.at):  # tanh²(A)
            return shape
        unclear = isinstance(expression.base, Function) or number is None or number.denominator > 1 or number == 0
        if unclear or shape[0] != shape[1] or not -1 <= (number or 0) <= 9:
            expected = r"\odot, or \tanh^2(…), for a product of components; ^{-1} or ^2 of a matrix"
            self._stop(expression.base, "a power of {}", expected)
        return shape

    def _of_number(self, expression: Expression) -> Shape:
        if isinstance(expression, Component):
            shape = self.known(expression.body)
            if sum(shape) != len(expression.indices) or not sum(shape):
                has = counted(len(expression.indices))
                self._stop(expression.body, f"{has} on {{}}", "one index for each of its axes")
        elif isinstance(expression, Inner):
            if self.common(expression.parts) == SCALAR:
                self._stop(expression.parts[0], "an inner product of {}", "vectors or matrices")
        elif isinstance(expression, Norm) and self.known(expression.body) == MATRIX and expression.degree == 1:
            self._stop(expression.body, "the norm ‖…‖₁ of {}", "components")
        elif isinstance(expression, Norm) and expression.two and self.known(expression.body) == MATRIX:
            expected = r"\|…\|_F for the root of the sum of squares; the largest singular value has no sign here"
            self._stop(expression.body, "the norm ‖…‖₂ of {}", expected)
        elif isinstance(expression, Norm) and self.known(expression.body) == SCALAR:
            self._stop(expression.body, "the norm of {}", r"a vector or a matrix, or \operatorname{abs}(…)")
        return SCALAR

    def _of_kronecker(self, factors: Sequence[Expression]) -> Shape | None:
        shapes = [self.known(factor) for factor in factors]
        if all(shape == COLUMN for shape in shapes):
            return None
        return sum(shape[0] for shape in shapes), sum(shape[1] for shape in shapes)

    def _refuse_bare(self, expression: Hadamard | Kronecker) -> None:
        """Refuse a matrix product without brackets beside another kind of product: either could come first."""
        for place in expression.bare:
            factor = expression.factors[place]
            if sum(self.known(part) != SCALAR for part in factor.parts) > 1:
                raise self.fail(f"{factor} stands without brackets in {expression}", factor.at, r"\left( … \right)")

    def _refuse_bare_function(self, factors: Sequence[Expression]) -> None:
        r"""Refuse `\mathbf{A} \operatorname{tr} \mathbf{B} \mathbf{C}`, where C could be outside of the trace."""
        last = factors[-1]
        if isinstance(last, MatrixFunction) and last.bare and any(self.known(each) != SCALAR for each in factors[:-1]):
            raise self.fail(f"where does the argument of {last.name} end?", last.at, r"brackets, \left( … \right)")

    def _refuse_bare_derivative(self, expression: Partial, below: Shape) -> None:
        """Refuse a derivative of a product without brackets, unless that of its first factor would have no meaning."""
        body = expression.body
        factors = [part for part in (body.factors if isinstance(body, Product) else (body,)) if not exact(part)]
        first = self.known(factors[0])
        if len(factors) > 1 and (below == SCALAR or first not in (ROW, MATRIX)):
            fault = f"is all of {expression.body} differentiated?"
            raise self.fail(fault, expression.at, r"brackets, \left( … \right), around what is differentiated")

    def _of_softmax(self, expression: MatrixFunction, shape: Shape) -> Shape:
        along = expression.along
        if along and (len(along) > 1 or not isinstance(along[0], Index) or shape != SCALAR):
            self._stop(
                expression.argument, f"{expression.name} of {{}} over an index", "components, and one index of theirs"
            )
        if not along and shape not in (COLUMN, ROW):
            expected = rf"a vector, or \operatorname{{{expression.name}}}_{{j}} of components"
            self._stop(expression.argument, f"{expression.name} of {{}}", expected)
        return SCALAR if expression.name == "logsumexp" else shape

    def _of_function(self, expression: MatrixFunction) -> Shape:
        name, argument = expression.name, expression.argument
        rows, columns = self.known(argument)
        if name in ("softmax", "logsoftmax", "logsumexp"):
            return self._of_softmax(expression, (rows, columns))
        if name == "bars":
            if (rows, columns) == SCALAR:
                return SCALAR
            if rows != columns:
                self._stop(argument, "bars around {}", r"\|…\| for a norm, \operatorname{abs}(…) of each component")
            name = "det"
        if name == "vec" and rows + columns:
            return rows + columns, 0
        if name == "diag" and (rows, columns) in (COLUMN, ROW, MATRIX):
            return MATRIX if rows + columns == 1 else COLUMN
        if expression.bare and name == "det" and any(self.known(factor) == SCALAR for factor in argument.parts):
            raise self.fail("where does the argument of det end?", expression.at, r"brackets, \left( … \right)")
        if name == "tr" and (rows, columns) == SCALAR and self.is_matrix_notation(argument):
            return SCALAR  # A product such as xᵀy is its own trace.
        if name in ("tr", "det", "inv") and rows == columns and rows:
            return (rows, columns) if name == "inv" else SCALAR
        wanted = "a matrix" if name in ("tr", "det", "inv") else "a vector or a matrix"
        return self._stop(argument, f"{name} of {{}}", wanted)

    def _of_derivative(self, expression: Partial) -> Shape:
        body, by = expression.body, expression.by
        above, below = self.known(body), self.of_name(by)
        if expression.bare:
            self._refuse_bare_derivative(expression, below)
        if isinstance(body, Partial) and body.at == expression.at and body.by != by and SCALAR not in (above, below):
            fault = f"{body.by} or {by} could give the rows of this second derivative"
            raise self.fail(
                fault,
                expression.at,
                r"\frac{\partial}{\partial y} \left( \frac{\partial s}{\partial x} \right), with a row for each x",
            )
        if above[1] and below != SCALAR:
            self._stop(
                body,
                "the derivative of {} by " + f"{by}, which is {words(below)}",
                r"\operatorname{vec}, or components",
            )
        if above == SCALAR or below == SCALAR:
            return below if above == SCALAR else above
        if below[1]:
            self._stop(by, f"the derivative of {body} by {{}}", r"\operatorname{vec} of a row, or components")
        return above[0], below[0]

    def _scalar(self, expression: Expression, fault: str, expected: str) -> None:
        if self.known(expression) != SCALAR:
            self._stop(expression, fault, expected)

    def _stop(self, expression: Expression, fault: str, expected: str) -> NoReturn:
        """Refuse an expression, with its shape."""
        shape = self.of(expression)
        said = f"{expression}, which is {words(shape)}," if shape is not None else str(expression)
        raise self.fail(fault.format(said).rstrip(","), expression.at, expected)

    def _refuse(self, first: Expression, second: Expression, how: str) -> NoReturn:
        """Refuse two expressions whose shapes do not fit."""
        one, other = self.known(first), self.known(second)
        hint = r"shapes that fit: a transpose, or \odot for a product of components"
        if SCALAR in (one, other):
            hint = r"a tensor of one shape with the other, such as \mathbf{I} or \mathbf{1}"
        elif {one, other} == {MATRIX, COLUMN} and "sum" in how:
            hint = rf"\mathbf{{1}} {second if other == COLUMN else first}^\top, to add it to each row; {hint}"
        fault = f"{first} is {words(one)}, and {second} is {words(other)}, but they {how}"
        raise self.fail(fault, second.at, hint)


def exact(expression: Expression) -> bool:
    """Return whether an expression is a number as it stands, also as a fraction."""
    return all(isinstance(part, Number | Quotient) for part in expression.walk())


def exponent_of(expression: Power) -> Fraction | None:
    """Return the exponent of a power, if it is a number as it stands."""
    match expression.exponent:
        case Number(value):
            return value
        case Negative(Number(value)):
            return -value
        case _:
            return None


def counted(indices: int) -> str:
    """Return a number of indices in words.

    >>> counted(1), counted(2)
    ('1 index', '2 indices')
    """
    return f"{indices} {'index' if indices == 1 else 'indices'}"


def words(shape: Shape) -> str:
    """Return a shape in words.

    >>> words((1, 0)), words((1, 1))
    ('a column (n × 1)', 'a matrix (n × m)')
    """
    names = {SCALAR: "a scalar", COLUMN: "a column (n × 1)", ROW: "a row (1 × n)", MATRIX: "a matrix (n × m)"}
    return names.get(shape, f"a matrix ({_long(shape[0], 'n')} × {_long(shape[1], 'm')})")


def _long(count: int, letter: str) -> str:
    return "·".join(letter + "₁₂₃₄₅₆₇₈₉"[number] for number in range(count)) or "1"
