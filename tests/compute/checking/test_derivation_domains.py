"""Inputs of the magnitude, and in the domain, that a line needs: drawn again, searched for, or declared."""
# ruff: noqa: E501 (a case is a line of the table)

from collections.abc import Callable

import pytest
import torch

from einsum_doc import ArgumentError, NotationError, verify

ATTENTION = r"q_{ta} &= x_{ti} Q_{ia} \\ k_{sa} &= x_{si} K_{ia} \\ v_{sa} &= x_{si} V_{ia} \\ s_{ts} &= \frac{q_{ta} k_{sa}}{\sqrt{D}} \\ p_{ts} &= \frac{\exp(s_{ts})}{\sum_u \exp(s_{tu})} \\ o_{ta} &= p_{ts} v_{sa} \\ "
SCORES = r"h_{bj} &= x_{bi} u_{ij} \\ z_{bk} &= h_{bj} w_{jk} \\ "
LAYERS = "abcdefgh"


def layers(function: str) -> str:
    """Eight layers, each a function of a product with the one before."""
    before = ["x", *(rf"\mathrm{{h{layer}}}" for layer in LAYERS)]
    return "".join(
        rf"\mathrm{{h{layer}}}_o &= {function}(\mathrm{{w{layer}}}_{{oi}} {inner}_i) \\ "
        for layer, inner in zip(LAYERS, before, strict=False)
    )


def last_layer(function: str) -> tuple[str, str, str]:
    inner = r"\frac{\partial l}{\partial \mathrm{wh}_{oi}} &= \frac{\partial l}{\partial \mathrm{hh}_o} "
    slope = rf"{function}'(\mathrm{{wh}}_{{oj}} \mathrm{{hg}}_j) \mathrm{{hg}}_i"
    return layers(function), inner + slope, f"{inner}{slope}^2"


LINEAR = layers("")
MAGNITUDES = {
    "attention, by its values": (
        ATTENTION,
        r"\frac{\partial l}{\partial v_{sa}} &= p_{ts} \frac{\partial l}{\partial o_{ta}}",
        r"\frac{\partial l}{\partial v_{sa}} &= p_{st} \frac{\partial l}{\partial o_{ta}}",
    ),
    "attention, by its scores": (
        ATTENTION,
        r"\frac{\partial l}{\partial s_{ts}} &= p_{ts} \left( \frac{\partial l}{\partial p_{ts}} - \mathbf{1}_s p_{tu} \frac{\partial l}{\partial p_{tu}} \right)",
        r"\frac{\partial l}{\partial s_{ts}} &= p_{ts} \left( \frac{\partial l}{\partial p_{ts}} + \mathbf{1}_s p_{tu} \frac{\partial l}{\partial p_{tu}} \right)",
    ),
    "attention, by its queries": (
        ATTENTION,
        r"\frac{\partial l}{\partial q_{ta}} &= \frac{1}{\sqrt{D}} \frac{\partial l}{\partial s_{ts}} k_{sa}",
        r"\frac{\partial l}{\partial q_{ta}} &= \frac{1}{D} \frac{\partial l}{\partial s_{ts}} k_{sa}",
    ),
    "a softmax of two products": (
        SCORES + r"p_{bk} &= \frac{\exp(z_{bk})}{\sum_j \exp(z_{bj})} \\ ",
        r"\frac{\partial p_{bk}}{\partial z_{cj}} &= \delta_{bc} p_{bk} \left( \mathbf{1}_b \delta_{kj} - \mathbf{1}_k p_{bj} \right)",
        r"\frac{\partial p_{bk}}{\partial z_{cj}} &= \delta_{bc} p_{bk} \left( \mathbf{1}_b \delta_{kj} - \mathbf{1}_k p_{bj}^2 \right)",
    ),
    "log-sum-exp": (
        SCORES + r"m_b &= \log \left( \sum_k \exp(z_{bk}) \right) \\ ",
        r"\frac{\partial m_b}{\partial z_{cj}} &= \delta_{bc} e^{z_{bj} - \mathbf{1}_j m_b}",
        r"\frac{\partial m_b}{\partial z_{cj}} &= \delta_{bc} e^{z_{bj} + \mathbf{1}_j m_b}",
    ),
    "cross-entropy from logits": (
        SCORES + r"s &= \sum_b \log \left( \sum_k \exp(z_{bk}) \right) - \sum_{bk} z_{bk} y_{bk} \\ ",
        r"\frac{\partial s}{\partial z_{bk}} &= \frac{\exp(z_{bk})}{\sum_j \exp(z_{bj})} - y_{bk}",
        r"\frac{\partial s}{\partial z_{bk}} &= \frac{\exp(z_{bk})}{\sum_j \exp(z_{bj})} + y_{bk}",
    ),
    "the norm of a product": (
        r"z_b &= x_{bi} w_i \\ n &= \sqrt{z_b z_b} \\ ",
        r"\frac{\partial n}{\partial w_i} &= \frac{x_{bi} z_b}{n}",
        r"\frac{\partial n}{\partial w_i} &= \frac{x_{bi} z_b}{n^2}",
    ),
    "an exponent of third degree": (
        r"z_i &= x_{ij} w_{jk} u_k \\ p_i &= \frac{e^{z_i^3}}{\sum_j e^{z_j^3}} \\ ",
        r"\sum_i p_i &= 1",
        r"\sum_i p_i^2 &= 1",
    ),
    "a steep softmax": (r"p_i &= \frac{e^{80 x_i}}{\sum_j e^{80 x_j}} \\ ", r"\sum_i p_i &= 1", r"\sum_i p_i^2 &= 1"),
    "a flat sine": (
        r"y_i &= \sin(x_i / 1000) \\ ",
        r"\frac{\partial y_i}{\partial x_p} &= \cos(x_i / 1000) \delta_{ip} / 1000",
        r"\frac{\partial y_i}{\partial x_p} &= \delta_{ip} / 1000",
    ),
    "wide layers": (
        "% size i = 48\n" r"h_o &= \tanh(w_{oi} x_i) \\ y_p &= \tanh(u_{po} h_o) \\ ",
        r"\frac{\partial l}{\partial h_o} &= \frac{\partial l}{\partial y_p} \tanh'(u_{pj} h_j) u_{po}",
        r"\frac{\partial l}{\partial h_o} &= \frac{\partial l}{\partial y_p} u_{po}",
    ),
    "eight linear layers and an exponential": (
        LINEAR + r"y &= \sum_o e^{\mathrm{hh}_o} \\ ",
        r"\frac{\partial y}{\partial \mathrm{hh}_o} &= e^{\mathrm{hh}_o}",
        r"\frac{\partial y}{\partial \mathrm{hh}_o} &= \mathrm{hh}_o",
    ),
    "eight layers of tanh": last_layer(r"\tanh"),
    "eight layers of relu": last_layer(r"\operatorname{relu}"),
}

VARIANCE = r"m_b &= \frac{1}{H} \mathbf{1}_h x_{bh} \\ \mu_{bh} &= x_{bh} - \mathbf{1}_h m_b \\ v_b &= \frac{1}{H} \mathbf{1}_h \mu_{bh}^2 \\ "
ROOT = r"\frac{\partial \sigma_b}{\partial v_p} &= \frac{1}{2 \sigma_b} \delta_{bp}"
DOMAINS = {
    "an epsilon beside a variance": (
        VARIANCE + r"\sigma_b &= \sqrt{v_b + \epsilon} \\ ",
        ROOT,
        r"\frac{\partial \sigma_b}{\partial v_p} &= \frac{1}{2 \sqrt{v_b}} \delta_{bp}",
        "ε positive",
    ),
    "an epsilon beside an input": (
        r"\sigma_b &= \sqrt{v_b + \varepsilon} \\ ",
        ROOT,
        r"\frac{\partial \sigma_b}{\partial v_p} &= \frac{1}{2 v_b} \delta_{bp}",
        "ε positive",
    ),
    "a number beside an input": (
        r"s &= \sqrt{v + 10^{-5}} \\ ",
        r"\frac{\partial s}{\partial v} &= \frac{1}{2 s}",
        r"\frac{\partial s}{\partial v} &= \frac{1}{2 \sqrt{v}}",
        "v between 0 and 1",
    ),
    "a number beside a variance": (
        r"v &= \frac{1}{I} \sum_i x_i^2 \\ s &= \sqrt{v + 10^{-5}} \\ ",
        r"\frac{\partial s}{\partial v} &= \frac{1}{2 s}",
        r"\frac{\partial s}{\partial v} &= \frac{1}{2 \sqrt{v}}",
        "",
    ),
    "a smaller number": (
        r"v &= \frac{1}{I} \sum_i x_i^2 \\ s &= \sqrt{v + 10^{-8}} \\ ",
        r"s^2 &= v + 10^{-8}",
        r"s^2 &= v",
        "",
    ),
    "binary cross-entropy": (
        r"c &= -\sum_i y_i \log p_i - \sum_i (\mathbf{1}_i - y_i) \log(\mathbf{1}_i - p_i) \\ ",
        r"\frac{\partial c}{\partial p_i} &= \frac{p_i - y_i}{p_i (\mathbf{1}_i - p_i)}",
        r"\frac{\partial c}{\partial p_i} &= \frac{p_i - y_i}{p_i (\mathbf{1}_i + p_i)}",
        "p between 0 and 1",
    ),
    "the logarithm of 1 - p": (
        r"u_i &= \log(\mathbf{1}_i - p_i) \\ ",
        r"\frac{\partial u_i}{\partial p_j} &= -\frac{1}{\mathbf{1}_i - p_i} \delta_{ij}",
        r"\frac{\partial u_i}{\partial p_j} &= \frac{1}{\mathbf{1}_i - p_i} \delta_{ij}",
        "p below 1",
    ),
    "a side that has values everywhere": (
        "",
        r"\sin(\arcsin(x_i)) &= x_i",
        r"\sin(2 \arcsin(x_i)) &= 2 x_i",
        "x between −1 and 1",
    ),
    "the square of a root": (
        "",
        r"\sqrt{x_i} \sqrt{x_i} &= x_i",
        r"\sqrt{x_i} \sqrt{x_i} &= x_i^2",
        "x positive",
    ),
    "the derivative of an arc sine": (
        "",
        r"\frac{\partial}{\partial x_p} \arcsin(x_i) &= \frac{1}{\sqrt{\mathbf{1}_i - x_i^2}} \delta_{ip}",
        r"\frac{\partial}{\partial x_p} \arcsin(x_i) &= -\frac{1}{\sqrt{\mathbf{1}_i - x_i^2}} \delta_{ip}",
        "x between −1 and 1",
    ),
    "an arc cosine": (
        r"y_i &= \arccos(x_i) \\ ",
        r"y_i + \arcsin(x_i) &= \frac{\pi}{2} \mathbf{1}_i",
        r"y_i - \arcsin(x_i) &= \frac{\pi}{2} \mathbf{1}_i",
        "x between −1 and 1",
    ),
    "a circle": (
        r"y_i &= \sqrt{\mathbf{1}_i - x_i^2} \\ ",
        r"\frac{\partial y_i}{\partial x_p} &= -\frac{x_i}{y_i} \delta_{ip}",
        r"\frac{\partial y_i}{\partial x_p} &= \frac{x_i}{y_i} \delta_{ip}",
        "x between −1 and 1",
    ),
    "a ball": (
        r"y &= \sqrt{1 - x_i x_i} \\ ",
        r"\frac{\partial y}{\partial x_p} &= -\frac{x_p}{y}",
        r"\frac{\partial y}{\partial x_p} &= -\frac{x_p}{y^2}",
        "x between −1 and 1",
    ),
    "an area tangent": (
        r"y_i &= \operatorname{artanh}(x_i) \\ ",
        r"y_i &= \frac{1}{2} \log \left( \frac{\mathbf{1}_i + x_i}{\mathbf{1}_i - x_i} \right)",
        r"y_i &= \frac{1}{2} \log \left( \frac{\mathbf{1}_i - x_i}{\mathbf{1}_i + x_i} \right)",
        "x between −1 and 1",
    ),
    "an area cosine": (
        r"y_i &= \operatorname{arcosh}(x_i) \\ ",
        r"\frac{\partial y_i}{\partial x_p} &= \frac{1}{\sqrt{x_i^2 - \mathbf{1}_i}} \delta_{ip}",
        r"\frac{\partial y_i}{\partial x_p} &= \frac{1}{\sqrt{x_i^2 + \mathbf{1}_i}} \delta_{ip}",
        "x above 1",
    ),
    "an area cosine of a product": (
        r"z_b &= x_{bi} w_i \\ y_b &= \operatorname{arcosh}(z_b) \\ ",
        r"\cosh(y_b) &= z_b",
        r"\sinh(y_b) &= z_b",
        "x and w where everything has a value",
    ),
    "the logarithm of a softmax": (
        SCORES + r"p_{bk} &= \frac{\exp(z_{bk})}{\sum_j \exp(z_{bj})} \\ y_{bk} &= \log p_{bk} \\ ",
        r"y_{bk} &= z_{bk} - \mathbf{1}_k \log \left( \sum_j \exp(z_{bj}) \right)",
        r"y_{bk} &= z_{bk} + \mathbf{1}_k \log \left( \sum_j \exp(z_{bj}) \right)",
        "",
    ),
    "a fractional power": (
        r"y_i &= x_i^{0.75} \\ ",
        r"\frac{\partial y_i}{\partial x_p} &= 0.75 \frac{y_i}{x_i} \delta_{ip}",
        r"\frac{\partial y_i}{\partial x_p} &= 0.75 \frac{x_i}{y_i} \delta_{ip}",
        "x positive",
    ),
    "a power with a letter": (
        r"y_i &= x_i^a \\ ",
        r"\frac{\partial y_i}{\partial a} &= y_i \log x_i",
        r"\frac{\partial y_i}{\partial a} &= a y_i \log x_i",
        "x positive",
    ),
    "an entropy": (
        r"h &= -p_i \log p_i \\ ",
        r"\frac{\partial h}{\partial p_j} &= -\log p_j - \mathbf{1}_j",
        r"\frac{\partial h}{\partial p_j} &= -\log p_j + \mathbf{1}_j",
        "p positive",
    ),
    "a logit": (
        r"z_i &= \log \left( \frac{p_i}{\mathbf{1}_i - p_i} \right) \\ ",
        r"\operatorname{sigmoid}(z_i) &= p_i",
        r"\operatorname{sigmoid}(z_i) &= \mathbf{1}_i - p_i",
        "p between 0 and 1",
    ),
    "a product under a root": (
        r"y_i &= \sqrt{a_i b_i} \\ ",
        r"\frac{\partial y_i}{\partial a_j} &= \frac{b_i}{2 y_i} \delta_{ij}",
        r"\frac{\partial y_i}{\partial a_j} &= \frac{a_i}{2 y_i} \delta_{ij}",
        "a and b where everything has a value",
    ),
    "a quadratic form under a root": (
        r"d &= \sqrt{x_i A_{ij} x_j} \\ ",
        r"\frac{\partial d}{\partial A_{pq}} &= \frac{x_p x_q}{2 d}",
        r"\frac{\partial d}{\partial A_{pq}} &= \frac{x_p x_q}{d}",
        "x and A where everything has a value",
    ),
    "a root of a derivative": (
        r"y &= a x^2 \\ u &= \sqrt{\frac{\partial y}{\partial x}} \\ ",
        r"u^2 &= 2 a x",
        r"u^2 &= 2 a x^2",
        "found by search",
    ),
    "a logarithm of a logarithm": (
        r"y_i &= \log(\log x_i) \\ ",
        r"\frac{\partial y_i}{\partial x_p} &= \frac{1}{x_i \log x_i} \delta_{ip}",
        r"\frac{\partial y_i}{\partial x_p} &= \frac{1}{x_i^2} \delta_{ip}",
        "x above 1",
    ),
    "half of a Gaussian": (
        r"n &= -\frac{(x - m)^2}{2 v} - \frac{1}{2} \log(2 \pi v) \\ ",
        r"\frac{\partial n}{\partial v} &= \frac{(x - m)^2}{2 v^2} - \frac{1}{2 v}",
        r"\frac{\partial n}{\partial v} &= \frac{(x - m)^2}{2 v^2} - \frac{1}{v}",
        "v positive",
    ),
}

DECLARED = {
    "an interval": (
        "% interval p = 0 1\n",
        r"\log(p_i (\mathbf{1}_i - p_i)) &= \log p_i + \log(\mathbf{1}_i - p_i)",
        r"\log(p_i (\mathbf{1}_i - p_i)) &= \log p_i - \log(\mathbf{1}_i - p_i)",
        "p from 0 to 1",
    ),
    "both halves of an interval": (
        "% interval x = -1, 1\n",
        r"\sin(\arcsin(x_i)) &= x_i",
        r"\operatorname{relu}(x_i) &= x_i",
        "x from -1 to 1",
    ),
    "small and positive": (
        "% small h\n% positive h\n",
        r"\sqrt{h^2} + x_i x_i &= h + x_i x_i",
        r"2 \sqrt{h^2} + x_i x_i &= h + x_i x_i",
        "h positive, small",
    ),
    "symmetric": (
        "% symmetric A\n" r"s &= x_i A_{ij} x_j \\ ",
        r"\frac{\partial s}{\partial x_k} &= 2 A_{kj} x_j",
        r"\frac{\partial s}{\partial x_k} &= A_{kj} x_j",
        "A symmetric",
    ),
    "a derivative by a symmetric matrix": (
        "% symmetric A\n" r"s &= x_i A_{ij} y_j \\ ",
        r"\frac{\partial s}{\partial A_{pq}} &= x_p y_q",
        r"\frac{\partial s}{\partial A_{pq}} &= \frac{1}{2} \left( x_p y_q + y_p x_q \right)",
        "A symmetric",
    ),
    "several symmetric matrices": (
        "% symmetric A\n" r"s_b &= x_i A_{bij} x_j \\ ",
        r"\frac{\partial s_b}{\partial x_k} &= 2 A_{bkj} x_j",
        r"\frac{\partial s_b}{\partial x_k} &= A_{bkj} x_j",
        "A symmetric",
    ),
    "positive definite": (
        "% positive definite A\n",
        r"\frac{\partial}{\partial x_k} \sqrt{x_i A_{ij} x_j} &= \frac{A_{kp} x_p}{\sqrt{x_i A_{ij} x_j}}",
        r"\frac{\partial}{\partial x_k} \sqrt{x_i A_{ij} x_j} &= \frac{2 A_{kp} x_p}{\sqrt{x_i A_{ij} x_j}}",
        "A positive definite",
    ),
    "the logarithm of a determinant": (
        "% positive definite A\n% let d = torch.logdet(A)\n% let B = torch.linalg.inv(A)\n",
        r"\frac{\partial d}{\partial A_{ij}} &= B_{ij}",
        r"\frac{\partial d}{\partial A_{ij}} &= 2 B_{ij}",
        "A positive definite",
    ),
    "sums to one": (
        "% sums to one y over k\n"
        r"e_b &= -\sum_k y_{bk} \left( z_{bk} - \mathbf{1}_k \log \left( \sum_j e^{z_{bj}} \right) \right) \\ ",
        r"\frac{\partial e_b}{\partial z_{ck}} &= \left( \frac{e^{z_{bk}}}{\sum_j e^{z_{bj}}} - y_{bk} \right) \delta_{bc}",
        r"\sum_{bk} y_{bk} &= 1",
        "y summing to one over index 2",
    ),
    "a distribution": (
        "% positive p\n% sums to one p\n",
        r"\sum_i p_i &= 1",
        r"\sum_i p_i^2 &= 1",
        "p positive, summing to one over index 1",
    ),
    "a column that sums to one": (
        "% sums to one \\mathbf{y}\n"
        r"\mathbf{p} &= \operatorname{softmax}(\mathbf{z}) \\ l &= -\mathbf{y}^\top \log(\mathbf{p}) \\ ",
        r"\frac{\partial l}{\partial \mathbf{z}} &= \mathbf{p} - \mathbf{y}",
        r"\mathbf{1}^\top \mathbf{z} &= 1",
        "y summing to one over index 1",
    ),
}

TRUE = {**{name: (*case, "") for name, case in MAGNITUDES.items()}, **DOMAINS, **DECLARED}


def holds_but_for_the_last(case: tuple[str, ...], seed: int) -> None:
    premises, claim, wrong, inputs = case
    *lines, last = verify(rf"{premises}{claim} \\ {wrong}", seed=seed).lines
    assert all(line.holds for line in lines), lines
    assert not last.holds
    assert inputs in lines[-1].checked, lines[-1].checked


LONG = ("attention, by its scores", "attention, by its queries", "eight layers of relu", "a smaller number")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in LONG else []) for name in TRUE]
)
def test_what_is_true_holds_without_a_hint_and_what_is_false_does_not(name: str) -> None:
    holds_but_for_the_last(TRUE[name], 0)


@pytest.mark.slow
@pytest.mark.parametrize("name", TRUE)
def test_so_it_is_at_any_seed(name: str) -> None:
    for seed in range(1, 20):
        holds_but_for_the_last((*TRUE[name][:3], ""), seed)


NARROWED = {
    "the root of a square": r"\sqrt{x_i^2} &= x_i",
    "the logarithm of a square": r"\log(x_i^2) &= 2 \log(x_i)",
    "of a scalar": r"\log(x^2) &= 2 \log(x)",
    "in a chain": r"\log(x) + \log(x) &= 2 \log(x) = \log(x^2)",
    "with a name": r"y_i &= \log(x_i^2) \\ y_i &= 2 \log(x_i)",
    "the logarithm of a product": r"\log(x_i) + \log(y_i) &= \log(x_i y_i)",
    "the root of a product": r"\sqrt{x y} &= \sqrt{x} \sqrt{y}",
    "the square of a root": r"\sqrt{x_i} \sqrt{x_i} &= \sqrt{x_i^2}",
    "a magnitude": r"e^{\log x} &= \operatorname{abs}(x)",
    "where both are negative": r"\frac{\sqrt{x y}}{x} &= \sqrt{\frac{y}{x}}",
    "where both are negative, with a name": r"z_i &= \sqrt{x_i y_i} \\ \frac{z_i}{x_i} &= \sqrt{\frac{y_i}{x_i}}",
    "on a half of the domain": r"y_i &= \sqrt{\mathbf{1}_i - x_i^2} \\ \sqrt{x_i^2} y_i &= x_i y_i",
    "on a half of an arc": r"y_i &= \sqrt{\mathbf{1}_i - x_i^2} \\ \arcsin(x_i) &= \arccos(y_i)",
    "beyond 0": r"y_i &= \log(\mathbf{1}_i - p_i) \\ y_i + \operatorname{relu}(p_i) &= y_i + p_i",
    "beyond -1": r"y_i &= \log(\mathbf{1}_i - x_i) \\ \sqrt{(\mathbf{1}_i + x_i)^2} y_i &= (\mathbf{1}_i + x_i) y_i",
    "no inputs at all": r"\sqrt{-x_i^2 - \mathbf{1}_i} &= \sqrt{-x_i^2 - \mathbf{1}_i}",
}

PIECES = {
    "of a root": r"\sqrt{(x_i - 2 \cdot \mathbf{1}_i)^2} + e^{40 x_i} &= 2 \cdot \mathbf{1}_i - x_i + e^{40 x_i}",
    "of a root far out": r"\sqrt{(x - 100)^2} &= 100 - x",
    "of a root of a name": r"u &= (x - 2)^4 \\ u^{\frac{1}{4}} + e^{40 x} &= 2 - x + e^{40 x}",
    "of a logarithm": r"\log((x - 2)^2) + e^{40 x} &= 2 \log(2 - x) + e^{40 x}",
    "of the logarithm of the other side": r"\log((2 - x)^2) + e^{40 x} &= 2 \log(2 - x) + e^{40 x}",
    "of a factor": r"\sqrt{(x - 3)^2 y^2} e^{40 x} &= \sqrt{y^2} (3 - x) e^{40 x}",
    "of a quotient": r"\frac{(x - 3)^2}{\sqrt{(x - 3) (x - 3)}} e^{40 x} &= (3 - x) e^{40 x}",
    "of an arc": r"\arcsin(\sin(x_i)) + e^{40 x_i} &= x_i + e^{40 x_i}",
    "of a unit": r"\operatorname{relu}(x_i - 2 \cdot \mathbf{1}_i) + e^{40 x_i} &= e^{40 x_i}",
}


@pytest.mark.parametrize("text", [*NARROWED.values(), *PIECES.values()], ids=[*NARROWED, *PIECES])
def test_inputs_are_not_chosen_where_the_sides_agree(text: str) -> None:
    derivation = verify(text)
    assert not derivation.lines[-1].holds, str(derivation)


def test_an_argument_that_must_be_positive_has_one_sign() -> None:
    derivation = verify(r"y_i &= \log(\mathbf{1}_i - x_i) \\ \log((\mathbf{1}_i - x_i)^2) &= 2 y_i")
    assert derivation, str(derivation)
    derivation = verify(r"y_i &= \log x_i \\ y_i + \operatorname{relu}(x_i) &= y_i + x_i")
    assert derivation, str(derivation)


HINTS = {
    r"\log(x_i^2) &= 2 \log(x_i)": "log(x_i) is not real for some inputs for which the other side is; '% positive x'",
    r"\sqrt{\lambda} \sqrt{\lambda} &= \sqrt{\lambda^2}": r"'% positive \lambda' says that an input is positive",
    r"y_i &= \sqrt{-x_i^2 - \mathbf{1}_i}": "(−x_i^2 − 1_i)^(1/2) is not real here",
}


@pytest.mark.parametrize(("text", "hint"), HINTS.items())
def test_a_hint_names_the_input(text: str, hint: str) -> None:
    line = verify(text).lines[-1]
    assert hint in " ".join((line.message, *line.details))


REFUSED = {
    "an interval upside down": ("% interval p = 1 0", "without two ends"),
    "an interval with one end": ("% interval p = 0", "without two ends"),
    "an interval without an equals sign": ("% interval p 0 1", "without two ends"),
    "an interval without an end": ("% interval p = 0 inf", "without two ends"),
    "a vector that is symmetric": ("% symmetric p", "p has no two indices at its end"),
    "too much at once": ("% interval p = 0 1\n% positive p", "p cannot be positive, from 0 to 1"),
    "a small distribution": ("% sums to one p\n% small p", "p cannot be small, summing to one over index 1"),
    "a sum over an index that is not there": ("% sums to one p over k", "k is not one axis of p"),
    "a sum over one of two indices": ("% sums to one q", "the index is not one axis of q"),
    "a sum over an index in two places": ("% sums to one q over i", "i is not one axis of q"),
    "a definition": ("% symmetric d", "d is said to be symmetric, but is no input"),
    "nothing": ("% positive definite", "'% positive definite' without a name"),
}


@pytest.mark.parametrize(("directive", "fault"), REFUSED.values(), ids=REFUSED.keys())
def test_directives_without_a_meaning_are_refused(directive: str, fault: str) -> None:
    with pytest.raises(NotationError) as caught:
        verify(directive + "\n" r"p_i p_i + q_{ij} q_{ji} &= q_{ij} q_{ji} + p_i p_i \\ d_{ij} &= p_i p_j")
    assert fault in caught.value.fault


def test_directives_are_arguments_too() -> None:
    assert verify(r"\log(p_i^2) &= 2 \log p_i", interval={"p": (0, 2)})
    assert verify(r"x_i A_{ij} y_j &= y_i A_{ij} x_j", symmetric="A")
    assert verify(r"\sum_i p_{ij} &= \mathbf{1}_j", sums_to_one={"p": "i"})
    assert verify(
        r"\frac{\partial}{\partial x_k} \sqrt{x_i A_{ij} x_j} &= \frac{A_{kp} x_p}{\sqrt{x_i A_{ij} x_j}}",
        positive_definite="A",
        small="x",
    )
    with pytest.raises(ArgumentError, match="interval is a sequence of two numbers"):
        verify(r"p_i p_i &= p_j p_j", interval={"p": 1})  # type: ignore[dict-item]


def is_symmetric(a: torch.Tensor) -> bool:
    return torch.allclose(a, a.mT, rtol=1e-4)


def is_definite(a: torch.Tensor) -> bool:
    return is_symmetric(a) and bool((torch.linalg.eigvalsh(a) > 0).all())


def is_one(sums: torch.Tensor) -> bool:
    return torch.allclose(sums, torch.ones_like(sums), rtol=1e-4)


PROPERTIES: dict[str, Callable[[torch.Tensor], object]] = {
    "% positive a": lambda a: (a > 0).all(),
    "% small a": lambda a: a.abs().max() < 0.06,
    "% interval a = 2 3": lambda a: ((a > 2) & (a < 3)).all(),
    "% symmetric a": lambda a: is_symmetric(a) and (a < 0).any() and (a > 0).any(),
    "% positive definite a": is_definite,
    "% symmetric a\n% interval a = -1 1": lambda a: is_symmetric(a) and (a.abs() < 1).all(),
    "% positive definite a\n% positive a": lambda a: is_definite(a) and (a > 0).all(),
    "% sums to one a over j": lambda a: is_one(a.sum(1)),
    "% sums to one a over i\n% positive a": lambda a: is_one(a.sum(0)) and (a > 0).all(),
}


@pytest.mark.parametrize("directive", PROPERTIES)
def test_every_instance_has_what_is_declared(directive: str) -> None:
    seen = []

    def look(a: torch.Tensor) -> torch.Tensor:
        seen.append(bool(PROPERTIES[directive](a.detach())))
        return a

    # Code is called with numbers that differ by a millionth too.
    assert verify(directive + "\n" r"b_{ij} c_{ij} &= a_{ij} c_{ij}", let={"b": look})
    assert seen
    assert all(seen)


SINGULAR_IF_WIDE = {
    "the inverse of a product": r"(\mathbf{X}^T \mathbf{X})^{-1} \mathbf{X}^T \mathbf{X} &= \mathbf{I}",
    "of three matrices": r"(\mathbf{Y}^T \mathbf{X}^T \mathbf{X} \mathbf{Y})^{-1} \mathbf{Y}^T \mathbf{X}^T \mathbf{X} \mathbf{Y} &= \mathbf{I}",
    "a logarithm": r"\frac{\partial}{\partial \mathbf{X}} \log \det(\mathbf{X}^T \mathbf{X}) &= 2 \mathbf{X} (\mathbf{X}^T \mathbf{X})^{-1}",
    "code": "S_{ij} &= x_{ni} x_{nj} \\\\\n% let P = torch.linalg.inv(S)\n"
    r"\frac{\partial P_{ij}}{\partial S_{pq}} &= -P_{ip} P_{qj}",
}


@pytest.mark.parametrize("row", SINGULAR_IF_WIDE.values(), ids=SINGULAR_IF_WIDE.keys())
def test_sizes_are_drawn_for_which_a_matrix_has_an_inverse(row: str) -> None:
    for seed in range(4):
        outcome = verify(row, seed=seed)
        assert outcome, str(outcome)


def test_a_matrix_that_is_singular_for_all_sizes_cannot_be_checked() -> None:
    line = verify(r"(\mathbf{x} \mathbf{x}^T)^{-1} &= 2 (\mathbf{x} \mathbf{x}^T)^{-1}").lines[0]
    assert line.message.startswith("false: cannot be checked")
    assert "singular" in line.details[0]
