"""The signs of matrix notation as frozen values: Transpose, Hadamard, Norm, ...

A matrix or a vector is a `Tensor` without indices; its shape is known only where it is lowered to components.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from einsum_doc.notation.expression import (
    Expression,
    Function,
    Negative,
    Number,
    Pi,
    Size,
    Subscript,
    Sum,
    Tensor,
    subscript,
)

_TIGHT = (Tensor, Number, Pi, Size, Function)


def _tight(expression: Expression) -> str:
    """Return an expression as text, in brackets where a sign beside it could apply to a part of it."""
    return str(expression) if isinstance(expression, (*_TIGHT, MatrixFunction, Norm)) else f"({expression})"


@dataclass(frozen=True)
class Transpose(Expression):
    """Rows and columns exchanged."""

    body: Expression

    def __str__(self) -> str:
        return f"{_tight(self.body)}ᵀ"


@dataclass(frozen=True)
class Hadamard(Expression):
    """A product of components. bare: the numbers of the factors that are products without brackets."""

    binds_less = True

    factors: tuple[Expression, ...]
    bare: tuple[int, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        return " ⊙ ".join(f"({each})" if isinstance(each, Sum | Negative) else str(each) for each in self.factors)


@dataclass(frozen=True)
class Kronecker(Expression):
    """Every component of one times every component of the other; of two vectors it may be the outer product."""

    binds_less = True

    factors: tuple[Expression, ...]
    bare: tuple[int, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        return " ⊗ ".join(map(_tight, self.factors))


@dataclass(frozen=True)
class Constant(Expression):
    """The identity matrix I, or a tensor with 0 or 1 everywhere."""

    is_leaf = True

    sign: str

    def __str__(self) -> str:
        return self.sign


@dataclass(frozen=True)
class MatrixFunction(Expression):
    """A function of a matrix or a vector as a whole: tr, det, diag, vec, its inverse, inv; softmax and the like.

    bars are the determinant of a matrix and the magnitude of a scalar.
    along: the index over which a softmax of components is. bare: true if the argument is a product without brackets.
    """

    name: str
    argument: Expression
    along: tuple[Subscript, ...] = ()
    bare: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        if self.name == "inv":
            return f"{_tight(self.argument)}⁻¹"
        if self.name == "bars":
            return f"|{self.argument}|"
        return f"{self.name}{subscript(self.along)}({self.argument})"


@dataclass(frozen=True)
class Norm(Expression):
    """The root of the sum of all squares, or, of degree 1, the sum of all magnitudes.

    two: true if it is written with a 2, which is another norm of a matrix.
    """

    body: Expression
    degree: int = 2
    two: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        return f"‖{self.body}‖{'₁' if self.degree == 1 else ''}"


@dataclass(frozen=True)
class Inner(Expression):
    """The sum of the products of all components of two tensors of one shape."""

    left: Expression
    right: Expression

    def __str__(self) -> str:
        return f"⟨{self.left}, {self.right}⟩"


@dataclass(frozen=True)
class Component(Expression):
    """A component of a vector or a matrix that is an expression, (A B)_{ij}."""

    body: Expression
    indices: tuple[Subscript, ...]

    @property
    def own(self) -> tuple[Subscript, ...]:
        return self.indices

    def __str__(self) -> str:
        return f"({self.body}){subscript(self.indices)}"


@dataclass(frozen=True)
class Differential(Expression):
    """The change of an expression when the inputs move; value: it as a sum over these, once they are known."""

    body: Expression
    value: Expression | None = None

    @property
    def parts(self) -> tuple[Expression, ...]:
        return (self.body if self.value is None else self.value,)

    def __str__(self) -> str:
        return f"d{self.body}" if isinstance(self.body, Tensor) else f"d({self.body})"


SIGNS = (Component, Transpose, Hadamard, Kronecker, Constant, MatrixFunction, Norm, Inner)
"""The expressions that only matrix notation has."""
