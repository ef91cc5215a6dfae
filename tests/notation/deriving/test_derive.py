"""The library writes the derivation itself: every line is read back, holds, and ends in the gradient."""

from __future__ import annotations

import itertools
import json
import re
import runpy
import string
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sympy
import torch
from hypothesis import assume, find, given, settings
from hypothesis import strategies as st
from torch.autograd.functional import jacobian, jvp

from einsum_doc.compute.checking.derivation import Derivations, verify
from einsum_doc.compute.contraction.public import einsum
from einsum_doc.derivatives import gradient, second_derivative, shared_gradient
from einsum_doc.equation import ELLIPSIS, Equation, Role, parse
from einsum_doc.errors import EquationError, OperandError
from einsum_doc.notation.deriving.derivation import Derivation
from einsum_doc.notation.deriving.derive import derive
from einsum_doc.notation.expression import (
    Delta,
    Expression,
    Index,
    Number,
    One,
    Partial,
    Product,
    Range,
    RangeProduct,
    Sum,
    Tensor,
)
from einsum_doc.notation.reading.parse import Chain, parse_notation
from einsum_doc.notation.step import Step
from einsum_doc.notation.writing.text import spoken

HERE = Path(__file__).parents[1]
GOLDEN = runpy.run_path(str(HERE / "golden" / "__main__.py"))
CASES: dict[str, dict[str, Any]] = GOLDEN["CASES"]
PEERS = json.loads((HERE.parent / "cases/einsum_cases.json").read_text())
EQUATIONS = sorted({case["equation"] for case in PEERS if case["valid"]})


# ---- Readers of a derivation that share no code with it ---------------------------------------------


def read_back(derivation: Derivation) -> list[tuple[Expression | None, Expression, str]]:
    """The left side, right side and reason of each row of a derivation's LaTeX."""
    rows: list[tuple[Expression | None, Expression, str]] = []
    for chain in parse_notation(derivation.latex()).entries:
        if isinstance(chain, Chain):
            left: Expression | None = chain.head
            for relation in chain.relations:
                rows.append((left, relation.right, relation.reason))
                left = None
    return rows


def terms_of(expression: Expression) -> list[tuple[Expression, ...]]:
    """The factors of each term."""
    terms = expression.terms if isinstance(expression, Sum) else (expression,)
    return [term.factors if isinstance(term, Product) else (term,) for term in terms if not isinstance(term, Number)]


def indexed(derivation: Derivation) -> list[Step]:
    """The lines with indices: all, or all but the last."""
    return [step for step in derivation.steps if step.reason != "In matrix form."]


def einsums_in(derivation: Derivation) -> list[Equation]:
    """The last line, read as closed einsums: deltas are repeated labels, one-tensors need no symbol."""
    last = indexed(derivation)[-1]
    left = last.left.by if isinstance(last.left, Partial) else last.left
    assert isinstance(left, Tensor)
    found = []
    for factors in terms_of(last.right):
        name: dict[str, str] = {}
        for label, place in derivation.letters.items():
            name[str(place)] = label

        spare = iter(sorted(set(string.ascii_uppercase) - set(derivation.letters)))

        def label(place: Any, name: dict[str, str] = name, spare: Iterator[str] = spare) -> str:
            """A label; one of its own for an axis that no delta ties to another."""
            return name.get(str(place)) or name.setdefault(str(place), next(spare))

        for factor in factors:
            if isinstance(factor, Delta):
                first, second = factor.indices
                name[str(second)] = label(first)
            elif isinstance(factor, RangeProduct) and isinstance(factor.last, Delta):
                raise AssertionError("a delta over a range is left")
        tensors = [factor.by if isinstance(factor, Partial) else factor for factor in factors]
        operands = [tuple(map(label, tensor.indices)) for tensor in tensors if isinstance(tensor, Tensor)]
        found.append(Equation(tuple(operands), tuple(map(label, left.indices))))
    return found


def same(first: Equation, second: Equation) -> bool:
    """Whether two equations differ in the letters of their labels only."""
    terms = [(*first.operands, first.output), (*second.operands, second.output)]
    if list(map(len, terms[0])) != list(map(len, terms[1])):
        return False
    pairs = {pair for one, other in zip(*terms, strict=True) for pair in zip(one, other, strict=True)}
    return max(Counter(a for a, _ in pairs).values(), default=1) == max(
        Counter(b for _, b in pairs).values(), default=1
    ) == 1  # fmt: skip


def holds(derivation: Derivation) -> None:
    """Every line, on random tensors and against autograd."""
    report = Derivations().check(derivation.latex())
    assert report, str(report)
    assert len(report.lines) == len(derivation.steps)


# ---- The golden derivations --------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_a_golden_derivation_is_what_was_read(name: str) -> None:
    for path, wanted in GOLDEN["files"](name).items():
        assert path.read_text("utf-8") == wanted, "run `python tests/notation/golden`, and read what changed"


def test_no_golden_file_is_left_over() -> None:
    names = {path.stem for path in (HERE / "golden").glob("*.t*")}
    assert names == set(CASES)
    assert len(names) >= 20


@pytest.mark.parametrize("name", CASES)
def test_the_latex_is_the_derivation(name: str) -> None:
    derivation = GOLDEN["derived"](name)
    assert read_back(derivation) == [(step.left, step.right, step.reason) for step in derivation.steps]


@pytest.mark.parametrize("name", CASES)
def test_every_line_of_a_golden_derivation_holds(name: str) -> None:
    holds(GOLDEN["derived"](name))


# ---- The last line is the gradient ---------------------------------------------------------------------


@pytest.mark.parametrize("equation", EQUATIONS)
def test_the_last_line_is_the_gradient(equation: str) -> None:
    for wrt in range(len(parse(equation).operands)):
        derivation = derive(equation, wrt)
        assert derivation.equation == gradient(equation, wrt)
        [read] = einsums_in(derivation)
        assert same(read, gradient(equation, wrt)), (read, gradient(equation, wrt))
        assert read_back(derivation) == [(step.left, step.right, step.reason) for step in derivation.steps]


@pytest.mark.parametrize("equation", [e for e in EQUATIONS if ELLIPSIS not in e][::3])
def test_every_line_about_an_equation_of_the_peers_holds(equation: str) -> None:
    holds(derive(equation, len(parse(equation).operands) - 1))


@pytest.mark.parametrize(
    ("equation", "options"),
    [
        ("mi,mi,mi->m", {"wrt": 0, "names": ("x", "x", "x")}),
        ("ij,jk->ik", {"wrt": 1, "names": ("x", "x")}),
        ("ii,ij->j", {"wrt": 0, "names": ("x", "x")}),
        (",->", {"wrt": 0, "names": ("x", "x")}),
        ("ij,jk,kl->il", {"wrt": 0, "names": ("x", "y", "x")}),
        ("i,i,j->j", {"wrt": 0, "names": ("x", "x", "x")}),
        ("ii,ij->ij", {"wrt": 0, "names": ("x", "x")}),
        ("...,...->...", {"wrt": 0, "names": ("x", "x")}),
        ("...i,...j->ij", {"wrt": 0, "names": ("x", "x")}),
        ("...i,...j->...", {"wrt": 1}),
        pytest.param("i...j,ij...->...ij", {"wrt": 0}, marks=pytest.mark.slow),
        ("i->...i", {"wrt": 0}),
        ("ii...->i...", {"wrt": 0}),
        ("i...,...->...", {"mode": "tangent"}),
        ("i->iij", {"wrt": 0}),
        ("->ii", {"wrt": 0}),
        ("->", {"wrt": 0}),
        ("iii,jj->i", {"wrt": 0}),
        ("AB,BC->AC", {"wrt": 1}),
        ("δπ,πμ->δμ", {"wrt": 0}),
        ("i,i->i", {"wrt": 0, "complex": True, "names": (r"\mathbf{x}", r"\hat{y}'")}),
        ("i->i", {"wrt": 0, "complex": True}),
        ("ij,kj->ik", {"wrt": 0, "complex": True, "names": ("x", "x")}),
        ("ij,jk,kl->il", {"wrt": 2, "complex": True, "names": (r"\mathbf{x}", "y", r"\mathbf{x}")}),
        ("...ij,...jk->...ik", {"wrt": 1, "complex": True}),
        ("i->ii", {"mode": "tangent"}),
        ("iij,jk->ik", {"mode": "tangent"}),
        ("ij,jk->ik", {"mode": "tangent", "names": ("x", "x")}),
        ("ij,jk,kl->il", {"mode": "tangent", "wrt": 1}),
        ("...i,i->...", {"mode": "tangent", "wrt": 0}),
        (",i->i", {"mode": "tangent"}),
        ("iij,jkk->ik", {"mode": "second", "wrt": 0}),
        ("i,j->", {"mode": "second", "wrt": 1}),
        ("ij,jk->ik", {"mode": "second", "wrt": 0, "wrt2": 0}),
        ("ij,jk->ik", {"mode": "second", "wrt": 0, "names": ("x", "x")}),
        ("bi,ijo,bj->bo", {"mode": "second", "wrt": 0, "wrt2": 2}),
        ("i...,ij->j", {"mode": "second", "wrt": 0}),
        (",i->i", {"mode": "second", "wrt": 0}),
        ("kki,kki,ii->jij", {"mode": "second", "wrt": 0, "wrt2": 2}),
        pytest.param("bhqd,bhkd->bhqk", {"mode": "second", "wrt": 0, "wrt2": 1}, marks=pytest.mark.slow),
        pytest.param("...ij,jk->...ik", {"mode": "second", "wrt": 0, "wrt2": 1}, marks=pytest.mark.slow),
        ("bihjwk,oijk->bohw", {"wrt": 0}),
        pytest.param("abcdef,defghi->abcghi", {"wrt": 1}, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_every_line_holds(equation: str, options: dict[str, Any]) -> None:
    derivation = derive(equation, **options)
    holds(derivation)
    assert read_back(derivation) == [(step.left, step.right, step.reason) for step in derivation.steps]


def test_the_equations_of_a_tensor_in_several_slots_are_those_of_its_slots() -> None:
    derivation = derive("ij,jk,kl->il", 0, names=("x", "y", "x"))
    wanted = [summand.equation for summand in shared_gradient("ij,jk,kl->il", [0, 2])]
    assert list(derivation.equations) == wanted
    with pytest.raises(EquationError, match="the sum of 2 einsums"):
        _ = derivation.equation


@pytest.mark.parametrize(
    ("equation", "names", "line", "renamed"),
    [
        (
            "ij,kj->ik",
            "xx",
            "∂l/∂x_{ij} = ∂l/∂z_{ik} x_{kj} + ∂l/∂z_{ki} x_{kj}",
            "i of the second term is called k",
        ),
        (
            "ij,jk->ik",
            "xx",
            "∂l/∂x_{ij} = ∂l/∂z_{ik} x_{jk} + ∂l/∂z_{kj} x_{ki}",
            "i of the second term is called k",
        ),
        (
            "ij,jk,kl->il",
            "xyx",
            "∂L/∂x_{ij} = ∂L/∂z_{il} y_{jk} x_{kl} + ∂L/∂z_{kj} x_{kl} y_{li}",
            "i and j of the second term are called k and l",
        ),
        ("i,j->", "xx", "∂l/∂x_i = ∂l/∂z x_j 1_i 1_j + ∂l/∂z x_j 1_j 1_i", "i of the second term is called j"),
    ],
)
def test_a_tensor_in_several_slots_loses_its_primes_too(equation: str, names: str, line: str, renamed: str) -> None:
    derivation = derive(equation, 0, names=names)
    last = indexed(derivation)[-1]
    assert f"{last.left} = {last.right}" == line
    assert f"Drop the primes; the summed {renamed} now: this is" in spoken(last.reason)
    holds(derivation)


def test_like_terms_are_counted() -> None:
    derivation = derive("i,i,j->j", 0, names="xxx")
    one, _, other = derivation.summands
    assert derivation.multiples == ((2, one), (1, other))
    assert "this is twice the einsum j,i,j->i of" in indexed(derivation)[-1].reason
    assert str(derivation).startswith("i,i,j->j: the gradient of x is 2 × j,i,j->i + j,i,i->j\n")
    assert derive("ij,jk->ik", 0, wrt2=0, mode="second").multiples == ()


def test_the_second_derivative_is_that_of_the_equations() -> None:
    derivation = derive("bi,ijo,bj->bo", 0, wrt2=2, mode="second")
    assert derivation.summands == second_derivative("bi,ijo,bj->bo", 0, 2)
    assert derivation.equation == parse("bo,ijo->bibj")
    zero = derive("ij,jk->ik", 0, wrt2=0, mode="second")
    assert zero.equations == ()
    assert zero.sentence == "The second derivative by x and x is zero."


MATRIX_FORMS = {
    ("ij,jk->ik", 0): "∂l/∂x = ∂l/∂z yᵀ",
    ("ij,jk->ik", 1): "∂l/∂y = xᵀ ∂l/∂z",
    ("ij,j->i", 0): "∂l/∂x = ∂l/∂z yᵀ",
    ("ij,j->i", 1): "∂l/∂y = xᵀ ∂l/∂z",
    ("i,j->ij", 1): "∂l/∂y = (∂l/∂z)ᵀ x",
    ("i,i->", 0): "∂l/∂x = ∂l/∂z y",
    ("ij->ji", 0): "∂l/∂x = (∂l/∂z)ᵀ",
    ("ij,jk,kl->il", 1): "∂L/∂y = xᵀ ∂L/∂z wᵀ",
    ("i,ij,j->", 1): "∂l/∂y = ∂l/∂z x wᵀ",
    ("ij,jk,kl,li->", 0): "∂L/∂x = ∂L/∂z vᵀ wᵀ yᵀ",
    ("ij,jk,->ik", 2): "∂l/∂w = tr(xᵀ ∂l/∂z yᵀ)",
    (",i->i", 0): "∂l/∂x = yᵀ ∂l/∂z",
    # batches, sums of one axis, products of components, repeated labels, third axes; and nothing new to say
    ("bij,bjk->bik", 0): "",
    ("ij->i", 0): "",
    ("ij,ij->ij", 0): "",
    ("ii->", 0): "",
    ("ij,jk->ijk", 0): "",
    ("i,i,jk->jk", 2): "",
    ("ij->ij", 0): "",
    (",->", 0): "",
}


@pytest.mark.parametrize(("equation", "wrt"), MATRIX_FORMS)
def test_a_derivation_ends_in_the_matrix_form_where_there_is_one(equation: str, wrt: int) -> None:
    derivation = derive(equation, wrt)
    last = derivation.steps[-1]
    assert (f"{last.left} = {last.right}" if last.reason == "In matrix form." else "") == MATRIX_FORMS[equation, wrt]
    holds(derivation)
    assert read_back(derivation) == [(step.left, step.right, step.reason) for step in derivation.steps]


def test_the_matrix_form_of_tensors_in_several_slots_and_of_tangents() -> None:
    twice, complex_, tangent = (
        derive("ij,kj->ik", 0, names=("x", "x")),
        derive("ij,jk->ik", 0, complex=True),
        derive("ij,jk->ik", mode="tangent"),
    )
    assert str(twice.steps[-1].right) == "∂l/∂z x + (∂l/∂z)ᵀ x"
    assert str(complex_.steps[-1].right) == "∂l/∂z y\u0304ᵀ"
    assert str(tangent.steps[-1].right) == "x\u0307 y + x y\u0307"
    for derivation in (twice, complex_, tangent):
        holds(derivation)


@pytest.mark.parametrize("name", ["e", "d", r"\pi", r"\mathbf{I}"])
def test_there_is_no_matrix_form_with_a_name_that_means_something_else_alone(name: str) -> None:
    assert derive("ij,jk->ik", 1, names=(name, "y")).steps[-1].reason != "In matrix form."


# ---- What the lines are --------------------------------------------------------------------------------


def test_each_line_has_its_rule() -> None:
    assert [step.rule for step in derive("iij,jk->ik", 0).steps] == [
        "definition",
        "definition of z put in",
        "derivative of a tensor by itself: δ",
        "chain rule",
        "definition of z put in",
        "δ eliminated",
        "δ eliminated",
        "chain rule, δ eliminated, definition of z put in",
    ]
    assert derive("i,i->", 0, names=("x", "x")).steps[1].rule == "product rule, definition of z put in"
    assert derive("i,i->", 0, complex=True).steps[3].rule == "chain rule, definition of z put in"
    assert derive("i,i->", mode="tangent").steps[-1].rule.startswith("δ eliminated, definition of ")


@pytest.mark.parametrize("equation", EQUATIONS)
def test_one_delta_is_eliminated_a_line(equation: str) -> None:
    def deltas(expression: Expression) -> int:
        found = 0
        for factor in (factor for term in terms_of(expression) for factor in term):
            found += isinstance(factor, Delta)
            if isinstance(factor, RangeProduct) and isinstance(factor.last, Delta):
                found += 1 if factor.first is None else 2
        return found

    steps = derive(equation, 0).steps
    counts = [deltas(step.right) for step in steps]
    for before, step, after in zip(counts, steps[1:], counts[1:], strict=False):
        if step.rule == "δ eliminated":
            assert after == before - 1


def test_primes_are_fresh_for_each_axis() -> None:
    left = derive("iij,jk->ik", 0).steps[1].left
    assert isinstance(left, Partial)
    assert left.by.indices == (Index("i", 1), Index("i", 2), Index("j", 1))


def test_a_label_never_shares_its_letter_with_a_tensor() -> None:
    for equation in ("xyz,zl->xyl", "abcdefghijklmnopqrstuvwxyz->", "wxyz,xl->z"):
        derivation = derive(equation, 0)
        letters = {part.letter for place in derivation.letters.values() for part in [place] if isinstance(part, Index)}
        assert not letters & {*derivation.names, derivation.output, derivation.loss}


def test_more_labels_than_the_alphabet_has_letters() -> None:
    labels = "abcdefghijklmnopqrstuvwxyzABCDEFGH"
    equation = ",".join(map("".join, itertools.pairwise(labels))) + "->aH"
    derivation = derive(equation, 20)
    assert derivation.equation == gradient(equation, 20)
    assert "labels A, B, C, D, E, F, G and H are written" in spoken(derivation.steps[0].reason)
    assert len({*derivation.names}) == len(labels) - 1
    assert read_back(derivation) == [(step.left, step.right, step.reason) for step in derivation.steps]


def test_the_ellipsis_is_a_range_of_its_own_letters() -> None:
    assert derive("...ab->...ba", 0).letters[ELLIPSIS] == Range(Index("c"), Index("d"))


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        (("ij,jk->ik",), {}, OperandError, "wrt is missing"),
        (("ij,jk->ik", 2), {}, OperandError, "no operand 2"),
        (("ij,jk->ik", -1), {}, OperandError, "no operand -1"),
        (("ij,jk->ik", 0), {"names": ("x",)}, OperandError, "1 name for 2 operands: x"),
        (("ij,j->i", 0), {"names": ("x", "x")}, OperandError, "both called x, but differ"),
        (("...i,i...->", 0), {"names": ("x", "x")}, OperandError, "have their ellipses in different places"),
        (("ij,jk->ik", 0), {"names": ("x", "z"), "output": "z"}, OperandError, "output and an operand are both"),
        (("ij,jk->ik", 0), {"names": ("l", "y"), "loss": "l"}, OperandError, "loss and an operand are both"),
        (("ij,jk->ik", 0), {"names": ("x_1", "y")}, OperandError, "'x_1' is no name of a tensor"),
        (("ij,jk->ik", 0), {"names": ("x1", "y")}, OperandError, "; write x^{(1)}"),
        (("ij,jk->ik", 0), {"names": ("query", "y")}, OperandError, r"; write \mathrm{query}"),
        (("ij,jk->ik", 0), {"names": ("W_q", "y")}, OperandError, r"; write W_{\text{q}}"),
        (
            (",i->i", 0),
            {"names": (r"\mathbf{x}", "y")},
            OperandError,
            "is no name of a scalar: a letter such as x that",
        ),
        (("i->", 0), {"output": r"\mathbf{z}"}, OperandError, "is no name of a scalar"),
        (("i->i", 0), {"loss": r"\vec{L}"}, OperandError, "is no name of a scalar"),
        (("i,->i", 0), {"names": ("x", "e")}, OperandError, "'e' is no name"),
        (
            ("ij,jk->ik", 0),
            {"names": ("x", r"\mathbf{x}")},
            OperandError,
            r"x and \mathbf{x} are both called x in code",
        ),
        (("i,i->i", 0), {"names": ("x", r"\bar{x}"), "complex": True}, OperandError, "the name of a conjugate"),
        (("i,i->i",), {"names": ("x", r"\dot{x}"), "mode": "tangent"}, OperandError, "the name of a tangent"),
        (("i,i,i->", 0), {"mode": "second"}, OperandError, "wrt2 is missing"),
        (("i,i->", 0), {"mode": "second", "complex": True}, EquationError, "real operands"),
        (("...,...->...", 0), {"mode": "second"}, EquationError, "two ellipses"),
        (("i,i->", 0), {"mode": "third"}, ValueError, "no mode 'third'"),
        (("ij,,k-", 0), {}, EquationError, "not part of an arrow"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_cannot_be_derived_is_said(
    arguments: tuple[Any, ...], options: dict[str, Any], error: type[ValueError], message: str
) -> None:
    with pytest.raises(error, match=re.escape(message)):
        derive(*arguments, **options)


# ---- names in code -----------------------------------------------------------------------------------

SPELT = {
    "w": "w",
    r"\lambda": "lambda_",
    r"\varepsilon": "varepsilon",
    r"\mathbf{w}": "w",
    r"\boldsymbol{\lambda}": "lambda_",
    r"\mathrm{for}": "for_",
    r"\mathrm{True}": "True_",
    r"\mathrm{key}": "key",
    r"\overline{w}": "w",
    "w''": "w_prime_prime",
    r"\lambda'": "lambda_prime",
    r"\hat{w}'": "w_hat_prime",
    r"\hat{\lambda}": "lambda_hat",
    r"\tilde{\mathrm{for}}": "for_tilde",
    r"\mathbf{\vec{w}}": "w_vec",
    r"\check{\dot{w}}": "w_dot_check",
}


@pytest.mark.parametrize("name", SPELT)
def test_a_name_has_one_spelling_in_code(name: str) -> None:
    derivation = derive("ij,jk->ik", 0, names=["x", name], output=r"\mathbf{z}", complex=True)
    assert f"= {SPELT[name]}.conj()" in derivation.latex()
    assert bool(verify(derivation.latex()))
    upstream, x, other = torch.randn(3, 2, 2, dtype=torch.complex128)
    space = {"torch": torch, "dldz": upstream, "x": x, SPELT[name]: other}
    exec(derivation.lowering.code, space)
    torch.testing.assert_close(space["dldx"], upstream @ other.mH)


# ---- sympy ---------------------------------------------------------------------------------------------


class Symbolic:
    """Expressions of a derivation as sympy's: sums of Indexed and KroneckerDelta."""

    def __init__(self, derivation: Derivation) -> None:
        self.derivation = derivation
        self.size = sympy.Symbol("n", integer=True, positive=True)

    def index(self, place: object) -> sympy.Symbol:
        return sympy.Symbol(str(place), integer=True)

    def factor(self, factor: Expression) -> sympy.Expr:
        match factor:
            case Tensor(name, indices):
                return sympy.IndexedBase(name)[tuple(map(self.index, indices))] if indices else sympy.Symbol(name)
            case Delta((first, second)):
                return sympy.KroneckerDelta(self.index(first), self.index(second))
            case One() | Number():
                return sympy.Integer(1)
            case Partial(Tensor(loss), Tensor(_, indices)) if loss == self.derivation.loss:
                return self.factor(Tensor("u", indices))
        raise AssertionError(factor)

    def side(self, expression: Expression, free: set[str]) -> sympy.Expr:
        """A right side, with its sums written out."""
        total = sympy.Integer(0)
        for factors in terms_of(expression):
            places = dict.fromkeys(str(place) for factor in factors for part in factor.walk() for place in part.own)
            product = sympy.Mul(*map(self.factor, factors))
            for place in (place for place in places if place not in free):
                product = sympy.Sum(product, (self.index(place), 0, self.size - 1))
            total += product
        return total


SMALL = ["ij,jk->ik", "ij->i", "ij,ij->ij", "i,j->ij", "iij,jk->ik", "ii->", "ii->i", "ijk,ip->jkp", "i->ii", "i,i->"]
SMALL += ["i->ij", "->ii", "iii->i", ",i->i", "bi,ijo,bj->bo", "ij,k->k", "bij,bjk->bik"]


@pytest.mark.parametrize("equation", SMALL)
def test_sympy_finds_the_same_deltas(equation: str) -> None:
    derivation = derive(equation, 0)
    definition, _, deltas, *_ = derivation.steps
    assert isinstance(definition.left, Tensor)
    free = {str(place) for place in definition.left.indices}
    second = derivation.steps[1].left
    assert isinstance(second, Partial)
    symbolic = Symbolic(derivation)
    primed = {str(place) for place in second.by.indices}
    found = sympy.diff(symbolic.side(definition.right, free), symbolic.factor(second.by))
    wanted = symbolic.side(deltas.right, free | primed)
    difference = sympy.simplify((found - wanted).subs(symbolic.size, 2).doit())
    for values in itertools.product(range(2), repeat=len(free | primed)):
        at = dict(zip(map(symbolic.index, sorted(free | primed)), values, strict=True))
        assert sympy.simplify(difference.subs(at)) == 0


@pytest.mark.parametrize(
    ("equation", "names"), [*((e, None) for e in SMALL), ("ij,kj->ik", ("x", "x")), ("ij,jk,kl->il", ("x", "y", "x"))]
)
def test_sympy_finds_the_same_gradient(equation: str, names: tuple[str, ...] | None) -> None:
    derivation = derive(equation, 0, names=names)
    symbolic = Symbolic(derivation)
    definition, last = derivation.steps[0], indexed(derivation)[-1]
    assert isinstance(definition.left, Tensor)
    assert isinstance(last.left, Partial)
    free = {str(place) for place in definition.left.indices}
    upstream = sympy.IndexedBase("u")
    cells = list(itertools.product(range(2), repeat=len(free)))
    order = [symbolic.index(place) for place in definition.left.indices]
    z = symbolic.side(definition.right, free).subs(symbolic.size, 2).doit()
    loss = sum(
        z.subs(dict(zip(order, cell, strict=True))) * (upstream[cell] if cell else sympy.Symbol("u")) for cell in cells
    )
    places = [symbolic.index(place) for place in last.left.by.indices]
    line = symbolic.side(last.right, {str(place) for place in places}).subs(symbolic.size, 2).doit()
    for cell in itertools.product(range(2), repeat=len(places)):
        found = line.subs(dict(zip(places, cell, strict=True)))
        entry = sympy.IndexedBase("x")[cell] if cell else sympy.Symbol("x")
        assert sympy.expand(sympy.diff(loss, entry) - found) == 0


# ---- Random equations ------------------------------------------------------------------------------------


@st.composite
def equations(draw: st.DrawFn, labels: str = "ijklxz", most: int = 4, dots: bool = True) -> str:
    """Any closed einsum."""
    terms = [list(draw(st.text(labels, max_size=3))) for _ in range(draw(st.integers(1, most)))]
    output = list(draw(st.text(labels, max_size=3)))
    for term in [*terms, output]:
        if dots and draw(st.integers(0, 4)) == 0:
            term.insert(draw(st.integers(0, len(term))), ELLIPSIS)
    return ",".join(map("".join, terms)) + "->" + "".join(output)


@pytest.mark.parametrize("role", Role)
def test_any_equation_has_any_role(role: Role) -> None:
    found = find(equations(), lambda equation: any(role in own for own in parse(equation).roles.values()))
    assert any(role in own for own in parse(found).roles.values())


@settings(max_examples=150, deadline=None)
@given(equations(), st.data())
def test_any_derivation_is_read_back_and_ends_in_the_gradient(equation: str, data: st.DataObject) -> None:
    wrt = data.draw(st.integers(0, len(parse(equation).operands) - 1))
    derivation = derive(equation, wrt, complex=data.draw(st.booleans()))
    assert read_back(derivation) == [(step.left, step.right, step.reason) for step in derivation.steps]
    assert derivation.equation == gradient(equation, wrt)
    [read] = einsums_in(derivation)
    assert same(read, gradient(equation, wrt))
    assert str(derivation)


@st.composite
def repetitions(draw: st.DrawFn, labels: str = "ijkl", most: int = 3, dots: bool = True) -> str:
    """Any closed einsum whose operands can all be the same tensor."""
    rank, count = draw(st.integers(0, 3)), draw(st.integers(2, most))
    terms = [list(draw(st.text(labels, min_size=rank, max_size=rank))) for _ in range(count)]
    output = list(draw(st.text(labels, max_size=2)))
    if dots and draw(st.booleans()):
        place = draw(st.integers(0, rank))
        for term in terms:
            term.insert(place, ELLIPSIS)
        if draw(st.booleans()):
            output.insert(0, ELLIPSIS)
    return ",".join(map("".join, terms)) + "->" + "".join(output)


@settings(max_examples=100, deadline=None)
@given(repetitions(), st.booleans())
def test_any_derivation_by_a_tensor_in_several_slots_ends_in_their_sum(equation: str, conjugate: bool) -> None:
    count = len(parse(equation).operands)
    derivation = derive(equation, 0, names=["a"] * count, complex=conjugate)
    assert read_back(derivation) == [(step.left, step.right, step.reason) for step in derivation.steps]
    wanted = [summand.equation for summand in shared_gradient(equation, range(count))]
    assert list(derivation.equations) == wanted
    assert sum(count for count, _ in derivation.multiples) == count
    read = einsums_in(derivation)
    assert all(map(same, read, wanted)), (read, wanted)
    assert len(read) == count
    left = indexed(derivation)[-1].left
    assert isinstance(left, Partial)
    assert [str(place) for place in left.by.indices] == [
        "'".join([str(derivation.letters[label]), *[""] * parse(equation).operands[0][:place].count(label)])
        for place, label in enumerate(parse(equation).operands[0])
    ]


def any_line_holds(equation: str, data: st.DataObject, names: list[str] | None = None) -> None:
    mode: Any = data.draw(st.sampled_from(["gradient", "tangent", "second"]))
    number = st.integers(0, len(parse(equation).operands) - 1)
    wrt2 = data.draw(number) if mode == "second" else None
    conjugate = mode == "gradient" and data.draw(st.booleans())
    derivation = derive(equation, data.draw(number), mode=mode, wrt2=wrt2, names=names, complex=conjugate)
    report = Derivations().check(derivation.latex())
    # Sums that happen to cancel to almost nothing say nothing.
    assume(not any("cannot be checked" in line.message for line in report.lines))
    assert report, str(report)


@pytest.mark.parametrize("role", [role for role in Role if role != Role.ELLIPSIS])
@settings(max_examples=8, deadline=None)
@given(st.data())
def test_any_line_holds_whatever_its_labels_do(role: Role, data: st.DataObject) -> None:
    drawn = equations("ijk", most=3, dots=False)
    any_line_holds(data.draw(drawn.filter(lambda equation: role in set().union(*parse(equation).roles.values()))), data)


@settings(max_examples=10, deadline=None)
@given(repetitions("ijk", dots=False), st.data())
def test_any_line_about_a_tensor_in_several_slots_holds(equation: str, data: st.DataObject) -> None:
    any_line_holds(equation, data, ["a"] * len(parse(equation).operands))


# ---- Complex numbers ---------------------------------------------------------------------------------------


def evaluated(derivation: Derivation, step: Any, by: Tensor, given: dict[str, torch.Tensor]) -> torch.Tensor:
    """The right side of a step in complex numbers, every index of size 3."""
    letters: dict[str, str] = {}

    def term(factor: Tensor | Delta | One) -> str:
        return "".join(letters.setdefault(str(place), chr(ord("a") + len(letters))) for place in factor.indices)

    output = term(by)
    total = torch.zeros([3] * len(by.indices), dtype=torch.complex128)
    for factors in terms_of(step.right):
        texts, values = [], []
        for factor in factors:
            match factor:
                case Partial(_, z):
                    texts.append(term(z))
                    values.append(given["upstream"])
                case Delta():
                    texts.append(term(factor))
                    values.append(torch.eye(3, dtype=torch.complex128))
                case One():
                    texts.append(term(factor))
                    values.append(torch.ones(3, dtype=torch.complex128))
                case Tensor(name):
                    texts.append(term(factor))
                    bare = name.removeprefix(r"\bar{").removesuffix("}")
                    values.append(given[bare].conj() if bare != name else given[name])
        total = total + torch.einsum(",".join(texts) + "->" + output, *values)
    return total


@pytest.mark.parametrize(
    ("equation", "names"),
    [
        ("ij,jk->ik", None),
        ("ij,jk->ik", ("a", "a")),
        ("iij,jk->ik", None),
        ("jk,kij->", None),
        ("i,i,i->i", ("a", "b", "a")),
        ("ii,ij->j", ("a", "a")),
        ("i,j->", ("a", "a")),
        ("i->", None),
    ],
)
def test_every_line_of_a_complex_gradient_is_torchs(equation: str, names: tuple[str, ...] | None) -> None:
    derivation = derive(equation, 0, complex=True, names=names)
    generator = torch.Generator().manual_seed(0)
    given: dict[str, torch.Tensor] = {}
    for name, operand in zip(derivation.names, parse(equation).operands, strict=True):
        made = torch.randn([3] * len(operand), dtype=torch.complex128, generator=generator)
        given.setdefault(name, made.requires_grad_())
    z = torch.einsum(equation, *(given[name] for name in derivation.names))
    upstream = torch.randn(z.shape, dtype=torch.complex128, generator=generator)
    [expected] = torch.autograd.grad(z, given[derivation.names[0]], upstream)
    given = {name: value.detach() for name, value in given.items()} | {"upstream": upstream}
    left: Expression | None = None
    checked = 0
    for step in indexed(derivation):
        left = step.left or left
        if step.rule != "chain rule" and isinstance(left, Partial) and left.body == Tensor(derivation.loss):
            torch.testing.assert_close(evaluated(derivation, step, left.by, given), expected)
            checked += 1
    assert checked >= 2


# ---- torch, the sentence, the terminal ---------------------------------------------------------------------


def run(derivation: Derivation, **tensors: torch.Tensor) -> torch.Tensor:
    """What the torch code of a derivation computes."""
    namespace: dict[str, Any] = {"torch": torch, **tensors}
    exec(derivation.lowering.code, namespace)
    target = next(line for line in derivation.lowering.code.splitlines() if not line.startswith("#")).split()[0]
    found = namespace[target]
    assert isinstance(found, torch.Tensor)
    return found


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128], ids=str)
@pytest.mark.parametrize(
    ("equation", "shared"),
    [
        *((equation, False) for equation in EQUATIONS if len(parse(equation).labels) < 9),
        ("ij,jk->ik", True),
        ("ii,ij->j", True),
        ("ii,jj->", True),
        ("i,j->", True),
        ("...i,...j->...", True),
        ("αβ,βγ->αγ", False),
        ("ii...->i", False),
        ("jii...->i", False),
        ("i,i->", True),
        ("i,i,j->j", True),
        ("ii,ij->ij", True),
    ],
)
def test_the_torch_code_computes_the_gradient(equation: str, shared: bool, dtype: torch.dtype) -> None:
    parsed = parse(equation)
    size = (
        dict.fromkeys(parsed.labels, 2) if shared else dict(zip(parsed.labels, itertools.cycle([2, 3]), strict=False))
    )
    generator = torch.Generator().manual_seed(0)

    def tensor(term: tuple[str, ...]) -> torch.Tensor:
        shape = [n for label in term for n in ((2, 1) if label == ELLIPSIS else (size[label],))]
        return torch.randn(shape, dtype=dtype, generator=generator)

    values = [tensor(term).requires_grad_() for term in parsed.operands]
    if shared:
        values = values[:1] * len(values)
    ascii_text = equation.translate(str.maketrans("αβγ", "abc"))
    z = torch.einsum(ascii_text, *values)
    upstream = torch.randn(z.shape, dtype=dtype, generator=generator)
    expected = torch.autograd.grad(z, values[:1] if shared else values, upstream)
    count = 1 if shared else len(values)
    for wrt in range(count):
        names = ["x"] * len(values) if shared else None
        derivation = derive(equation, wrt, complex=dtype.is_complex, names=names)
        given_names = {
            name.removeprefix("\\"): value.detach() for name, value in zip(derivation.names, values, strict=True)
        }
        loss = "l" if derivation.loss == "l" else "L"
        found = run(derivation, **given_names, **{f"d{loss}d{derivation.output}": upstream})
        torch.testing.assert_close(found, expected[wrt])


def test_the_torch_code_of_a_tangent_and_of_a_second_derivative() -> None:
    generator = torch.Generator().manual_seed(0)
    x, y, dx, dy, upstream = (torch.randn(3, 3, dtype=torch.float64, generator=generator) for _ in range(5))

    def forward(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return torch.einsum("ij,jk->ik", x, y)

    z, expected = jvp(forward, (x, y), (dx, dy))
    torch.testing.assert_close(run(derive("ij,jk->ik", mode="tangent"), x=x, y=y, dx=dx, dy=dy, z=z), expected)

    def gradient_of_x(y: torch.Tensor) -> torch.Tensor:
        leaf = x.clone().requires_grad_()
        [found] = torch.autograd.grad(forward(leaf, y), leaf, upstream, create_graph=True)
        return found

    found = run(derive("ij,jk->ik", 0, mode="second"), x=x, y=y, dldz=upstream)
    torch.testing.assert_close(found, jacobian(gradient_of_x, y))


@settings(max_examples=100, deadline=None)
@given(equations("ijk", most=3), st.sampled_from(["gradient", "tangent", "second"]), st.data())
def test_the_torch_code_of_any_closed_einsum_computes_what_the_equations_say(
    equation: str, mode: Any, data: st.DataObject
) -> None:
    parsed = parse(equation)
    number = st.integers(0, len(parsed.operands) - 1)
    wrt, wrt2 = data.draw(number), data.draw(number)
    assume(mode != "second" or ELLIPSIS not in parsed.operands[wrt] or ELLIPSIS not in parsed.operands[wrt2])
    size = {"i": (2,), "j": (3,), "k": (4,), ELLIPSIS: data.draw(st.sampled_from([(), (5,), (5, 6)]))}
    generator = torch.Generator().manual_seed(0)

    def tensor(term: tuple[str, ...]) -> torch.Tensor:
        shape = [length for label in term for length in size[label]]
        return torch.randn(shape, dtype=torch.complex128, generator=generator)

    derivation = derive(equation, wrt, mode=mode, wrt2=wrt2, complex=mode != "second")
    slots = {f"x{number}": tensor(term) for number, term in enumerate(parsed.operands)}
    slots |= {f"d{slot}": torch.randn_like(value) for slot, value in slots.items()} | {"dldz": tensor(parsed.output)}
    prefix = {"x": "", "d": "d"}
    named = {
        prefix[slot[0]] + derivation.names[int(slot.lstrip("dx"))]: slots[slot] for slot in slots if slot != "dldz"
    }
    found = run(derivation, dldz=slots["dldz"], z=slots["dldz"], **named)
    expected = torch.zeros_like(found)
    for summand in derivation.summands:
        values = [
            slots[slot].conj() if mode == "gradient" and slot != "dldz" else slots[slot] for slot in summand.arguments
        ]
        new = set(summand.equation.output) - {label for term in summand.equation.operands for label in term}
        sizes: dict[str, Any] = {label: size[label] if label == ELLIPSIS else size[label][0] for label in new}
        expected = expected + einsum(str(summand.equation), *values, sizes=sizes)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(
    ("equation", "options", "sentence"),
    [
        ("ijk,ip->jkp", {"wrt": 0}, "The gradient of x is the upstream gradient times y, summed over p."),
        ("bij,bjk->bik", {"wrt": 1}, "For each b, the gradient of y is the upstream gradient times x, summed over i."),
        ("ij->i", {"wrt": 0}, "For each i, the gradient of x is the upstream gradient, repeated along j."),
        (
            "ii->",
            {"wrt": 0},
            "The gradient of x is the upstream gradient, written on the diagonal of i, with zeros elsewhere.",
        ),
        ("i->ii", {"wrt": 0}, "The gradient of x is the diagonal of the upstream gradient."),
        (
            "ij,jk->ik",
            {"wrt": 0, "complex": True},
            "The gradient of x is the upstream gradient times the conjugate of y, summed over k.",
        ),
        ("i,i->", {"wrt": 0, "names": ("x", "x")}, "The gradient of x is twice the upstream gradient times x."),
        (
            "ij,kj->ik",
            {"wrt": 0, "names": ("x", "x")},
            "The gradient of x is a sum: the upstream gradient times x, summed over k; plus the upstream gradient "
            "times x, summed over i.",
        ),
        (
            "i,i,j->j",
            {"wrt": 0, "names": ("x", "x", "x")},
            "The gradient of x is a sum: twice the upstream gradient times x times x, summed over j; plus the "
            "upstream gradient times x times x, summed over i.",
        ),
        (
            "i,j->ij",
            {"mode": "tangent", "wrt": 0},
            "The tangent of z is the tangent of x times y.",
        ),
        (
            "...i->...",
            {"wrt": 0},
            "For each place under the ellipsis, the gradient of x is the upstream gradient, repeated along i.",
        ),
    ],
)
def test_the_result_is_read_aloud(equation: str, options: dict[str, Any], sentence: str) -> None:
    assert derive(equation, **options).sentence == sentence


@pytest.mark.parametrize(
    ("equation", "options", "words"),
    [
        ("ijk,ip->jkp", {}, "One torch.einsum: jkp,ip->ijk."),
        ("iij,jk->ik", {}, "Contract by ik,jk->ij, then write it on the diagonal of i."),
        ("ij,k->k", {}, "Contract by k,k->, then expand it along i and j."),
        ("ij->i", {}, "Expand the upstream gradient along j."),
        ("ii->i", {}, "Write the upstream gradient on the diagonal of i."),
        ("iij->j", {}, "Expand the upstream gradient along i, then write it on the diagonal of i."),
        ("i->i", {}, "The upstream gradient as it is."),
        ("i,i->", {"names": ("x", "x")}, "One torch.einsum: ,i->i, taken twice."),
        ("ij,kj->ik", {"names": ("x", "x")}, "One torch.einsum: ik,kj->ij. Add to it one torch.einsum: ik,ij->kj."),
        (
            "ij,ii->ij",
            {"names": ("x", "x")},
            "One torch.einsum: ij,ii->ij. Add to it: contract by ij,ij->i, then write it on the diagonal of i.",
        ),
        ("ij,jk->ik", {"mode": "tangent", "wrt": None}, "For each term one torch.einsum: ij,jk->ik; then add them up."),
        ("ij->i", {"mode": "second", "wrt2": 0}, "There is nothing to compute."),
    ],
)
def test_how_torch_runs_it_is_said(equation: str, options: dict[str, Any], words: str) -> None:
    derivation = derive(equation, **{"wrt": 0, **options})
    assert spoken(derivation.lowering.words) == words
    assert words in " ".join(str(derivation).split())


def test_the_letters_of_torch_are_those_of_the_equation() -> None:
    code = derive("αβ,βγ->αγ", 1).lowering.code
    assert code == (
        '# torch knows the letters A to Z alone: α, β and γ are a, b and c\ndldy = torch.einsum("ac,ab->bc", dldz, x)'
    )
    assert derive("aβ,βb->ab", 0).lowering.code.splitlines()[0].endswith("alone: β is c")


@pytest.mark.parametrize("name", CASES)
def test_rows_are_numbered_and_their_signs_stand_below_each_other(name: str) -> None:
    derivation = GOLDEN["derived"](name)
    rows = [line for line in derivation.text(width=400).splitlines() if line[:3].strip().isdigit()]
    assert [int(row[:3]) for row in rows] == list(range(1, len(derivation.steps) + 1))
    plain_rows = [row.replace("\u0307", "").replace("\u0304", "") for row in rows]
    assert len({row.index(" = ") for row in plain_rows}) == 1
    for row, step in zip(rows, derivation.steps, strict=True):
        assert row.endswith(spoken(step.reason))
        assert f"= {step.right}" in row
    assert "$" not in derivation.text()
    assert "\\" not in derivation.text()


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_reasons_keep_to_the_width(width: int) -> None:
    for name in CASES:
        derivation = GOLDEN["derived"](name)
        formulas = {str(step.right) for step in derivation.steps}
        for line in derivation.text(width).splitlines():
            assert len(line) <= width or any(formula in line for formula in formulas) or "torch" in line
