"""A reason may name each rule of calculus that takes part in its step, and no other."""

from __future__ import annotations

import pytest

from einsum_doc import prove
from einsum_doc.notation.step import RULES, unfounded

BY_X = r"\\ \frac{\partial y_i}{\partial x_p} &= "
NAMES = {"chain rule", "product rule", "power rule", "quotient rule", "derivative of a function"}
"""What a reason may call a rule of calculus."""

CASES = {
    "a linear function": (r"y_i &= w_{ij} x_j" + BY_X + "w_{ip}", set()),
    "an arbitrary function": (
        r"y_i &= \operatorname{f}(x_i)" + BY_X + r"\operatorname{f}'(x_i) \delta_{ip}",
        {"chain rule", "derivative of a function"},
    ),
    "an exponential": (
        r"y_i &= e^{2 x_i}" + BY_X + r"2 y_i \delta_{ip}",
        {"chain rule", "derivative of a function"},
    ),
    "a logarithm of a sum": (
        r"y_i &= \log(x_i + a)" + BY_X + r"\frac{\delta_{ip}}{x_i + a}",
        {"chain rule", "derivative of a function"},
    ),
    "a square": (r"y_i &= x_i^2" + BY_X + r"2 x_i \delta_{ip}", {"power rule", "product rule", "chain rule"}),
    "a tensor times itself": (
        r"y_i &= x_i x_i" + BY_X + r"2 x_i \delta_{ip}",
        {"power rule", "product rule", "chain rule"},
    ),
    "a square of a sum": (
        r"y_i &= (x_i + a)^2" + BY_X + r"2 (x_i + a) \delta_{ip}",
        {"power rule", "product rule", "chain rule"},
    ),
    "a root": (r"y_i &= \sqrt{x_i}" + BY_X + r"\frac{\delta_{ip}}{2 y_i}", {"power rule", "chain rule"}),
    "a power, which is an exponential of a logarithm": (
        "% positive x\n" + r"y_i &= x_i^n" + BY_X + r"n x_i^{n-1} \delta_{ip}",
        {"power rule", "chain rule", "derivative of a function"},
    ),
    "a reciprocal": (
        r"y_i &= \frac{1}{x_i}" + BY_X + r"-\frac{\delta_{ip}}{x_i^2}",
        {"quotient rule", "power rule", "chain rule"},
    ),
    "a quotient": (
        r"y_i &= \frac{x_i}{x_i + a}" + BY_X + r"\frac{a \delta_{ip}}{(x_i + a)^2}",
        {"quotient rule", "product rule", "power rule", "chain rule"},
    ),
    "a quotient by a constant": (r"y_i &= \frac{x_i}{a}" + BY_X + r"\frac{\delta_{ip}}{a}", set()),
    "a product": (r"y_i &= x_i w_{ij} x_j" + BY_X + r"\delta_{ip} w_{ij} x_j + x_i w_{ip}", {"product rule"}),
    "a product of functions": (
        r"y_i &= \sin(x_i) e^{x_i}" + BY_X + r"(\cos(x_i) + \sin(x_i)) e^{x_i} \delta_{ip}",
        {"product rule", "chain rule", "derivative of a function"},
    ),
    "a derivative through another tensor": (
        r"u_i &= w_{ij} x_j \\ y_i &= a_{ij} u_j" + BY_X + r"a_{ij} \frac{\partial u_j}{\partial x_p}",
        {"chain rule"},
    ),
    "the loss": (
        r"y_i &= w_{ij} x_j \\ \frac{\partial l}{\partial x_p} &= \frac{\partial l}{\partial y_i} w_{ip}",
        {"chain rule"},
    ),
    "a derivative put into the chain rule": (
        r"y_i &= w_{ij} x_j \\ \frac{\partial l}{\partial y_i} \frac{\partial y_i}{\partial x_p} &="
        r" \frac{\partial l}{\partial y_i} w_{ip}",
        set(),
    ),
    "a derivative of a tensor that others are computed from": (
        r"y_i &= w_{ij} x_j \\ z_i &= y_i^2 \\ \frac{\partial l}{\partial y_i} \frac{\partial y_i}{\partial x_p} &="
        r" \frac{\partial l}{\partial y_i} w_{ip}",
        set(),
    ),
    "a derivative that is written, and not taken": (
        r"\frac{\partial}{\partial x_p} (\operatorname{f}(x_i) b_i) &= b_i \frac{\partial}{\partial x_p}"
        r" \operatorname{f}(x_i)",
        set(),
    ),
    "a derivative of a derivative": (
        r"s &= x_i x_i \\ \frac{\partial^2 s}{\partial x_p \partial x_q} &= 2 \delta_{pq}",
        {"power rule", "product rule", "chain rule"},
    ),
    "an inverse": (
        "% let y = torch.linalg.inv(x)\n" + r"\frac{\partial y_{ij}}{\partial x_{pq}} &= -y_{ip} y_{qj}",
        {"chain rule", "derivative of a function"},
    ),
    "no derivative": (r"(x_i + a) \delta_{ij} b_j &= x_i b_i + a \mathbf{1}_i b_i", set()),
}


@pytest.mark.parametrize(("text", "names"), CASES.values(), ids=CASES)
def test_a_reason_may_name_the_rules_that_take_part(text: str, names: set[str]) -> None:
    line = prove(text).lines[-1]
    assert line.verdict == "proved"
    assert {name for name in NAMES if not unfounded(f"By the {name}.", line.step)} == names, line.step


def test_a_reason_may_say_more_than_one_rule() -> None:
    assert not unfounded("Put in the definition, by the product rule.", "definition of y put in")
    assert unfounded("Multiply out, by the product rule.", "definition of y put in") == "product rule"


def test_each_rule_is_told_from_the_others_by_its_words() -> None:
    words = [rule.words for rule in RULES.values()]
    assert [[other for other in words if word in other] for word in words] == [[word] for word in words]
