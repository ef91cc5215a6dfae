"""A false line gets numbers for which its sides differ, and a true one never does, though it may not be proved."""
# ruff: noqa: E501 (a case is a line of the table)

from __future__ import annotations

import json
from pathlib import Path

import pytest

from einsum_doc import prove
from einsum_doc.notation.statements import counterexamples
from einsum_doc.notation.statements.checked import CheckedLine

FOLDER = Path(__file__).parents[2] / "derivations"
FIELD = [case for case in json.loads((FOLDER / "of_the_field.json").read_text("utf-8")) if case["rewritten"]]
PUBLISHED = json.loads((FOLDER / "published.json").read_text("utf-8"))
TRUE = {path.stem: path.read_text("utf-8") for path in sorted(FOLDER.glob("*.tex"))}
TRUE |= {f"field: {case['name']}": case["rewritten"] for case in FIELD}
TRUE |= {f"published: {case['name']}": case["added"] + case["literal"] for case in PUBLISHED}
VARIANTS = {f"field: {case['name']}": case["false_variant"] for case in FIELD}
VARIANTS |= {f"published: {case['name']}": case["added"] + case["false_variant"] for case in PUBLISHED}

OPEN = {
    "field: singular values": "the singular values are given by code",
    "field: rc einsum dots": "it is refused as text",
    "published: convolution, weights, cthorey": "its sums over seven indices are more work than is done for a line",
}
"""The false variants without a counterexample, with why."""


def lines(text: str) -> tuple[CheckedLine, ...]:
    return prove(text).lines


def part(texts: dict[str, str]) -> list[object]:
    """A part of some texts by default; the rest takes longer than the default tests may."""
    return [
        pytest.param(text, id=name, marks=() if number % 6 == 0 else pytest.mark.slow)
        for number, (name, text) in enumerate(texts.items())
    ]


@pytest.mark.parametrize("text", part(TRUE))
def test_no_line_that_holds_is_false(text: str) -> None:
    assert [line.text for line in lines(text) if line.verdict == "false"] == []


@pytest.mark.parametrize("text", part({name: text for name, text in VARIANTS.items() if name not in OPEN}))
def test_a_false_variant_has_a_counterexample(text: str) -> None:
    assert "false" in [line.verdict for line in lines(text)]


@pytest.mark.slow
def test_most_lines_that_hold_are_proved() -> None:
    found = [line.verdict for text in TRUE.values() for line in lines(text)]
    assert found.count("open") <= 0.02 * len(found)


PRODUCT = r"z_{ik} &= x_{ij} y_{jk} \\ "
FALSE = {
    "a transpose": PRODUCT + r"z_{ik} &= x_{ij} y_{kj}",
    "at one component": r"x_i y_j + \delta_{i0} \delta_{j1} x_i &= x_i y_j + \delta_{i0} \delta_{j1} y_j",
    "on the diagonal": r"x_{ij} y_{ij} &= x_{ij} y_{ij} (\mathbf{1}_i \mathbf{1}_j - \delta_{ij}) + \delta_{ij} y_{ij}",
    "off the diagonal": r"x_i y_j \delta_{ij} &= x_i y_j",
    "for three rows": r"x_{ij} x_{jk} - x_{ll} x_{ik} + \frac{1}{2} \left( x_{ll} x_{mm} - x_{lm} x_{ml} \right) \delta_{ik} &= 0",
    "for a size other than 2": r"\delta_{ii} x_j &= 2 x_j",
    "for two sizes other than 2": r"(I - 2) (J - 2) x_i y_j &= 0 x_i y_j",
    "for sizes that differ": r"\mathbf{1}_i \mathbf{1}_i x_j &= \mathbf{1}_k \mathbf{1}_k x_j",
    "for a given size": "% size i = 5\n" + r"\mathbf{1}_i \mathbf{1}_i x_j &= 4 x_j",
    "a matrix that is not square": r"\mathbf{X}^\top (\mathbf{X} \mathbf{X}^\top)^{-1} \mathbf{X} &= \mathbf{I}",
    "an inverse": "% let y = torch.linalg.inv(x)\n" + r"x_{ij} y_{kj} &= \delta_{ik}",
    "a determinant": r"\det(\mathbf{A} + \mathbf{B}) &= \det \mathbf{A} + \det \mathbf{B}",
    "of code that is an einsum": '% let z = torch.einsum("ij,jk->ik", x, y)\n' + r"z_{ik} &= x_{ij} y_{kj}",
    "a gradient": PRODUCT + r"\frac{\partial l}{\partial x_{ij}} &= \frac{\partial l}{\partial z_{ik}} y_{kj}",
    "a path": r"y_i &= 2 x_i \\ z_i &= x_i y_i \\ \frac{\partial z_i}{\partial x_p} &= y_i \delta_{ip}",
    "what is held fixed": r"m &= \mathbf{1}_i x_i \\ d_i &= x_i - m \mathbf{1}_i \\ \left. \frac{\partial d_i}{\partial x_p} \right|_{m} &= \delta_{ip} - \mathbf{1}_i \mathbf{1}_p",
    "a second derivative": r"\frac{\partial^2 (x_i x_i x_j)}{\partial x_p \partial x_q} &= 2 \delta_{pq} x_j + 2 x_p \delta_{jq}",
    "an arbitrary function": r"\operatorname{f}(x_i + y_i) &= \operatorname{f}(x_i) + \operatorname{f}(y_i)",
    "its derivative": r"y_i &= \operatorname{f}(2 x_i) \\ \frac{\partial y_i}{\partial x_p} &= \operatorname{f}'(2 x_i) \delta_{ip}",
    "an exponential": r"\exp(x_i + y_i) &= \exp(x_i) + \exp(y_i)",
    "a root of a square": r"\sqrt{x_i^2} &= x_i",
    "the sine back": r"\arcsin(\sin(x_i)) &= x_i",
    "beyond a constant": r"\operatorname{relu}(x - 1000) &= 0",
    "in an interval": "% interval x = 0 1\n" + r"\operatorname{relu}(x_i - 0.5) &= x_i - 0.5",
    "of positive numbers": "% positive x\n" + r"\log(x_i + y_i^2) &= \log x_i",
    "of a symmetric matrix": "% symmetric x\n" + r"x_{ij} y_j &= x_{ij} y_i",
    "of a positive definite one": "% positive definite x\n" + r"x_{ij} x_{jk} &= x_{ik}",
    "of what sums to one": "% sums to one p over i\n" + r"\sum_i p_i^2 &= 1",
    "of the determinant of one": "% positive definite A\n" + r"\log\det \mathbf{A} &= 0",
    "a constant index": "% fixed T\n" + r"x_T &= x_0",
    "any number of indices": r"x_{a \dots b} y_{a \dots b} &= y_{c \dots d} y_{c \dots d}",
    "a convolution": r"y_i &= \sum_m w_m x_{i+m} \\ \frac{\partial y_i}{\partial w_m} &= x_{i+m}^2",
    "a stride": "% integer s\n"
    + r"y_i &= \sum_m w_m x_{si+m} \\ \frac{\partial L}{\partial w_m} &= \sum_i \frac{\partial L}{\partial y_i} x_{i+m}",
    "a maximum": r"\max_i x_i &= \max_i x_i^2",
    "cases": r"y_i &= \begin{cases} x_i & x_i > 0 \\ 0 & x_i \le 0 \end{cases} \\ y_i &= x_i",
    "a difference": r"1.0001 x &= x",
}


@pytest.mark.parametrize("text", FALSE.values(), ids=FALSE)
def test_a_false_line_has_a_counterexample(text: str) -> None:
    line = lines(text)[-1]
    assert line.verdict == "false", line
    assert line.message.startswith("false: ")
    assert "left " in line.details[0]


NOT_FALSE = {
    "wherever both have a value": r"\sqrt{x_i} \sqrt{x_i} &= \operatorname{abs}(x_i)",
    "of an exponential of a logarithm": r"\exp(\log(x_i)) &= \operatorname{abs}(x_i)",
    "a quotient at 0": r"\frac{x_i^2}{x_i} &= x_i",
    "of nothing over itself": r"\frac{x_i - x_i}{x_i - x_i} &= 2 \cdot \mathbf{1}_i",
    "without a value": r"\sqrt{-1 - x_i^2} &= 5 \cdot \mathbf{1}_i",
    "at a kink": r"\operatorname{abs}'(x_i) &= x_i / \operatorname{abs}(x_i)",
    "of a derivative at a kink": r"\frac{\partial}{\partial x_p} \sqrt{x_i^2} &= \operatorname{sign}(x_i) \delta_{ip}",
    "an identity of functions": r"\sin(2 x_i) &= 2 \sin(x_i) \cos(x_i)",
    "sums that cancel": r"(10^9 + e^{x})^2 - 10^{18} - 2 \cdot 10^9 e^x &= e^{2 x}",
    "of a sum of angles": r"\arctan(x_i) + \arctan(1 / x_i) &= \frac{\pi}{2} \operatorname{sign}(x_i)",
    "of a maximum": r"\max_i (2 x_i) &= 2 \max_i x_i",
    "of positive numbers": "% positive x\n" + r"\operatorname{relu}(x_i) &= x_i",
    "in an interval": "% interval x = 0 1\n" + r"\operatorname{relu}(x_i (1 - x_i)) &= x_i (1 - x_i)",
    "of an interval of whole numbers": "% interval x = 1 10\n" + r"\operatorname{relu}(x_i - 1) &= x_i - 1",
    "of a symmetric matrix": "% symmetric x\n" + r"\max_i (x_{ij} y_i) &= \max_i (x_{ji} y_i)",
    "of a positive definite one": "% positive definite x\n" + r"\operatorname{relu}(x_{ij} y_i y_j) &= x_{ij} y_i y_j",
    "of what sums to one": "% sums to one p over i\n" + r"\max_j (y_j \sum_i p_i) &= \max_j y_j",
    "for a given size": "% size i = 5\n" + r"\max_j (y_j \delta_{ii}) &= \max_j (5 y_j)",
    "of a square matrix": r"s &= x_{ii} \\ P \operatorname{f}(x_{pq}) &= Q \operatorname{f}(x_{pq})",
    "of a determinant of an update": r"\det(\mathbf{I} + \mathbf{u} \mathbf{v}^\top) &= 1 + \mathbf{u}^\top \mathbf{v}",
    "given by code": "% let s = (x * x).sum()\n" + r"s &= x_i x_i",
    "of its derivative": "% let s = (x * x).sum()\n" + r"\frac{\partial s}{\partial x_i} &= 2 x_i",
    "of a slope at a kink": r"\operatorname{relu}'(x_i) &= \operatorname{relu}(\operatorname{sign}(x_i))",
    "of a maximum of equals": "% size i = 2\n"
    + r"\frac{\partial}{\partial x_p} (\max_i x_i^2 + \min_i x_i^2) &= 2 x_p",
    "of a power of positive numbers": r"(x_i^a)^{1/a} &= x_i",
    "with a letter in an exponent": r"(x_i^2)^a &= \operatorname{abs}(x_i)^{2 a}",
    "of ε": r"\operatorname{abs}(\epsilon) x_i &= \epsilon x_i",
    "of index arithmetic": r"y_i &= \sum_m w_m x_{i+m} \\ \frac{\partial L}{\partial w_m} &= \sum_i \frac{\partial L}{\partial y_i} x_{i+m}",
}


@pytest.mark.parametrize("text", NOT_FALSE.values(), ids=NOT_FALSE)
def test_a_line_that_holds_is_not_false(text: str) -> None:
    assert lines(text)[-1].verdict in ("proved", "open")


@pytest.mark.parametrize("text", NOT_FALSE.values(), ids=NOT_FALSE)
def test_a_line_that_holds_has_no_counterexample_though_it_is_proved(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("einsum_doc.notation.statements.statements.proved", lambda *_: None)
    assert lines(text)[-1].verdict == "open"


def test_a_component_outside_of_its_tensor_decides_nothing() -> None:
    text = r"y_i &= \sum_m w_m x_{i+m} \\ \frac{\partial y_i}{\partial w_m} &= x_i \mathbf{1}_m"
    assert lines(text)[-1].verdict == "open"


def test_two_sides_differ_by_an_example_and_are_equal_by_a_proof() -> None:
    held, false, open_ = lines(
        r"x_i y_i &\neq x_i + y_i \\ x_i y_i &\neq y_i x_i \\ \sin(2 x_i) &\neq 2 \sin(x_i) \cos(x_i)"
    )
    assert (held.verdict, false.verdict, open_.verdict) == ("held", "false", "open")
    assert "differ; at x = [" in held.checked
    assert false.message == "false: x_i y_i ≠ y_i x_i"


def test_an_example_is_small_and_says_how_it_counts() -> None:
    text = PRODUCT + r"\frac{\partial z_{ik}}{\partial x_{pq}} &= \delta_{ip} y_{kq}"
    for _ in range(2):
        assert lines(text)[-1].details == (
            "at x = [[1, 2], [3, 4]], y = [[3, 2], [4, 1]]: left 4, right 2",
            "component i=1, k=1, p=1, q=2, counted from 1; sizes: i=2, k=2, p=2, q=2",
        )


@pytest.mark.parametrize(
    ("text", "details"),
    [
        (r"\delta_{ii} &= 2", ("left 3, right 2", "sizes: i=3")),
        (r"x_1 &= x_0", ("at x = [1, 2, 3]: left 2, right 1",)),
        (
            "% fixed T\n" + r"x_T &= x_i \mathbf{1}_i",
            ("at x = [3, 4]: left 3, right 7", "component T=1, counted from 1; sizes: i=2"),
        ),
        ("% interval p = 0 1\n" + "p &= 1 - p", ("at p = 3/4: left 3/4, right 1/4",)),
        (r"\operatorname{f}(x) &= x", ("at x = 1, f(x) = 3 + 2 x + 2 x^2 + 2 x^3: left 9, right 1",)),
        (r"10^{30} x &= x", ("at x = 1: left 1e+30, right 1",)),
        (r"10^{400} x &= -10^{400} x", ("at x = 1: left about 10^400, right about -10^400",)),
        (r"\sqrt{x} &= x", ("at x = 3: left 1.73205, right 3",)),
    ],
)
def test_the_words_of_an_example(text: str, details: tuple[str, ...]) -> None:
    assert lines(text)[-1].details == details


@pytest.mark.parametrize(
    "text",
    [
        r"\sin(2 x_{abcdefghijklmnopqrstuvw}) &= 2 \sin(x_{abcdefghijklmnopqrstuvw}) \cos(x_{abcdefghijklmnopqrstuvw})",
        r"y^{(0)} &= x + 2"
        + "".join(rf" \\ y^{{({n + 1})}} &= y^{{({n})}} y^{{({n})}}" for n in range(40))
        + r" \\ \sin(2 y^{(40)}) &= 2 \sin(y^{(40)}) \cos(y^{(40)})",
    ],
    ids=["of many components", "of many digits"],
)
def test_what_is_too_large_decides_nothing(text: str) -> None:
    assert lines(text)[-1].verdict == "open"


def test_no_more_than_some_work_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    done = []
    points = counterexamples.PointValues

    class Counted(points):  # type: ignore[misc, valid-type]
        def of(self, *arguments: object) -> object:
            done.append(1)
            return super().of(*arguments)

    monkeypatch.setattr(counterexamples, "PointValues", Counted)
    text = r"t &= x_{ab} x_{bc} x_{cd} x_{de} x_{ef} x_{fg} x_{gh} x_{ha} \\ \sin(2 t) &= 2 \sin(t) \cos(t)"
    assert lines(text)[-1].verdict == "open"
    assert counterexamples.MOST / 2 < len(done) <= counterexamples.MOST + 1
