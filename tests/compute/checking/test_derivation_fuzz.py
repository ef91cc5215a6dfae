"""No text hangs the reader or the checker, crashes them, or is accepted with a part unread."""

import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from test_derivation_field import TEXTS
from test_index_arithmetic import TRUE as ARITHMETIC
from test_published_notation import TRUE

from einsum_doc import NotationError, verify
from einsum_doc.compute.checking.derivation import Derivations
from einsum_doc.notation.expression import Expression
from einsum_doc.notation.reading.parse import Chain, parse_notation
from einsum_doc.notation.reading.tokens import tokens

WRITTEN = {
    path.stem: path.read_text("utf-8") for path in sorted((Path(__file__).parents[2] / "derivations").glob("*.tex"))
}
PIECES = [
    *re.findall(
        r"\S+",
        r"x y z \delta \mathbf{1} _ _i _{ij} _{i'j} ^ ^2 ^{-1} ^T ^{x_i} ' & &= = \neq \\ + - / \cdot "
        r"( ) [ ] { } \left( \right) \left[ \right] \{ \} \frac{ \frac{1}{2} }{ \frac{\partial \partial x_i} "
        r"\sqrt{ \sqrt[3]{ \sum_i \sum_{i=1}^{I} "
        r"\exp e^{ \log \sin \operatorname{f} \operatorname \text{a} \text{ \tag{1} \tag \, \quad \dots \cdots \notag "
        r"1 0 2.5 99999999999999999999 12 I H , . ; | ? % \% \foo \alpha \mu \hat{x} \mathcal{T} \top \prime ^{\prime} "
        r"z_{ij}&=x_{ik}y_{kj} \delta_{aa'}\dots\delta_{bb'} \partial % %% ~ é ∂",
    ),
    r"_{a \dots b}",
    r"\frac{\partial l}{\partial x_i}",
    r"\frac{\partial z_{ij}}{\partial x_{pq}} &=",
    r"\frac{\partial}{\partial x_i}",
    *(r"\left.", r"\right|_{z}", r"\Big|_x", "|", "% local\n"),
    *("\n", " ", "% new\n", "% positive x\n", "% size i = j\n", "% fixed T\n"),
]
PUBLISHED = [
    *re.findall(
        r"\S+",
        r"\mathbf{A} \mathbf{x} \mathbf{1} \mathbf{I} \mathbf{0} \mathbf{b c} \boldsymbol{\mu} \mathbf{h}_t "
        r"\mathbf{h}_{t-1} \mathbf{dX} ^\top ^{-1} ^{-\top} ^{(1)} ^{[l-1]} ^* ^H _{\text{hh}} _{\mathrm{in}} "
        r"_F _1 _{ \| \left\| \right\| \lVert \rVert \langle \rangle \odot \otimes \circ \operatorname{tr}( "
        r"\operatorname{diag}( \operatorname{vec}( \det \log\det \operatorname{softmax} "
        r"\operatorname{softmax}_j( \operatorname{logsumexp}( \max_j \min \prod_i \nabla \nabla_{\mathbf{x}} "
        r"\partial_x \frac{d \frac{dy}{dx} \frac{\mathrm{d}y}{\mathrm{d}x} d dX \boxed{ \underbrace{ "
        r"}_{\text{one}} {\color{red} \large \cancel{ \qquad \Rightarrow \text{where} := \equiv \sum_{i<j} "
        r"\sum_{j\ne \mathbb{1}[ \le \begin{aligned} \end{aligned} \begin{cases} \phi( \phi'( \sigma(x) "
        r"\sigma^2 f(x)= f'' \label{eq} \tilde \mathcal{L} N n | \left| \right| \bigl| \lvert \rvert ^{(1)\top} "
        r"\delta^l \delta^{l+1}_j w^l \operatorname{tr} \nabla_\mathbf{x} "
        r"\partial\mathbf{x}\partial\mathbf{x}^\top} ^2_2 d\mathbf{X} \mathrm{d}x_i d( dx = dx "
        r"_{i+m} _{si+m} _{2i-1} _{t_n _{N-i} \delta_{j,i+m} \sum_{t=2}^{T} \sum_{t=1}^{T-1} \sum_{s=1}^t "
        r"\prod_{j=i+1}^n \begin{cases} & \end{cases} \text{otherwise} \text{if} x_i>0 \mathbb{E}[ \mathbb{E}_n[ "
        r"\operatorname{Var}[ P(x|y) W^i_j ^i \delta^i_j",
    ),
    *(
        "% matrix A\n",
        "% vector x, y\n",
        "% samples i\n",
        "% label t\n",
        "% name FL\n",
        "% gradient L\n",
        "% constant x\n",
        "% function g\n",
        "% index t\n",
        "% integer s\n",
        "% origin 1\n",
        "% value i t\n",
        "% tabular P\n",
        "% upper i j\n",
        "% samples n\n",
        "% zero outside x\n",
    ),
    *("% function \\sigma = sigmoid\n", "% matrix G = \\frac{\\partial l}{\\partial z_{ij}}\n"),
    *("% symmetric \\mathbf{A}\n", "% sums to one \\mathbf{p}\n", "% let B = torch.linalg.inv(A)\n"),
]
PAPERS = [
    *(text for text, _, _ in (TRUE | ARITHMETIC).values()),
    *(case["literal"] for case in TEXTS if len(case["literal"]) < 400),
]
soup = st.lists(st.sampled_from(PIECES), max_size=25)
quiet = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def read(text: str) -> None:
    """Read and check a text; whatever is accepted is on the page, all of it."""
    try:
        derivation = verify(text)
    except NotationError as error:
        stands_in(text, error)
        return
    shown = "".join("".join(line.latex + line.reason for line in derivation.lines).split())
    for token in tokens(text):
        if token.kind not in ("directive", "silent", "break", "text", "tag", "end") and token.text != "&":
            assert "".join(text[token.start : token.end].split()) in shown
    assert str(derivation).count("\n") + 1 >= len(derivation.lines)


def stands_in(text: str, error: NotationError) -> None:
    """An error's position is in the text."""
    number, column = error.position
    rows = text.split("\n")
    assert number < len(rows)
    assert column <= len(rows[number])
    assert str(error).startswith(error.fault)


@given(soup)
@quiet
@example(["\\exp"] * 500)
@example(["\\frac{\\partial "] * 500)
@example(["("] * 500)
@example(["-"] * 500)
@example(["x^{"] * 500)
@example(["\\sum_i"] * 500)
@example(["\\hat{"] * 500)
@example(["x_i", "=", "9" * 5000])
def test_pieces_in_any_order(pieces: list[str]) -> None:
    read("".join(pieces))


@given(st.lists(st.sampled_from([*PUBLISHED, *PIECES]), max_size=25))
@quiet
@example(["\\|"] * 500)
@example([r"\mathbf{"] * 500)
@example([r"\boxed{"] * 500)
@example([r"\mathbf{A}"] * 500)
@example(["% name FL\n", *["FL"] * 500])
@example(["f(x)=", *["f("] * 500])
def test_pieces_of_published_notation_in_any_order(pieces: list[str]) -> None:
    read("".join(pieces))


@given(st.data())
@quiet
def test_published_notation_with_signs_lost_exchanged_and_put_in(data: st.DataObject) -> None:
    signs = re.findall(r"%.*\n|\\[A-Za-z]+|\\.|\s+|.", data.draw(st.sampled_from(PAPERS)))
    for _ in range(data.draw(st.integers(1, 2))):
        start, other = (data.draw(st.integers(0, len(signs) - 1)) for _ in range(2))
        end = start + data.draw(st.integers(0, 3))
        piece = data.draw(st.sampled_from(["", signs[other], *PUBLISHED]))
        signs = [*signs[:start], piece, " ", *signs[end:]]
    read("".join(signs))


@given(st.text(max_size=60))
@quiet
def test_any_text(text: str) -> None:
    read(text)


@given(st.data())
@quiet
def test_a_derivation_with_pieces_lost_and_put_in(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from([WRITTEN[name] for name in ("two_operands", "linear_layer", "matrix_inverse")]))
    rows = text.split("\n")
    text = "\n".join(rows[: data.draw(st.integers(2, 4))])
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 4)))
        text = text[:start] + data.draw(st.sampled_from(["", *PIECES])) + text[end:]
    read(text)


vectors = st.sampled_from(
    [
        *(r"x_i", r"y_i", r"z_i", r"a_{ij} x_j", r"\mathbf{1}_i", r"(a^T)_{ij} y_j", r"\delta_{ij} y_j", r"a_{ii}"),
        *(r"\sum_j a_{ij}", r"x_i \delta_{i0}", r"\frac{\partial l}{\partial x_i}"),
        r"\mathbf{1}_p \frac{\partial z_i}{\partial x_p}",
    ]
)
formulas = st.recursive(
    vectors,
    lambda inner: st.one_of(
        st.builds(r"\left( {} + {} \right)".format, inner, inner),
        st.builds(r"\left( {} - c \, {} \right)".format, inner, inner),
        st.builds(r"\frac{{{}}}{{2 + \left( {} \right)^2}}".format, inner, inner),
        st.builds(r"\operatorname{{f}}\left( {} \right)".format, inner),
        st.builds(r"\left( {} \right)^2".format, inner),
        st.builds(r"\sqrt{{1 + \left( {} \right)^2}}".format, inner),
        st.builds(r"\left( {} \right) \left( {} \right)".format, inner, inner),
    ),
    max_leaves=6,
)


@given(formulas)
@quiet
def test_a_formula_is_itself_and_not_its_double(formula: str) -> None:
    page = Derivations()
    page.check(r"z_i &= x_i^2 y_i")
    try:
        same, double = page.check(f"w_i &= {formula} \\\\ &= {formula} \\\\ &= 2 \\left( {formula} \\right)").lines[1:]
    except NotationError as error:
        stands_in(error.text, error)
        if "could be summed" in error.fault or "has a meaning here already" in error.fault:
            return
        raise
    assert same.holds or "cannot be checked" in same.message or "no value" in same.message, same
    assert not double.holds, double


LARGE = {
    "a chain of definitions": r" \\ ".join(
        ["a_i &= x_i", r"b_i &= a_i a_i"]
        + [rf"{chr(99 + n)}_i &= {chr(98 + n)}_i {chr(97 + n)}_i" for n in range(1, 5)]
    ),
    "each of two before": r" \\ ".join(
        [r"\mathrm{aa}_i &= x_i", r"\mathrm{ab}_i &= x_i"]
        + [
            rf"\mathrm{{a{chr(99 + n)}}}_i &= 0.7 \mathrm{{a{chr(98 + n)}}}_i - 0.3 \mathrm{{a{chr(97 + n)}}}_i"
            for n in range(20)
        ]
        + [r"\mathrm{av}_i &= \mathrm{av}_i"]
    ),
    "many indices": r"y_{abcdefghjkm} &= x_{abcdefghjkm} 2",
    "many indices in a product": "y &= "
    + " ".join(
        rf"x_{{{letter}{prime}}} z_{{{letter}{prime}}}" for letter in "abcfghijkmnpqrstuvw" for prime in ("", "'", "''")
    ),
    "many factors": "y_i &= "
    + " ".join(f"x_i a_{{i{prime}}} 1_{{i{prime}}}" for prime in ["'" * n for n in range(1, 60)]),
    "a tower of powers": r"x_i &= ((((9^{99})^{99})^{99})^{99})^{99} x_i",
    "many rows": r" \\ ".join(["y_i &= 2 x_i", *["y_i &= x_i + x_i"] * 100]),
    "many terms": "y_i &= " + " + ".join(["x_i"] * 300),
}


@pytest.mark.parametrize("text", LARGE.values(), ids=LARGE.keys())
def test_what_is_large_comes_to_an_end(text: str) -> None:
    read(text)


def sides(text: str) -> list[Expression | str]:
    """Everything that a text says."""
    found: list[Expression | str] = []
    for step in parse_notation(text).entries:
        if isinstance(step, Chain):
            found += [step.head, *(part for each in step.relations for part in (each.sign, each.right))]
        else:
            found.append(f"{step.word} {step.body}")
    return found


LONG = ("any_two_operands", "attention", "batched_bilinear_form", "layer_normalisation", "softmax_cross_entropy")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in LONG else []) for name in WRITTEN]
)
def test_no_sign_is_without_meaning(name: str) -> None:
    text = WRITTEN[name]
    whole = sides(text)
    for token in tokens(text):
        if token.kind in ("open", "close", "break", "text", "tag", "silent", "directive", "end"):
            continue
        if token.kind == "symbol" and token.text not in ("'", "=", "+", "-", "_", "^"):
            continue
        with suppress(NotationError):
            assert sides(text[: token.start] + " " + text[token.end :]) != whole, token
