"""Derivations whose letters a reader takes for something else than the checker: refused, with what is missing."""
# ruff: noqa: E501 (a case is a line of the table)

import pytest

from einsum_doc import NotationError, verify

LAYER = r"z_i &= W_{ij} x_j \\ y_i &= \operatorname{f}(z_i) \\ "

VANISHING = {
    "a misspelt tensor": (
        LAYER + r"\frac{\partial y_i}{\partial V_{pq}} &= 5 \operatorname{f}'(z_i) \frac{\partial z_i}{\partial V_{pq}}",
        "there is no V above: is W meant?",
    ),
    "nothing defined": (
        r"\frac{\partial y_i}{\partial w_k} &= 7 \frac{\partial y_i}{\partial z_j} \frac{\partial z_j}{\partial w_k}",
        "y is an input here: it has no definition above",
    ),
    "a definition that comes later": (
        r"g_{ip} &= \frac{\partial y_i}{\partial x_p} \\ y_i &= x_i^2",
        "y is an input here: it has no definition above",
    ),
    "a tensor that is not in the other": (
        r"y_i &= x_i^2 \\ u_i &= 2 c_i \\ \frac{\partial y_i}{\partial c_p} &= 3 \frac{\partial x_i}{\partial c_p}",
        "y_i does not depend on c: is x meant?",
    ),
    "a bracket": (
        r"\frac{\partial}{\partial V_{pq}} \left( W_{ij} x_j \right) &= 3 \frac{\partial W_{ij}}{\partial V_{pq}} x_j",
        "there is no V above: is W meant?",
    ),
    "every term": (
        r"a_i &= x_i^2 \\ b_i &= 2 x_i \\ \frac{\partial}{\partial c_p} (a_i + b_i) &= \frac{\partial a_i}{\partial c_p} - 2 \frac{\partial b_i}{\partial c_p}",
        "there is no c above: is x or a or b meant?",
    ),
    "a second derivative": (
        r"y_i &= x_i^2 \\ \frac{\partial^2 y_i}{\partial x_p \partial c_q} &= -\frac{1}{2} \left( \frac{\partial y_i}{\partial c_q} \right)^2 \mathbf{1}_p",
        "as ∂y_i/∂c_q vanishes: there is no c above: is x meant?",
    ),
    "a relation further on in a chain": (
        LAYER + r"s_i &= y_i + z_i \\ \frac{\partial s_i}{\partial V_{pq}} &= \frac{\partial y_i}{\partial V_{pq}} = 2 \frac{\partial z_i}{\partial V_{pq}}",
        "as ∂s_i/∂V_{pq} vanishes",
    ),
    "constants": (
        r"\frac{\partial \delta_{ij}}{\partial x_p} &= 2 \frac{\partial \mathbf{1}_{ij}}{\partial x_p}",
        "there is no x above",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "fault"), VANISHING.values(), ids=VANISHING.keys())
def test_derivatives_of_what_does_not_depend_on_what_is_below_say_nothing(text: str, fault: str) -> None:
    with pytest.raises(NotationError) as caught:
        verify(text)
    assert caught.value.fault.startswith("0 = 0, as ∂")
    assert fault in caught.value.fault
    assert caught.value.expected.endswith("; or 0 as a side")


SMALL_BUT_SAID = {
    "a side that is 0": LAYER + r"\frac{\partial y_i}{\partial V_{pq}} &= 0",
    "0 at the end of a chain": LAYER + r"\frac{\partial y_i}{\partial V_{pq}} &= 5 \frac{\partial z_i}{\partial V_{pq}} = 0",
    "a factor 0": r"y_i &= 2 x_i \\ \frac{\partial y_i}{\partial c_p} &= 0 \mathbf{1}_i \mathbf{1}_p",
    "one term of a bracket": r"a_i &= x_i^2 \\ \frac{\partial (a_i + b_i)}{\partial x_p} &= \frac{\partial a_i}{\partial x_p} + \frac{\partial b_i}{\partial x_p}",
    "one factor of a product": r"u_i &= x_i^2 \\ \frac{\partial}{\partial x_p} (u_i b_i) &= \frac{\partial u_i}{\partial x_p} b_i + u_i \frac{\partial b_i}{\partial x_p}",
    "a second derivative of what is linear": r"y_i &= 3 x_i \\ \frac{\partial^2 y_i}{\partial x_p \partial x_q} &= 2 \frac{\partial}{\partial x_q} \frac{\partial y_i}{\partial x_p}",
    "terms that cancel": r"y_i &= x_i - x_i \\ \frac{\partial y_i}{\partial x_p} &= 2 \frac{\partial y_i}{\partial x_p}",
    "a softmax's sum": r"p_i &= \frac{e^{x_i}}{\mathbf{1}_j e^{x_j}} \\ \sum_i \frac{\partial p_i}{\partial x_p} &= 2 \sum_i \frac{\partial p_i}{\partial x_p}",
    "through code": "% let y = torch.linalg.inv(x)\n" r"z_{ij} &= 2 y_{ij} \\ \frac{\partial z_{ij}}{\partial x_{pq}} &= 2 \frac{\partial y_{ij}}{\partial x_{pq}}",
}  # fmt: skip


@pytest.mark.parametrize("text", SMALL_BUT_SAID.values(), ids=SMALL_BUT_SAID.keys())
def test_a_derivative_that_vanishes_otherwise_is_no_fault(text: str) -> None:
    derivation = verify(text)
    assert derivation, str(derivation)


BOLD = {
    "a product that commutes": (r"\mathbf{A} \mathbf{B} &= \mathbf{B} \mathbf{A}", r"\mathbf{A}_{ij}"),
    "under an accent": (r"y &= 2 \hat{\mathbf{x}}^2", r"\hat{\mathbf{x}}_{ij}"),
    "by another command": (r"y &= \bm x \cdot x", r"\boldsymbol{x}_{ij}"),
    "with an arrow": (r"\frac{\partial l}{\partial \vec w} &= 2", r"\vec{w}_{ij}"),
    "on the left": (r"\boldsymbol{\mu} &= \frac{1}{I} \sum_i x_i", r"\boldsymbol{\mu}_{ij}"),
}


@pytest.mark.parametrize(("text", "component"), BOLD.values(), ids=BOLD.keys())
def test_a_bold_name_without_indices_is_no_scalar(text: str, component: str) -> None:
    with pytest.raises(NotationError, match="is bold and has no indices, so it is no scalar") as caught:
        verify(text)
    assert caught.value.expected.startswith(f"a component, {component}, or ")


def test_a_bold_name_with_indices_is_a_tensor() -> None:
    assert verify(r"\mathbf{A}_{ij} \vec{b}_j &= [\vec{b}]_j (\mathbf{A}^T)_{ji} \mathbf{1}_k \delta_{k0}")
