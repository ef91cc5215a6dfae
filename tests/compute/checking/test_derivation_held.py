"""Derivatives are total along the definitions above them, unless they say what is held fixed."""
# ruff: noqa: E501 (a case is a line of the table)

import pytest
from derivation_oracle import Oracle

from einsum_doc import NotationError, verify
from einsum_doc.compute.checking.derivation import Derivations, NumericCheck
from einsum_doc.notation.statements.statements import read_statements

RIDGE = r"e_i &= y_i - w_j x_{ij} \\ s &= e_i e_i + \lambda w_j w_j \\ "
MEAN = r"m &= \frac{1}{I} \mathbf{1}_i x_i \\ d_i &= x_i - \mathbf{1}_i m \\ "
CUBE = r"u_i &= x_i^2 \\ y_i &= x_i u_i \\ "
NORM = (
    r"m &= \frac{1}{B} \mathbf{1}_b x_b \\ v &= \frac{1}{B} (x_b - \mathbf{1}_b m) (x_b - \mathbf{1}_b m) \\ "
    r"n_b &= \frac{x_b - \mathbf{1}_b m}{\sqrt{v + \epsilon^2}} \\ "
)
STEPS = r"a_i &= \operatorname{f}(w_{ij} x_j) \\ b_i &= \operatorname{f}(w_{ij} a_j + x_i) \\ "
LINE = r"y &= \operatorname{g}(x) \\ z &= x^2 y^3 \\ "

NORM_PATHS = r"\frac{\partial L}{\partial x_p} &= \frac{\partial L}{\partial n_b} \frac{\partial n_b}{\partial x_p} + \frac{\partial L}{\partial v} \frac{\partial v}{\partial x_p} + \frac{\partial L}{\partial m} \frac{\partial m}{\partial x_p}"
NORM_HELD = r"\frac{\partial L}{\partial x_p} &= \frac{\partial L}{\partial n_b} \left. \frac{\partial n_b}{\partial x_p} \right|_{m, v} + \frac{\partial L}{\partial v} \frac{\partial v}{\partial x_p} \Big|_m + \frac{\partial L}{\partial m} \frac{\partial m}{\partial x_p}"
STEP_PATHS = r"\frac{\partial b_i}{\partial a_p} \frac{\partial a_p}{\partial w_{qr}}"
TWO_STEPS = r"\operatorname{f}'(w_{ik} a_k + x_i) \left( \delta_{iq} a_r + w_{ip} \operatorname{f}'(w_{ph} x_h) \delta_{pq} x_r \right)"

TRUE = {
    "the ridge gradient": RIDGE + r"\frac{\partial s}{\partial w_j} &= -2 e_i x_{ij} + 2 \lambda w_j",
    "with the residual held fixed": RIDGE + r"\left. \frac{\partial s}{\partial w_j} \right|_{e} &= 2 \lambda w_j",
    "a bar of another size": RIDGE + r"\frac{\partial s}{\partial w_j} \bigg|_e &= 2 \lambda w_j",
    "a rule for a bar": RIDGE + r"\frac{\partial s}{\partial w_j} \Bigr\rvert_{e} x_{kj} &= 2 \lambda w_j x_{kj}",
    "an inline derivative": RIDGE + r"\left. \partial s / \partial w_j \right|_e &= 2 \lambda w_j",
    "of a bracket": MEAN + r"\left. \frac{\partial}{\partial x_p} \left( x_i - \mathbf{1}_i m \right) \right|_{m} &= \delta_{ip}",
    "of a sum": MEAN + r"\left. \frac{\partial}{\partial x_p} \sum_i x_i m \right|_{m} &= m \mathbf{1}_p",
    "a name with a style": r"\hat{\mathbf{u}}_i &= x_i^2 \\ y_i &= x_i \hat{\mathbf{u}}_i \\ \left. \frac{\partial y_i}{\partial x_p} \right|_{\hat{\mathbf{u}}} &= \hat{\mathbf{u}}_i \delta_{ip}",
    "the definition or its name": MEAN + r"\frac{\partial d_i}{\partial x_p} &= \frac{\partial}{\partial x_p} \left( x_i - \mathbf{1}_i m \right) = \delta_{ip} - \frac{1}{I} \mathbf{1}_i \mathbf{1}_p",
    "either or both": CUBE + r"\frac{\partial y_i}{\partial x_p} &= 3 u_i \delta_{ip} = \left. \frac{\partial y_i}{\partial x_p} \right|_{u} + \frac{\partial y_i}{\partial u_q} \frac{\partial u_q}{\partial x_p}",
    "a second derivative": CUBE + r"\frac{\partial^2 y_i}{\partial x_p \partial x_q} &= 6 x_i \delta_{ip} \delta_{iq}",
    "a second derivative of what is linear": CUBE + r"\left. \frac{\partial^2 y_i}{\partial x_p \partial x_q} \right|_{u} &= 0",
    "the total derivative of a local one": CUBE + r"\frac{\partial}{\partial x_q} \left. \frac{\partial y_i}{\partial x_p} \right|_{u} &= 2 x_i \delta_{ip} \delta_{iq}",
    "a mixed second derivative": LINE + r"\left. \frac{\partial^2 z}{\partial x \partial y} \right|_{y} &= 6 x y^2",
    "a third derivative": LINE + r"\left. \frac{\partial^3 z}{\partial x \partial x \partial y} \right|_{y} &= 6 y^2",
    "the total change": LINE + r"\frac{\partial z}{\partial x} &= \left. \frac{\partial z}{\partial x} \right|_{y} + \frac{\partial z}{\partial y} \frac{\partial y}{\partial x} = 2 x y^3 + 3 x^2 y^2 \operatorname{g}'(x)",
    "three paths": NORM + NORM_HELD,
    "three paths, all local": "% local\n" + NORM + NORM_PATHS,
    "three paths, two local": "% local n, v\n" + NORM + NORM_PATHS,
    "two steps": STEPS + rf"\frac{{\partial b_i}}{{\partial w_{{qr}}}} &= \left. \frac{{\partial b_i}}{{\partial w_{{qr}}}} \right|_{{a}} + {STEP_PATHS} = {TWO_STEPS}",
    "two steps, local": "% local\n" + STEPS + rf"\frac{{\partial L}}{{\partial w_{{qr}}}} &= \frac{{\partial L}}{{\partial b_i}} \frac{{\partial b_i}}{{\partial w_{{qr}}}} + \frac{{\partial L}}{{\partial a_p}} \frac{{\partial a_p}}{{\partial w_{{qr}}}} = \frac{{\partial L}}{{\partial b_i}} {TWO_STEPS}",
    "no direct argument, local": "% local\n" + CUBE + r"z_i &= u_i y_i \\ \frac{\partial z_i}{\partial x_p} &= 5 x_i^4 \delta_{ip}",
    "direct and more, local": "% local\n" + CUBE + r"z_i &= u_i y_i \\ \frac{\partial z_i}{\partial u_p} &= y_i \delta_{ip}",
    "a bar where derivatives are local": "% local\n" + NORM + r"\left. \frac{\partial n_b}{\partial x_p} \right|_{v} &= \frac{1}{\sqrt{v + \epsilon^2}} \left( \delta_{bp} - \frac{1}{B} \mathbf{1}_{bp} \right)",
    "a second derivative, local": "% local\n" + LINE + r"\frac{\partial^2 z}{\partial x \partial y} &= 6 x y^2 \\ \frac{\partial^2 z}{\partial x \partial x} &= 2 y^3",
    "a d where derivatives are local": "% local\n" r"u &= x^2 \\ y &= u x \\ \frac{dy}{dx} &= \frac{\partial y}{\partial x} + \frac{\partial y}{\partial u} \frac{du}{dx} = 3 x^2",
    "a bracket where derivatives are local": "% local\n" + MEAN + r"\frac{\partial}{\partial x_p} \left( 2 d_i \right) &= 2 \delta_{ip} - \frac{2}{I} \mathbf{1}_i \mathbf{1}_p",
    "the loss with a tensor held fixed": MEAN + r"\left. \frac{\partial l}{\partial x_p} \right|_{m} &= \frac{\partial l}{\partial d_p}",
    "code": "% let y = x @ u\n" r"u_{ij} &= x_{ij} + x_{ji} \\ x_{ij} u_{jk} &= y_{ik} \\ \left. \frac{\partial y_{ik}}{\partial x_{pq}} \right|_{u} &= \delta_{ip} u_{qk}",
    "code, local": "% let y_hat = x @ u\n% local\n" r"u_{ij} &= x_{ij} + x_{ji} \\ x_{ij} u_{jk} &= \hat{y}_{ik} \\ \frac{\partial \hat{y}_{ik}}{\partial x_{pq}} &= \delta_{ip} u_{qk}",
    "any number of indices": r"u_{a \dots b} &= x_{a \dots b}^2 \\ y_{a \dots b} &= u_{a \dots b} x_{a \dots b} \\ \left. \frac{\partial y_{a \dots b}}{\partial x_{a' \dots b'}} \right|_{u} &= u_{a \dots b} \delta_{aa'} \dots \delta_{bb'}",
}  # fmt: skip


def oracle_agrees(text: str) -> bool:
    """Return what the second reader of the tests says of the last relation of a text."""
    check = NumericCheck(read_statements(text), 0)
    assert check.lines()
    *_, cases = check.cases.values()
    number = len(cases.statement.sides) - 2
    return all(Oracle(case, f"oracle {place}").true(number, number + 1) for place, case in enumerate(cases.all[1:2]))


@pytest.mark.parametrize("text", TRUE.values(), ids=TRUE.keys())
def test_what_is_true_holds(text: str) -> None:
    derivation = verify(text)
    assert derivation, str(derivation)
    if "% let" not in text and "^3 z" not in text:  # The oracle has too few digits for a third derivative.
        assert oracle_agrees(text)


HELD = r"\left. \frac{\partial %s}{\partial %s} \right|_{%s}"
ASKED = {
    "the ridge gradient without its residual": (RIDGE + r"\frac{\partial s}{\partial w_j} &= 2 \lambda w_j", "e is", HELD % ("s", "w_{j}", "e")),
    "in matrix notation": (r"\mathbf{e} &= \mathbf{y} - \mathbf{X} \mathbf{w} \\ s &= \mathbf{e}^\top \mathbf{e} + \lambda \mathbf{w}^\top \mathbf{w} \\ \frac{\partial s}{\partial \mathbf{w}} &= 2 \lambda \mathbf{w}", "e is", HELD % ("s", r"\mathbf{w}", r"\mathbf{e}") + ", or '% local'"),
    "a bracket in matrix notation": (r"\mathbf{e} &= \mathbf{y} - \mathbf{X} \mathbf{w} \\ \frac{\partial}{\partial \mathbf{w}} (\mathbf{e}^\top \mathbf{e} + \mathbf{w}^\top \mathbf{w}) &= 2 \mathbf{w}", "e is", r"\left. \frac{\partial}{\partial \mathbf{w}_{i}}"),
    "a deviation from its mean": (MEAN + r"\frac{\partial d_i}{\partial x_p} &= \delta_{ip}", "m is", HELD % ("d_{i}", "x_{p}", "m")),
    "the same of a bracket": (MEAN + r"\frac{\partial}{\partial x_p} (2 d_i x_i) &= 2 d_i \delta_{ip}", "d is", r"\left. \frac{\partial}{\partial x_{p}}\left( 2 \, d_{i} \, x_{i} \right) \right|_{d}"),
    "through a name in the bracket": (MEAN + r"\frac{\partial}{\partial x_p} (2 d_i) &= 2 \delta_{ip}", "m is", r"\left. \frac{\partial}{\partial x_{p}}\left( 2 \, d_{i} \right) \right|_{m}"),
    "both ways to z": (LINE + r"\frac{\partial z}{\partial x} &= \frac{\partial z}{\partial x} + \frac{\partial z}{\partial y} \frac{\partial y}{\partial x}", "y is", HELD % ("z", "x", "y") + " on the right"),
    "three paths": (NORM + NORM_PATHS, "m and v are", HELD % ("n_{b}", "x_{p}", "m, v") + " and " + HELD % ("v", "x_{p}", "m") + ", or '% local'"),
    "three paths, with inputs that are searched for": (NORM.replace("^2}}", "}}") + NORM_PATHS, "m and v are", HELD % ("n_{b}", "x_{p}", "m, v") + " and " + HELD % ("v", "x_{p}", "m") + ", or '% local'"),
    "two steps": (STEPS + r"\frac{\partial L}{\partial w_{qr}} &= \frac{\partial L}{\partial b_i} \frac{\partial b_i}{\partial w_{qr}} + \frac{\partial L}{\partial a_p} \frac{\partial a_p}{\partial w_{qr}}", "a is", HELD % ("b_{i}", "w_{qr}", "a")),
    "in the middle of a chain": (RIDGE + r"x_{kj} \frac{\partial s}{\partial w_j} &= \frac{\partial s}{\partial w_j} x_{kj} = 2 \lambda x_{kj} w_j", "e is", HELD % ("s", "w_{j}", "e")),
    "two tensors": (r"a &= \operatorname{f}(x) \\ b &= \operatorname{g}(x) \\ c &= \operatorname{h}(x) \\ y &= x a b c \\ \frac{\partial y}{\partial x} &= a b c + a b x \frac{\partial c}{\partial x}", "b and a are", HELD % ("y", "x", "b, a")),
    "one more than is written": (r"a &= x^2 \\ b &= x^3 \\ y &= x a b \\ \left. \frac{\partial y}{\partial x} \right|_{a} &= a b", "b is", HELD % ("y", "x", "a, b")),
}  # fmt: skip


@pytest.mark.parametrize(("text", "held", "written"), ASKED.values(), ids=ASKED.keys())
def test_a_line_that_holds_with_something_held_fixed_is_refused_with_the_question(
    text: str, held: str, written: str
) -> None:
    derivation = verify(text)
    assert not derivation
    line = derivation.lines[-1]
    assert line.message.startswith("refused: ")
    assert f" holds only if {held} held fixed: write {written}" in line.message
    assert "left" in line.details[0]


FALSE = {
    "another factor": RIDGE + r"\frac{\partial s}{\partial w_j} &= 3 \lambda w_j",
    "the same with the residual held fixed": RIDGE + r"\left. \frac{\partial s}{\partial w_j} \right|_{e} &= 3 \lambda w_j",
    "the total with the residual held fixed": RIDGE + r"\left. \frac{\partial s}{\partial w_j} \right|_{e} &= -2 e_i x_{ij} + 2 \lambda w_j",
    "a bracket with a factor": MEAN + r"\left. \frac{\partial}{\partial x_p} (x_i - \mathbf{1}_i m) \right|_{m} &= 2 \delta_{ip}",
    "a second derivative": CUBE + r"\left. \frac{\partial^2 y_i}{\partial x_p \partial x_q} \right|_{u} &= 6 x_i \delta_{ip} \delta_{iq}",
    "the total derivative of a local one": CUBE + r"\frac{\partial}{\partial x_q} \left. \frac{\partial y_i}{\partial x_p} \right|_{u} &= 6 x_i \delta_{ip} \delta_{iq}",
    "a path with a sign": NORM + NORM_HELD.replace(r"+ \frac{\partial L}{\partial v}", r"- \frac{\partial L}{\partial v}"),
    "a path with a factor, local": "% local\n" + NORM + NORM_PATHS.replace(r"+ \frac{\partial L}{\partial m}", r"+ 2 \frac{\partial L}{\partial m}"),
    "a path that is missing, local": "% local\n" + NORM + NORM_PATHS.partition(r" + \frac{\partial L}{\partial m}")[0],
    "a path through the wrong step": STEPS + rf"\frac{{\partial b_i}}{{\partial w_{{qr}}}} &= \left. \frac{{\partial b_i}}{{\partial w_{{qr}}}} \right|_{{a}} + 2 {STEP_PATHS}",
    "one way twice": LINE + r"\frac{\partial z}{\partial x} &= 2 \left. \frac{\partial z}{\partial x} \right|_{y} + \frac{\partial z}{\partial y} \frac{\partial y}{\partial x}",
    "the total, local": "% local\n" + LINE + r"\frac{\partial z}{\partial x} &= 2 x y^3 + 3 x^2 y^2 \operatorname{g}'(x)",
    "zero by holding everything": RIDGE + r"g &= e_i e_i \\ \frac{\partial g}{\partial w_j} &= 0 \mathbf{1}_j",
}  # fmt: skip


@pytest.mark.parametrize("text", FALSE.values(), ids=FALSE.keys())
def test_what_holds_under_no_reading_is_false(text: str) -> None:
    derivation = verify(text)
    assert not derivation, str(derivation)
    assert derivation.lines[-1].message.startswith("false: ")
    assert not oracle_agrees(text)


REFUSED = {
    "a name that is not there": (RIDGE + r"\left. \frac{\partial s}{\partial w_j} \right|_{q} &= 2 \lambda w_j", "q is held fixed, but there is no q above"),
    "a name that is beside the way": (RIDGE + r"\left. \frac{\partial s}{\partial w_j} \right|_{y} &= 2 \lambda w_j", "y is held fixed, but is not on the way from w to s"),
    "the tensor below": (RIDGE + r"\left. \frac{\partial s}{\partial w_j} \right|_{w} &= 2 \lambda w_j", "w is held fixed in its own derivative"),
    "the tensor above": (RIDGE + r"\left. \frac{\partial s}{\partial w_j} \right|_{s, e} &= 2 \lambda w_j", "s is held fixed in its own derivative"),
    "what is computed from both": (RIDGE + r"t &= s^2 \\ \left. \frac{\partial s}{\partial w_j} \right|_{t} &= 2 \lambda w_j", "t is held fixed, but is not on the way"),
    "beside the way to a bracket": (RIDGE + r"\left. \frac{\partial}{\partial w_p} (w_j e_i) \right|_{s} &= e_i \delta_{jp}", "s is held fixed, but is not on the way from w to the bracket"),
    "nothing between": (r"y &= x^2 \\ \left. \frac{\partial y}{\partial x} \right|_{z} &= 2 x", "there is no z above"),
    "an index": (RIDGE + r"\left. \frac{\partial s}{\partial w_j} \right|_{e_i} &= 2 \lambda w_j", "a tensor is held fixed as a whole"),
    "a point": (RIDGE + r"\left. \frac{\partial s}{\partial w_j} \right|_{e=0} &= 2 \lambda w_j", "a derivative at a point"),
    "no name": (RIDGE + r"\left. \frac{\partial s}{\partial w_j} \right|_{} &= 2 \lambda w_j", "'}' cannot stand here"),
    "no subscript": (RIDGE + r"\left. \frac{\partial s}{\partial w_j} \right| &= 2 \lambda w_j", "a bar without what is held fixed"),
    "names without a comma": (RIDGE + r"\left. \frac{\partial s}{\partial w_j} \right|_{e y} &= 2 \lambda w_j", "'y' cannot stand here"),
    "an exponent": (RIDGE + r"\left. \frac{\partial s}{\partial w_j} \right|_{e}^2 &= 2 \lambda w_j", "this exponent could belong to the bar"),
    "a bar of two derivatives": (CUBE + r"\left. \frac{\partial}{\partial x_q} \frac{\partial y_i}{\partial x_p} \right|_{u} &= 0", "which of the derivatives holds it fixed?"),
    "a larger bar of two derivatives": (CUBE + r"\frac{\partial}{\partial x_q} \frac{\partial y_i}{\partial x_p} \Big|_{u} &= 0", "which of the derivatives holds it fixed?"),
    "a total derivative inside": (CUBE + r"\left. \frac{\partial}{\partial x_q} \left( \frac{\partial y_i}{\partial x_p} \right) \right|_{u} &= 0", "u is held fixed, but not in ∂y_i/∂x_p"),
    "two bars": (RIDGE + r"\left. \frac{\partial s}{\partial w_j} \right|_{e} \Big|_{e} &= 2 \lambda w_j", "a bar stands after a single derivative"),
    "a bar of no derivative": (RIDGE + r"s \Big|_{e} &= s", "a bar stands after a single derivative"),
    "another bracket": (RIDGE + r"\left. \frac{\partial s}{\partial w_j} \right)_{e} &= 2 \lambda w_j", "')' cannot stand here"),
    "what vanishes then": (RIDGE + r"g &= e_i e_i \\ \left. \frac{\partial g}{\partial w_j} \right|_{e} &= 2 \left. \frac{\partial g}{\partial w_j} \right|_{e}", "0 = 0, as ∂g/∂w_j|_e vanishes"),
    "an input that is local": ("% local x\n" + CUBE + r"\frac{\partial y_i}{\partial x_p} &= u_i \delta_{ip}", "x is an input, so it has no local derivative"),
    "a name that is nowhere, local": ("% local q\n" + CUBE + r"\frac{\partial y_i}{\partial x_p} &= u_i \delta_{ip}", "q is no tensor of this text"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "fault"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_held_fixed_is_refused(text: str, fault: str) -> None:
    with pytest.raises(NotationError) as caught:
        verify(text)
    assert fault in caught.value.fault
    assert caught.value.expected


def test_local_derivatives_are_named_to_the_reader() -> None:
    derivation = verify("% local\n" + NORM + NORM_PATHS)
    note = (
        r"Derivatives are local here: $\partial n / \partial x$ with $m$ and $v$ held fixed; "
        r"$\partial v / \partial x$ with $m$ held fixed."
    )
    assert derivation.note == note
    assert str(derivation).startswith("Derivatives are local here: ∂n / ∂x with m and v held fixed; ∂v / ∂x with m ")
    assert derivation._repr_html_().startswith('<p class="local">Derivatives are local here: <span class="arithmatex">')
    assert derivation.lines[-1].checked.endswith("; local: ∂n_b/∂x_p|_{m, v}, ∂v/∂x_p|_m")
    assert "|_{m, v}" in derivation.lines[-1].text


def test_nothing_is_said_where_nothing_is_local() -> None:
    derivation = verify("% local\n" + LINE + r"\frac{\partial y}{\partial x} &= \operatorname{g}'(x)")
    assert derivation.note == ""
    assert "local" not in derivation._repr_html_()
    assert "local" not in derivation.lines[-1].checked


def test_local_holds_in_its_fence() -> None:
    page = Derivations()
    row = r"\frac{\partial y_i}{\partial x_p} &= u_i \delta_{ip}"
    assert page.check("% local\n" + CUBE + row)
    assert not page.check(row)
    assert page.check("% local y\n" + row)


@pytest.mark.parametrize("local", [True, "y", ["y"], "u y"])
def test_local_is_an_argument_too(local: bool | str | list[str]) -> None:
    row = CUBE + r"\frac{\partial y_i}{\partial x_p} &= u_i \delta_{ip}"
    assert verify(row, local=local)
    assert not verify(row, local=False)
    assert not verify(row, local="u")
