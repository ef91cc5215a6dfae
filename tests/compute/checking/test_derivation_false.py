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

KINKS = {
    "a bounded unit": r"\operatorname{relu}(x_i) - \operatorname{relu}(x_i - 6 \mathbf{1}_i) &= \operatorname{relu}(x_i)",
    "its derivative": r"y_i &= \operatorname{relu}(x_i) - \operatorname{relu}(x_i - 6 \mathbf{1}_i) \\ \frac{\partial y_i}{\partial x_p} &= \operatorname{relu}'(x_i) \delta_{ip}",
    "beyond a hundred": r"\operatorname{relu}(x - 100) &= 0",
    "below minus a thousand": r"\operatorname{abs}(x_i + 1000) &= x_i + 1000",
    "in a definition": r"z_i &= x_i - 6 \mathbf{1}_i \\ y_i &= \operatorname{relu}(z_i) \\ \frac{\partial y_i}{\partial x_p} &= 0 \mathbf{1}_i \mathbf{1}_p",
    "beside an exponential": r"\operatorname{sign}(e^x - 100) &= -1",
    "a root of a square": r"\sqrt{(x_i - 6 \mathbf{1}_i)^2} &= 6 \mathbf{1}_i - x_i",
    "a power of a root": r"((x - 9)^4)^{\frac{1}{4}} &= 9 - x",
    "out of reach": r"\operatorname{abs}(x - 1000000) &= 1000000 - x",
    "out of the reach of a limit": r"\operatorname{relu}(x_i - 9 \mathbf{1}_i) \tanh(x_i)^2 &= 0 \mathbf{1}_i",
}

DOTS = {
    "a root of squares": r"\sqrt{x_{a \dots b}^2 y_{a \dots b}^2} &= x_{a \dots b} y_{a \dots b}",
    "a scalar's sign": r"\operatorname{abs}(c) x_{a \dots b} &= c x_{a \dots b}",
    "the sign of another": r"c \operatorname{abs}(g) x_{a \dots b} &= \operatorname{abs}(c) g x_{a \dots b}",
    "two signs of three": r"\operatorname{sign}(a) \operatorname{sign}(b) x_{p \dots q} &= \operatorname{sign}(c) x_{p \dots q}",
    "the triangle": r"\operatorname{abs}(c + d) x_{a \dots b} &= \left( \operatorname{abs}(c) + \operatorname{abs}(d) \right) x_{a \dots b}",
}

SMALL = {
    "a derivative near its limit": r"\tanh'(50 x) &= 0",
    "a derivative at its limit": r"\tanh'(5000 x_i) &= 0",
    "a second derivative at its limit": r"\operatorname{sigmoid}''(x_i + 100) &= 0",
    "the arc tangent at its limit": r"\arctan(10^9 x_i) &= \frac{\pi}{2} \operatorname{sign}(x_i)",
    "a hyperbolic function far out": r"\operatorname{arsinh}(10^8 x_i) &= \operatorname{sign}(x_i) \log(2 \cdot 10^8 \operatorname{abs}(x_i))",
    "the hyperbolic cosine far out": r"\cosh(20 x_i) &= \frac{1}{2} e^{20 \operatorname{abs}(x_i)}",
    "the sine near 0": r"\sin(x_i / 10^7) &= x_i / 10^7",
    "the cosine near 0": r"\cos(x_i / 10^7) &= \mathbf{1}_i",
    "the hyperbolic sine near 0": r"\sinh(x_i / 10^7) &= \tan(x_i / 10^7)",
    "the cotangent near 0": r"\cot(x_i / 10^7) &= 10^7 / x_i",
    "an exponential near 0": r"e^{x_i / 10^{13}} &= \mathbf{1}_i",
    "an exponential of next to nothing": r"\exp(-e^{-50 x_i^2}) &= \mathbf{1}_i",
    "an arbitrary function near 0": r"\operatorname{f}(x_i / 10^{14}) &= \operatorname{f}(-x_i / 10^{14})",
    "an exponent near 0": r"\left( x_i^2 \right)^{1 / 10^{14}} &= \mathbf{1}_i",
    "a power of next to nothing": r"(x_i^2)^{e^{-50 x_i^2}} &= \mathbf{1}_i",
    "a square that is not seen": r"(\mathbf{1}_i + 10^{-6} x_i)^2 &= \mathbf{1}_i + 2 \cdot 10^{-6} x_i",
    "one component in a sum": r"p_i &= \frac{e^{80 x_i}}{\mathbf{1}_j e^{80 x_j}} \\ p_i p_i &= 1",
    "numbers that nearly cancel": r"1.00001^2 \cdot 0.99998 x_i &= x_i",
    "one power in a sum": r"(x_i^{90} \mathbf{1}_i)^2 &= x_i^{90} x_i^{90}",
}

CONSTANTS = {
    "a number that is set to 0": "% stationary\n" r"s &= 3 x \\ \frac{ds}{dx} &= 3 = 0",
    "it is 0": "% fixed T\n" r"x_T &= x_0",
    "it is 1": "% fixed T\n" r"x_T &= x_1",
    "it is not 0": "% fixed T\n" r"\delta_{0T} &= 0",
    "it is not 1": "% fixed T\n" r"\delta_{1T} &= 0",
    "it is not 3": "% fixed T\n" r"\delta_{3T} &= 0",
    "it is 0 or 1": "% fixed T\n" r"x_T \left( \delta_{0T} + \delta_{1T} \right) &= x_T",
    "two are equal": "% fixed S T\n" r"x_{ST} &= x_{TS}",
    "two differ": "% fixed S T\n" r"\delta_{iS} \delta_{iT} &= 0",
    "the first and third differ": "% fixed S T U\n" r"\delta_{SU} &= 0",
}

MANY = {
    "two indices of one tensor": r"z_{abcghj} &= x_{abcdef} y_{defghj} \\ \frac{\partial z_{abcghj}}{\partial x_{a'b'c'd'e'f'}} &= \delta_{aa'} \delta_{bb'} \delta_{cc'} y_{e'd'f'ghj}",
    "two indices of a gradient": r"z_{abcghj} &= x_{abcdef} y_{defghj} \\ \frac{\partial z_{abcghj}}{\partial x_{a'b'c'd'e'f'}} &= \delta_{ab'} \delta_{ba'} \delta_{cc'} y_{d'e'f'ghj}",
    "a delta": r"z_{bhqk} &= x_{bhqd} y_{bhkd} \\ \frac{\partial}{\partial y_{b'h'k'd'}} \frac{\partial z_{bhqk}}{\partial x_{b''h''q''d''}} &= \delta_{bb'} \delta_{bb''} \delta_{hh'} \mathbf{1}_{h''} \delta_{qq''} \delta_{kk'} \delta_{d'd''}",
    "a factor": r"z_{bhqk} &= x_{bhqd} y_{bhkd} \\ \frac{\partial}{\partial y_{b'h'k'd'}} \frac{\partial z_{bhqk}}{\partial x_{b''h''q''d''}} &= 2 \delta_{bb'} \delta_{bb''} \delta_{hh'} \delta_{hh''} \delta_{qq''} \delta_{kk'} \delta_{d'd''}",
    "a size": r"\delta_{aa'} \delta_{bb'} \delta_{cc'} \delta_{dd'} \delta_{ff'} \delta_{gg'} \delta_{hh} &= 2 \, \delta_{aa'} \delta_{bb'} \delta_{cc'} \delta_{dd'} \delta_{ff'} \delta_{gg'}",
}


TABLES = {
    f"{name}: {case}": text
    for name, table in {
        "sizes": SIZES,
        "signs": SIGNS,
        "ranges": RANGES,
        "kinks": KINKS,
        "dots": DOTS,
        "small": SMALL,
        "constants": CONSTANTS,
        "many": MANY,
    }.items()
    for case, text in table.items()
}


LUCK = [
    # A case with many indices takes seconds.
    pytest.param(text, seed, id=f"{name}-{seed}", marks=[pytest.mark.slow] if "many: " in name else [])
    for name, text in TABLES.items()
    for seed in range(3)
]


@pytest.mark.parametrize(("text", "seed"), LUCK)
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
    "by a tensor that is 0": r"y_i &= \operatorname{relu}(-x_i^2) \\ z_i &= y_i + x_i \\ \frac{\partial l}{\partial y_i} &= \frac{\partial l}{\partial z_i}",
    "of a bracket by a tensor that is 0": r"y_i &= \operatorname{relu}(-x_i^2) \\ \frac{\partial}{\partial y_{i'}} \left( y_i x_i \right) &= x_i \delta_{ii'}",
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
        r"1.000001 \cdot 0.999999 x_i &= x_i",
        r"3.14159265358979 x_i &= \pi x_i",
        r"\sum_a " * 3000 + "x_a &= 1",
        "s &= " + r"\partial " * 3000,
        "% let y = exit()\n2 y_i &= y_i + y_i",
    ],
)
def test_what_is_refused_is_a_notation_error(text: str) -> None:
    with pytest.raises(NotationError):
        verify(text)
