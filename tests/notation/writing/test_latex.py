"""What is written in LaTeX is read back as what it was."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from einsum_doc.notation.deriving.derive import derive
from einsum_doc.notation.expression import (
    Coordinate,
    Delta,
    Expression,
    Function,
    Index,
    Negative,
    Number,
    One,
    Partial,
    Pi,
    Power,
    Product,
    Quotient,
    Range,
    RangeProduct,
    Sum,
    Summation,
    Tensor,
)
from einsum_doc.notation.reading.parse import parse_expression
from einsum_doc.notation.writing.latex import latex

I, J, K = Index("i"), Index("j"), Index("k", 1)  # noqa: E741
A, B = Index("a"), Index("b")
X, Y, L = Tensor("x", (I, J)), Tensor("y", (J, K)), Tensor("l")


@pytest.mark.parametrize(
    ("expression", "written"),
    [
        (X, "x_{ij}"),
        (Tensor("x", (Index(r"\mu"), I, Index(r"\nu", 2))), r"x_{\mu i\nu''}"),
        (Tensor(r"\mathbf{x}", (Coordinate(0), I)), r"\mathbf{x}_{0,i}"),
        (Tensor("x", (Range(A, B), I, J)), r"x_{a \dots b \, ij}"),
        (Tensor("x", (I, Range(A, Index("b", 1)), J)), r"x_{i \, a \dots b' \, j}"),
        (Delta((I, Index("i", 1))), r"\delta_{ii'}"),
        (One((J,)), r"\mathbf{1}_{j}"),
        (Product((X, Y)), r"x_{ij} \, y_{jk'}"),
        (Product((Number(Fraction(2)), Number(Fraction(3, 2)))), r"2 \cdot 1.5"),
        (Product((X, Sum((Y, Negative(L))))), r"x_{ij} \, \left( y_{jk'} - l \right)"),
        (Sum((Negative(X), Y)), r"-x_{ij} + y_{jk'}"),
        (Partial(L, X), r"\frac{\partial l}{\partial x_{ij}}"),
        (Partial(Partial(L, X), Y), r"\frac{\partial^2 l}{\partial y_{jk'} \, \partial x_{ij}}"),
        (Partial(Product((X, Y)), X), r"\frac{\partial}{\partial x_{ij}}\left( x_{ij} \, y_{jk'} \right)"),
        (Partial(L, X, ("z",)), r"\left. \frac{\partial l}{\partial x_{ij}} \right|_{z}"),
        (
            Partial(Partial(L, X, ("z", r"\hat{u}")), Y, ("z", r"\hat{u}")),
            r"\left. \frac{\partial^2 l}{\partial y_{jk'} \, \partial x_{ij}} \right|_{z, \hat{u}}",
        ),
        (
            Partial(Partial(L, X), Y, ("z",)),
            r"\left. \frac{\partial}{\partial y_{jk'}}\left( \frac{\partial l}{\partial x_{ij}} \right) \right|_{z}",
        ),
        (Product((Partial(X, L, ("z",)), Y)), r"\left. \frac{\partial x_{ij}}{\partial l} \right|_{z} \, y_{jk'}"),
        (RangeProduct(Delta((A, B)), Delta((I, J))), r"\delta_{ab} \cdots \delta_{ij}"),
        (Product((X, RangeProduct(None, Delta((I, J))))), r"x_{ij} \, \cdots \delta_{ij}"),
        (Quotient(X, L), r"\frac{x_{ij}}{l}"),
        (Power(X, Number(Fraction(2))), "x_{ij}^{2}"),
        (Power(X, Number(Fraction(1, 2))), r"\sqrt{x_{ij}}"),
        (Power(X, Number(Fraction(1, 3))), r"\sqrt[3]{x_{ij}}"),
        (Power(Sum((X, Y)), L), r"\left( x_{ij} + y_{jk'} \right)^{l}"),
        (Function("exp", X), r"\exp\left( x_{ij} \right)"),
        (Function("f", X, 2), r"\operatorname{f}''\left( x_{ij} \right)"),
        (Summation((I, J), X), r"\sum_{ij} x_{ij}"),
        (Product((Summation((I,), X), Y)), r"\left( \sum_{i} x_{ij} \right) \, y_{jk'}"),
        (Pi(), r"\pi"),
    ],
    ids=str,
)
def test_an_expression_is_written_and_read_back(expression: Expression, written: str) -> None:
    assert latex(expression) == written
    assert parse_expression(written) == expression


indices = st.builds(Index, st.sampled_from([*"ijkmn", r"\mu", r"\alpha"]), st.integers(0, 2))
ranges = st.just(Range(A, B)) | st.just(Range(Index("a", 1), Index("b", 1)))
tensors = st.builds(
    Tensor,
    st.sampled_from(["x", "d", r"\Delta", "y", r"\mathbf{w}", r"\hat{z}", r"\gamma", r"\dot{\mathbf{x}}", "u'"]),
    st.lists(indices | ranges | st.builds(Coordinate, st.integers(0, 9)), max_size=3).map(tuple),
)
pair = st.tuples(indices, indices)
one = st.tuples(indices)
numbers = st.builds(Number, st.integers(0, 20).map(Fraction) | st.integers(1, 99).map(lambda n: Fraction(n, 20)))
atoms = tensors | st.builds(Delta, pair) | st.builds(One, one) | numbers | st.just(Pi())


def compound(parts: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    several = st.lists(parts, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        st.builds(Product, several),
        st.builds(Sum, several),
        st.builds(Negative, parts),
        st.builds(Quotient, parts, parts),
        st.builds(Power, parts, numbers | parts),
        st.builds(Function, st.sampled_from(["exp", "log", "f", "sigmoid"]), parts, st.integers(0, 2)),
        st.builds(Partial, parts, tensors, st.sampled_from([(), ("z",), ("z", r"\mathbf{w}")])),
        st.builds(Summation, st.lists(indices, min_size=1, max_size=2, unique=True).map(tuple), parts),
    )


@settings(max_examples=400, deadline=None)
@given(st.recursive(atoms, compound, max_leaves=6))
def test_any_expression_is_read_back(expression: Expression) -> None:
    assert parse_expression(latex(expression)) == expression


def grown(parts: list[Expression]) -> list[Expression]:
    """Every expression of one operator and these parts."""
    number, y = Number(Fraction(2)), Tensor("y")
    found: list[Expression] = []
    for each in parts:
        found += [Negative(each), Function("f", each), Summation((I,), each)]
        found += [Partial(each, y), Partial(each, y, ("z",))]
        found += [Power(each, number), Power(each, Number(Fraction(1, 2)))]
    for several in product(parts, repeat=2):
        found += [Product(several), Sum(several), Quotient(*several), Power(*several)]
    for several in product(parts[:5], repeat=3):
        found += [Product(several), Sum(several)]
    return found


def test_no_two_expressions_look_the_same() -> None:
    x, half = Tensor("x", (I,)), Number(Fraction(1, 2))
    once = grown([x, half])
    every = {x, half, *once, *grown([x, *once])}
    shown = Counter(map(str, every))
    assert [text for text, count in shown.items() if count > 1] == []
    assert [each for each in every if parse_expression(latex(each)) != each] == []


def test_a_derivation_is_rows_with_their_reasons() -> None:
    rows = derive("i,i->i", 0).latex().split(" \\\\\n")
    assert rows[0] == r"z_{i} &= x_{i} \, y_{i} && \text{Definition.}"
    assert rows[2].startswith("  &= ")
    assert rows[-1].startswith(r"\frac{\partial l}{\partial x_{i}} &= ")


def test_the_conjugates_are_given_to_the_reader_of_a_complex_derivation() -> None:
    derivation = derive("i,i,i->i", 1, names=("x", "y", r"\hat{w}"), complex=True)
    assert derivation.latex().splitlines()[:2] == [r"% let \bar{x} = x.conj()", r"% let \bar{\hat{w}} = w_hat.conj()"]
