"""A false line and the slip of the pen in it: the message names it, if it explains the line in every instance."""
# ruff: noqa: E501 (a case is a line of the table)

import pytest

from einsum_doc import NotationError, verify

PRODUCT = r"z_{ik} &= x_{ij} y_{jk} \\ "
SOFTMAX = r"p_i &= \frac{e^{x_i}}{\sum_j e^{x_j}} \\ "

SLIPS = {
    "sign": (r"y_i &= e^{-x_i} \\ \frac{\partial y_i}{\partial x_p} &= e^{-x_i} \delta_{ip}", "right = −left everywhere"),
    "sign of a term": (
        r"p &= \operatorname{sigmoid}(x) \\ \frac{\partial p}{\partial x} &= p \left( 1 + p \right)",
        "equal if the sign of p is changed",
    ),
    "sign of an argument": (
        r"\frac{\partial}{\partial x_p} \log(1 + e^{x_p}) &= \mathbf{1}_p - \operatorname{sigmoid}(x_p)",
        "equal if sigmoid(x_p) is replaced by sigmoid(−x_p)",
    ),
    "factor": (r"y &= x_i x_i \\ \frac{\partial y}{\partial x_p} &= x_p", "right = 1/2 · left everywhere"),
    "factor of a term": (
        r"y &= x_i x_i + c_i x_i \\ \frac{\partial y}{\partial x_p} &= x_p + c_p",
        "equal if the term x_p is multiplied by 2",
    ),
    "a factor too many": (
        PRODUCT + r"\frac{\partial l}{\partial y_{pk}} &= w x_{ip} \frac{\partial l}{\partial z_{ik}}",
        "equal if the factor w is left out",
    ),
    "a factor too few": (
        r"y_{bi} &= \frac{1}{p} m_{bi} x_{bi} \\ \frac{\partial l}{\partial x_{bi}} &= m_{bi} \frac{\partial l}{\partial y_{bi}}",
        "equal if the right side is divided by p",
    ),
    "a number of values": (
        r"m &= \frac{1}{I} \sum_i x_i \\ \frac{\partial m}{\partial x_i} &= \mathbf{1}_i",
        "right = I · left everywhere, with I the number of values of i",
    ),
    "a root of a number of values": (
        r"s_{ij} &= \frac{1}{\sqrt{D}} q_{id} k_{jd} \\ s_{ij} &= q_{id} k_{jd}",
        "right = √D · left everywhere, with D the number of values of d",
    ),
    "power": (
        r"n &= \sqrt{x_i x_i} \\ \frac{\partial}{\partial x_p} \frac{1}{n} &= -\frac{x_p}{n^2}",
        "equal if n^2 is replaced by n^3",
    ),
    "power of a factor": (
        r"y_i &= x_i^3 \\ \frac{\partial y_i}{\partial x_p} &= 3 x_i \delta_{ip}",
        "equal if x_i is squared",
    ),
    "power of a side": (r"n &= \sqrt{x_i x_i} \\ n &= x_i x_i", "right = left^2 everywhere"),
    "dropped term": (
        r"y &= a x_i x_i + b_i x_i \\ \frac{\partial y}{\partial x_p} &= 2 a x_p",
        "equal if b_p is added",
    ),
    "dropped term of the step before": (
        r"(a_i + b_i) c_i d_j &= a_i c_i d_j + b_i c_i d_j \\ &= a_i c_i d_j",
        "equal if b_i c_i d_j is added",
    ),
    "dropped path": (
        r"y_i &= 2 x_i \\ z_i &= x_i^2 \\ \frac{\partial l}{\partial x_p} &= 2 \frac{\partial l}{\partial y_p}",
        "equal if the path through z is added",
    ),
    "dropped number": (r"y &= p \log p \\ \frac{\partial y}{\partial p} &= \log p".replace("y &=", "% positive p\ny &="), "right = left − 1 everywhere"),
    "a term too many": (
        r"y &= x_i x_i \\ \frac{\partial y}{\partial x_p} &= 2 x_p + \mathbf{1}_p",
        "equal if the term 1_p is left out",
    ),
    "transposed index": (
        PRODUCT + r"\frac{\partial z_{ik}}{\partial x_{pq}} &= \delta_{ip} y_{kq}",
        "equal up to exchanging k and q",
    ),
    "transposed tensor": (
        PRODUCT + r"\frac{\partial l}{\partial x_{pq}} &= \frac{\partial l}{\partial z_{pk}} y_{kq}",
        "equal if y_{kq} is replaced by y_{qk}",
    ),
    "missing delta": (
        r"y_i &= x_i^2 \\ \frac{\partial y_i}{\partial x_p} &= 2 x_i \mathbf{1}_p",
        "equal if 1_p is replaced by δ_{pi}",
    ),
    "missing delta of a constant index": (
        "% fixed T\n" + SOFTMAX + r"l &= -\log p_T \\ \frac{\partial l}{\partial x_k} &= p_k - \mathbf{1}_k",
        "equal if 1_k is replaced by δ_{kT}",
    ),
    "a term with a delta": (
        r"m_{ij} &= x_i x_j + 2 \delta_{ij} e^{v_i} \\ m_{ij} &= x_i x_j",
        "differs only where i = j",
    ),
    "all but the diagonal": (
        r"m_{ij} &= x_i x_j + \left( \mathbf{1}_{ij} - \delta_{ij} \right) e^{v_i} \\ m_{ij} &= x_i x_j",
        "differs only where i ≠ j",
    ),
    "missing one-tensor": (
        r"y_i &= x_i - \frac{1}{I} \mathbf{1}_i \sum_j x_j \\ \frac{\partial y_i}{\partial x_p} &= \delta_{ip} - \mathbf{1}_i \mathbf{1}_p",
        "equal if the term −1_i 1_p is multiplied by 1/I",
    ),
    "wrong operand": (
        PRODUCT + r"\frac{\partial l}{\partial y_{pq}} &= y_{ip} \frac{\partial l}{\partial z_{iq}}",
        "equal if y_{ip} is replaced by x_{ip}",
    ),
    "wrong operand, twice": (r"y &= x_i x_i \\ s_i &= 2 x_i \\ 4 y &= s_j s_j y / (x_i x_i) \\ y &= s_i s_i", "right = 4 · left everywhere"),
    "missing sum": (SOFTMAX + r"p_i &= \frac{e^{x_i}}{e^{x_i}}", "equal if exp(x_i) is summed over i"),
    "wrong row used": (
        PRODUCT + r"\frac{\partial z_{ik}}{\partial x_{pq}} &= \delta_{ip} y_{qk} \\ \frac{\partial z_{ik}}{\partial y_{pq}} &= \delta_{ip} y_{qk}",
        "the right side is ∂z_{ik}/∂x_{pq}",
    ),
    "a side that is 0": (
        "% positive p, q\n"
        r"d_x &= \frac{p_x}{p_x + q_x} \\ \frac{p_x}{d_x} + \frac{q_x}{\mathbf{1}_x - d_x} &= 0",
        "equal if the sign of p_x/d_x is changed",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "slip"), SLIPS.values(), ids=SLIPS.keys())
def test_the_slip_in_a_false_line_is_named(text: str, slip: str) -> None:
    (line,) = (line for line in verify(text).lines if not line.holds)
    assert line.details[0] == slip, str(line)
    assert line.details[1].startswith(("at ", "left "))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"x_{bi} w_{oi} + c_o &= y_{bo}", r"a factor \mathbf{1}_{b}, the one-tensor"),
        (r"y_{bo} &= x_{bi} w_{oi} \\ \frac{\partial l}{\partial c_o} &= \frac{\partial l}{\partial y_{bo}}", r"\sum_{b}"),
    ],
)  # fmt: skip
def test_a_missing_one_tensor_or_sum_is_named_where_the_text_is_refused(text: str, expected: str) -> None:
    with pytest.raises(NotationError) as caught:
        verify(text)
    assert expected in caught.value.expected


UNEXPLAINED = {
    "no slip at all": r"y &= x^2 \\ y &= \sin(x)",
    "equal for one size only": r"\delta_{ii} x_j + y_j &= 2 x_j + y_j^3",
    "a sign that explains one instance": r"\operatorname{abs}(x) + y &= x + y",
    "equal for one sign only": r"\operatorname{abs}(x_i) \operatorname{abs}(y_i) &= x_i \operatorname{abs}(y_i)",
}


@pytest.mark.parametrize("text", UNEXPLAINED.values(), ids=UNEXPLAINED.keys())
def test_a_slip_that_does_not_explain_every_instance_is_not_named(text: str) -> None:
    (line,) = (line for line in verify(text).lines if not line.holds)
    assert line.details[0].startswith(("at ", "left ")), line.details


def test_the_step_after_a_false_one_is_not_explained() -> None:
    second, third = verify(r"y_i &= x_i w_i \\ &= 2 x_i w_i \\ &= 3 x_i w_i").lines[1:]
    assert second.details[0] == "right = 2 · left everywhere"
    assert third.details[0].startswith("at i=")


NOT_DEFINED = {
    "used above": (
        r"y_i a_i &= a_i y_i \\ y_i &= 2 x_i",
        "y is an input here, as a row above uses it: a definition stands before the first use",
    ),
    "an input in the chain rule": (
        r"y_i &= x_i^2 \\ \frac{\partial y_i}{\partial x_k} &= x_i \delta_{ik} + \frac{\partial y_i}{\partial x_j} \frac{\partial z_j}{\partial x_k}",
        "∂z_j/∂x_k is 0: z has no definition above",
    ),
    "of another": (
        r"y_i &= x_i^2 \\ z_i &= 2 w_i \\ \frac{\partial y_i}{\partial x_k} &= x_i \delta_{ik} + y_i \frac{\partial z_i}{\partial x_k}",
        "∂z_i/∂x_k is 0: z does not depend on x",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "said"), NOT_DEFINED.values(), ids=NOT_DEFINED.keys())
def test_a_missing_definition_is_named(text: str, said: str) -> None:
    (line,) = (line for line in verify(text).lines if not line.holds)
    assert said in line.details
