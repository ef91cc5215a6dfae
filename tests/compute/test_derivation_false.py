"""False lines that an instance with lucky sizes, signs or magnitudes would let through."""
# ruff: noqa: E501 (a case is a line of the table)

import pytest

from einsum_doc import NotationError, verify

SIZES = {
    "the size is 2": r"\delta_{ii} &= 2",
    "a sum of ones": r"\mathbf{1}_i x_j \mathbf{1}_i &= 2 x_j",
    "two sizes are 2 and 3": r"\delta_{ii} + \delta_{jj} &= 5",
    "three sizes": r"\delta_{ii} + \delta_{jj} + \delta_{kk} &= 9",
    "three sizes multiplied": r"\delta_{ii} \delta_{jj} \delta_{kk} &= 24",
    "four sizes": r"\delta_{ii} + \delta_{jj} + \delta_{kk} + \delta_{ll} &= 14",
    "Cayley and Hamilton for two rows": r"x_{ij} x_{jk} - x_{ll} x_{ik} + \frac{1}{2} \left( x_{ll} x_{mm} - x_{lm} x_{ml} \right) \delta_{ik} &= 0",
}

SIGNS = {
    "a root of squares": r"\sqrt{a^2 b^2} &= a b",
    "two signs agree": r"\operatorname{sign}(a) &= \operatorname{sign}(b)",
    "two signs oppose": r"\operatorname{sign}(a) &= -\operatorname{sign}(b)",
    "two signs of three": r"\operatorname{sign}(a) \operatorname{sign}(b) &= \operatorname{sign}(c)",
    "one is negative": r"\operatorname{relu}(a) \operatorname{relu}(-b) &= 0",
    "both are positive": r"\operatorname{relu}(a) \operatorname{relu}(b) &= 0",
    "the triangle": r"\operatorname{abs}(x + y) &= \operatorname{abs}(x) + \operatorname{abs}(y)",
    "the triangle of differences": r"\operatorname{abs}(x - y) &= \operatorname{abs}(x) + \operatorname{abs}(y)",
    "of components": r"\sqrt{a_0^2 b_0^2} &= a_0 b_0",
    "logarithms of squares": r"\frac{1}{2} \log(a^2) - \log(\operatorname{abs}(b)) &= \log(\frac{a}{b})",
}

RANGES = {
    "the sine back": r"\arcsin(\sin(x_i)) &= x_i",
    "the sine of a scalar back": r"\arcsin(\sin(x)) &= x",
    "the tangent back": r"\arctan(\tan(x_i)) &= x_i",
    "the cosine back": r"\arccos(\cos(x_i)) &= \operatorname{abs}(x_i)",
    "a root beyond 2": r"\sqrt{(x_i - 2 \cdot \mathbf{1}_i)^2} &= 2 \cdot \mathbf{1}_i - x_i",
    "below 2": r"\operatorname{relu}(2 - x) &= 2 - x",
    "above -2": r"\operatorname{abs}(2 + x) &= 2 + x",
    "away from 0": r"\operatorname{relu}(\operatorname{abs}(x) - 0.5) &= \operatorname{abs}(x) - 0.5",
    "positive and below 2": "% positive x\n" r"\operatorname{relu}(2 - x) &= 2 - x",
}


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("text", [*SIZES.values(), *SIGNS.values(), *RANGES.values()], ids=[*SIZES, *SIGNS, *RANGES])
def test_luck_does_not_make_a_false_line_hold(text: str, seed: int) -> None:
    derivation = verify(text, seed=seed)
    assert not derivation, str(derivation)


def test_the_size_of_an_index_is_another_in_other_instances() -> None:
    for text in (r"x_i y_i &= y_i x_i", r"x_{ij} &= (x^T)_{ji}", r"x_{ij} y_{jk} z_{kl} &= z_{kl} y_{jk} x_{ij}"):
        instances = verify(text).lines[0].checked.split("; ")[1:-2]
        sizes = [dict(part.split("=") for part in instance.split(", ")) for instance in instances]
        for index in sizes[0]:
            assert len({each[index] for each in sizes}) > 1
        assert all(len(set(each.values())) == len(each) for each in sizes)


SOFTMAX = r"p_i &= \frac{e^{x_i}}{\mathbf{1}_j e^{x_j}} \\ "
GRADIENTS = {
    "a sum that is 1": SOFTMAX
    + r"s &= \mathbf{1}_i p_i \\ \frac{\partial l}{\partial x_i} &= 2 p_i \left( \frac{\partial l}{\partial p_i} - \mathbf{1}_i p_j \frac{\partial l}{\partial p_j} \right)",
    "a sign": r"y_i &= x_i^2 \\ m_i &= \operatorname{sign}(y_i) \\ \frac{\partial l}{\partial x_i} &= 7 \frac{\partial l}{\partial y_i}",
    "a Jacobian": r"y_i &= 2 x_i \\ m_{ij} &= \frac{\partial y_i}{\partial x_j} \\ \frac{\partial l}{\partial x_i} &= 7 \frac{\partial l}{\partial y_i}",
    "nothing but zero": SOFTMAX + r"s &= \mathbf{1}_i p_i \\ \frac{\partial l}{\partial x_i} &= 0",
    "two names for zero": r"m_i &= \operatorname{sign}(x_i) \\ \frac{\partial l}{\partial x_i} &= 2 \frac{\partial l}{\partial x_i}",
}


@pytest.mark.parametrize("text", GRADIENTS.values(), ids=GRADIENTS.keys())
def test_a_helper_does_not_hide_a_gradient(text: str) -> None:
    derivation = verify(text)
    assert not derivation, str(derivation)


GRADIENTS_THAT_HOLD = {
    "beside a sum that is 1": SOFTMAX
    + r"s &= \mathbf{1}_i p_i \\ \frac{\partial l}{\partial x_i} &= p_i \left( \frac{\partial l}{\partial p_i} - \mathbf{1}_i p_j \frac{\partial l}{\partial p_j} \right)",
    "by a Jacobian with a name": r"y_i &= x_i^2 \\ m_{ij} &= \frac{\partial y_i}{\partial x_j} \\ \frac{\partial l}{\partial x_j} &= \frac{\partial l}{\partial y_i} m_{ij}",
    "that cancel": r"d_i &= x_i - \frac{1}{I} \mathbf{1}_i \mathbf{1}_j x_j \\ \mathbf{1}_i \frac{\partial l}{\partial x_i} &= 0",
    "of inputs": r"\frac{\partial x_i}{\partial y_j} &= 0",
}


@pytest.mark.parametrize("text", GRADIENTS_THAT_HOLD.values(), ids=GRADIENTS_THAT_HOLD.keys())
def test_what_is_true_beside_a_helper_holds(text: str) -> None:
    derivation = verify(text)
    assert derivation, str(derivation)


@pytest.mark.parametrize(
    "text",
    [
        r"y_{bi} &= 2 x_{bi} \\ \frac{\partial l_b}{\partial x_{bi}} &= 7 \frac{\partial l_b}{\partial y_{bi}}",
        r"y_i &= x_i \\ z_i &= l y_i \\ \frac{\partial l}{\partial x_i} &= 7 \frac{\partial l}{\partial y_i}",
    ],
)
def test_an_input_is_not_differentiated_by_what_is_computed(text: str) -> None:
    with pytest.raises(NotationError, match="l is an input"):
        verify(text)


@pytest.mark.parametrize(
    "text",
    [
        r"y_{j} &= 1_j \\ 2 y_j &= \frac{\partial}{\partial x_j} \left( x_i x_i \right)^2",
        r"y &= 1 000 x",
        r"y &= 2 3 x",
        r"\sum_a " * 3000 + "x_a &= 1",
        "s &= " + r"\partial " * 3000,
        "% let y = exit()\n2 y_i &= y_i + y_i",
    ],
)
def test_what_is_refused_is_a_notation_error(text: str) -> None:
    with pytest.raises(NotationError):
        verify(text)
