"""The language of derivations: every construct, and how its misuse is answered."""
# ruff: noqa: E501 (a case is a line of the table)

from typing import Any

import pytest
import torch

from einsum_doc import NotationError, verify
from einsum_doc.compute.checking.derivation import Derivations

TRUE = {
    "primes on indices and names": r"y'_{i'} &= x'_{i'j} z_{j} \\ y'_{i'} &= z_j x'_{i'j}",
    "prime by command": r"y_{i} &= 2 x_i \\ \frac{\partial y_{i}}{\partial x_{i^\prime}} &= 2 \delta_{ii'}",
    "Greek, bold and calligraphic names": r"\mu_\alpha \mathbf{x}_\beta [\mathcal{T}]_{\beta\alpha} &= \mathcal{T}_{\beta\alpha} \mathbf{x}_\beta \mu_\alpha",
    "accents": r"\hat{x}_i + \bar x_i &= \bar{x}_i + \hat x_i",
    "a transpose": r"(a^T)_{ji} &= a_{ij}",
    "a transpose in upright letters": r"\left( \mathbf{a}^{\mathsf{T}} \right)_{ji} &= \mathbf{a}_{ij} = [\mathbf{a}^\top]_{ji}",
    "the transpose of a product": r"c_{ik} &= a_{ij} b_{jk} \\ (c^T)_{ki} &= (b^T)_{kj} (a^T)_{ji}",
    "deltas": r"y_{i'p} &= \delta_{ii'} y_{ip}",
    "the trace of a delta": r"\delta_{ii} &= 3 - 3 + \mathbf{1}_i \mathbf{1}_i",
    "one-tensors": r"1_{i'} &= \mathbf{1}_i \delta_{ii'} = \sum_i \delta_{ii'} \\ \mathbb{1}_{ij} &= \mathbf{1}_i 1_j",
    "a delta summed to a range": r"\delta_{hh} &= H \\ \mathbf{1}_h \mathbf{1}_h &= H",
    "a trace": r"x_{ii} &= \delta_{ij} x_{ij}",
    "a diagonal": r"d_i &= x_{ii} \\ d_i &= \delta_{ij} x_{ij}",
    "three occurrences": r"y &= a_i b_i c_i \\ \frac{\partial y}{\partial b_p} &= a_p c_p",
    "fractions": r"\frac{x_i}{y_i} &= x_i y_i^{-1} = \frac{1}{y_i} x_i = x_i / y_i",
    "fractions without braces": r"\tfrac12 x_i + \frac1I \mathbf 1_i + \frac1{2} x_i &= x_i + \frac{1_i}{I}",
    "powers": r"x_i^3 &= x_i^2 x_i = \left( x_i \right)^{3}",
    "a negative power": r"\left( x_i x_i \right)^{-1} &= \frac{1}{x_j x_j}",
    "roots": r"\sqrt{x_i x_i}^2 &= x_i x_i \\ \sqrt[3]{x_i x_i} &= \left( x_i x_i \right)^{\frac{1}{3}}",
    "exponentials": r"\exp(x_i) &= e^{x_i} = \exp \left( x_i \right) = \exp x_i",
    "logarithms": r"\log e^{x_i} &= x_i \\ \ln(e^{x_i}) &= x_i",
    "elementary functions": r"\sin^2(x_i) + \cos^2(x_i) &= \mathbf{1}_i \\ \cosh(x_i)^2 - \sinh(x_i)^2 &= 1_i \\ \tan(x_i) &= \frac{\sin(x_i)}{\cos(x_i)}",
    "their derivatives": r"\tanh'(x_i) &= \mathbf{1}_i - \tanh^2(x_i)",
    "an arbitrary function": r"\frac{\partial \operatorname{f}(x_i)}{\partial x_p} &= \operatorname{f}'(x_i) \delta_{ip}",
    "its second derivative": r"\frac{\partial \operatorname{f}'(x_i)}{\partial x_p} &= \operatorname{f}''(x_i) \delta_{ip}",
    "names in capitals": r"\operatorname{ReLU}(x_i) - \operatorname{ReLU}(-x_i) &= x_i \\ \operatorname{Sigmoid}'(x_i) &= \operatorname{sigmoid}(x_i) \operatorname{sigmoid}(-x_i)",
    "pi": r"\sin(\pi x_i) &= \cos\left( \pi x_i - \frac{\pi}{2} \right)",
    "explicit sums": r"\sum_i x_i y_i &= x_j y_j \\ \sum_{ij} w_{ij} &= w_{ij} \mathbf{1}_i \mathbf{1}_j",
    "explicit sums with bounds": r"\sum_{i=1}^{I} x_i &= \mathbf{1}_i x_i \\ \sum_{j=0}^{J-1} y_j &= \mathbf{1}_j y_j",
    "a sum ends with its term": r"\sum_i x_i y_i + y_j &= y_j + \sum_i y_i x_i",
    "an operator and its bracket": r"\frac{\partial}{\partial x_{pq}} \left( x_{ij} y_j \right) &= \delta_{ip} \delta_{jq} y_j = \delta_{ip} y_q",
    "an inline derivative": r"\partial x_i / \partial x_p &= \delta_{ip}",
    "a divergence": r"\sum_i \frac{\partial x_i}{\partial x_i} &= I",
    "a capital for the range": r"m_b &= \frac{1}{H} \mathbf{1}_h x_{bh} \\ \frac{\partial m_b}{\partial x_{b'h'}} &= \frac{1}{H} \delta_{bb'} \mathbf{1}_{h'}",
    "a number as an index": r"\delta_{i0} x_i &= x_0 \\ w_{i,1} \delta_{i0} &= w_{0,1}",
    "a constant index": "% fixed T\n" r"\delta_{iT} x_i &= x_T \\ \frac{\partial x_T}{\partial x_p} &= \delta_{Tp}",
    "dots": r"x_{a \dots b p \dots q} \delta_{aa'} \dots \delta_{bb'} &= x_{a' \dots b' p \dots q}",
    "dots with commas": r"x_{a, \dots, b} \mathbf{1}_a \cdots \mathbf{1}_b &= \sum_{a \dots b} x_{a \dots b}",
    "dots beside single indices": r"z_{i a \dots b} &= x_{ij} y_{j a \dots b} \\ \frac{\partial l}{\partial x_{pq}} &= \frac{\partial l}{\partial z_{p a \dots b}} y_{q a \dots b}",
    "what is left of dots": r"x_{a \dots b} \delta_{aa'} \cdots \delta_{bb'} &= x_{a' \dots b} \cdots \delta_{bb'} = x_{a' \dots b'}",
    "spaces, brackets, dots of a product": r"\left( x_i + y_i \right) \cdot z \, 2 \quad &= 2 \; z\,[x_i + y_i] = \bigl( x_i + y_i \bigr) 2 \times z",
    "punctuation and text": r"\text{So } x_i + y_i &= y_i + x_i, \quad \text{as sums commute}. \\",
    "a row's height": "y_i &= 2 x_i \\\\[4pt]\n2 y_i &= 4 x_i",
    "no sum": "% no sum i\n" r"x_i y_i &= y_i x_i",
    "unequal": r"x_{ij} &\neq (x^T)_{ij} \\ u_i y_i &\ne u_i y_j \mathbf{1}_i \mathbf{1}_j",
    "positive": "% positive x\n"
    r"\log(x_i y_i^2) &= \log(x_i) + \log(y_i^2) \\ x_i^{\frac{1}{2}} x_i^{\frac{1}{2}} &= x_i",
    "equal sizes": "% size i = k\n" r"\mathbf{1}_i \mathbf{1}_i &= \mathbf{1}_k \mathbf{1}_k",
    "a size": "% size i = 3\n" r"\mathbf{1}_i \mathbf{1}_i &= 3",
    "code": "% let y = torch.linalg.inv(x)\n"
    r"x_{ij} y_{jk} &= \delta_{ik} \\ \frac{\partial l}{\partial x_{pq}} &= -y_{ip} \frac{\partial l}{\partial y_{ij}} y_{qj}",
    "code by the names of code": "% let \\mu = x.mean(-1)\n" r"\mu_b &= \frac{1}{H} \mathbf{1}_h x_{bh}",
    "a comment that says nothing": "%% as in the book\n" r"x_i + y_i &= y_i + x_i",
    "a tensor d": r"\frac{d_i y}{d_i z} &= \frac{y}{z} \mathbf{1}_i",
    "a name that is a function elsewhere": r"\mathrm{softmax}_i &= e^{x_i} / z \\ z \cdot \mathrm{softmax}_i &= e^{x_i}",
    "a scalar d": r"d \cdot x_i &= x_i \, d \\ d \, 1_i &= 1_i d",
    "a derivative in brackets": r"\left( \frac{\partial}{\partial x_i} \left( x_i^2 \right) \right) z &= 2 \sum_i x_i z",
    "a bracket and a factor": r"(x_i z_i) w_i &= x_i z_i w_i",
    "a derivative of itself": r"\frac{\partial x}{\partial x} &= 1",
    "the quotient rule": r"u_i &= x_i^2 \\ v_i &= \operatorname{g}(x_i) \\ \frac{\partial}{\partial x_p}\left( \frac{u_i}{v_i} \right) &= \frac{\frac{\partial u_i}{\partial x_p} v_i - u_i \frac{\partial v_i}{\partial x_p}}{v_i^2}",
    "softmax, said in one fraction": r"s_i &= \frac{e^{x_i}}{\mathbf{1}_j e^{x_j}} \\ \sum_i s_i &= 1",
    "a norm": r"n_i &= \frac{x_i}{\sqrt{x_j x_j}} \\ n_i n_i &= 1",
    "a scale beside a gradient": r"n_{ij} &= \frac{s_{ij}}{\sigma_j} \\ \frac{\partial l}{\partial s_{ij}} &= \frac{\partial l}{\partial n_{ij}} \frac{1}{\sigma_j} \\ \mathbf{1}_i \frac{\partial l}{\partial s_{ij}} \sigma_j &= \mathbf{1}_i \frac{\partial l}{\partial n_{ij}} \mathbf{1}_j",
    "both arguments vary": r"u_i &= x_i^2 \\ y_i &= x_i u_i \\ \frac{\partial y_i}{\partial x_p} &= 3 u_i \delta_{ip} \\ \frac{\partial l}{\partial x_p} &= \frac{\partial l}{\partial y_p} \left( u_p + 2 x_p^2 \right)",
    "through the graph": r"u_i &= x_i^2 \\ y_i &= u_i^2 \\ \frac{\partial y_i}{\partial x_p} &= 4 x_i^3 \delta_{ip}",
    "a scalar in a sum": r"y_i &= x_i + c \\ \frac{\partial y_i}{\partial c} &= \mathbf{1}_i",
    "two ways downstream": r"y_i &= 2 x_i \\ z_i &= x_i^2 \\ \frac{\partial l}{\partial x_p} &= 2 \frac{\partial l}{\partial y_p} + 2 \frac{\partial l}{\partial z_p} x_p",
    "a gradient with a name": r"y_i &= 2 x_i \\ g_i &= \frac{\partial l}{\partial y_i} \\ \frac{\partial l}{\partial x_i} &= 2 g_i",
}


@pytest.mark.parametrize("text", TRUE.values(), ids=TRUE.keys())
def test_what_is_true_holds(text: str) -> None:
    derivation = verify(text)
    assert derivation, str(derivation)


FALSE = {
    "a definition below a derivative": r"f &= g^2 \\ g &= x y \\ \frac{\partial f}{\partial x} &= 2 x y^2 \\ y &= x^2",
    "definitions that run in a circle": r"y &= x^2 \\ z &= 2 y \\ x &= z",
    "a factor": r"\frac{1}{2} x_i &= x_i",
    "a sign": r"x_i - y_i &= y_i - x_i",
    "an index": r"a_{ij} b_j &= a_{ji} b_j",
    "a transpose": r"(a^T)_{ij} &= a_{ij}",
    "the wrong range": r"m_b &= \frac{1}{H} \mathbf{1}_h x_{bh} \\ \frac{\partial m_b}{\partial x_{b'h'}} &= \frac{1}{B} \delta_{bb'} \mathbf{1}_{h'}",
    "equality claimed to fail": r"x_i y_i &\neq y_i x_i",
    "an input is not what a later line says": r"x_i + y_i &= y_i + x_i \\ y_i &= 2 x_i",
    "a way downstream is missing": r"y_i &= 2 x_i \\ z_i &= x_i^2 \\ \frac{\partial l}{\partial x_p} &= 2 \frac{\partial l}{\partial y_p}",
    "dots that hold for none and one only": r"x_{a \dots b} &= x_{a' \dots b'} \delta_{ab'} \cdots \delta_{ba'}",
    "a tiny difference": r"x_i + 0.000001 x_i &= x_i",
    "a logarithm of what may be negative": r"\log(x_i) + \log(y_i) &= \log(x_i y_i)",
    "a term that cannot be seen": r"x_i + 0.00000000001 x_i &= x_i",
    "numbers that are too small": r"e^{-1000} x_i &= 2 e^{-1000} x_i",
    "a function that is x on one side": r"\operatorname{relu}(x) &= x",
    "a function that is another on one side": r"\operatorname{sign}(x) &= 1",
    "a function that is flat": r"\tanh(1000 x_i) &= \operatorname{sign}(x_i)",
    "a function that is steep": r"\sin(10^{11} x_i) &= \sin(10^8 \cdot 1001 x_i)",
    "a difference that rounding hides": r"\left( 1000000 + x_i \right) - 1000000 &= 1.00001 x_i",
    "numbers that are too large": r"e^{1000} x_i &= e^{1001} x_i",
    "division by zero": r"\frac{1}{x_i - x_i} &= \frac{2}{x_i - x_i}",
    "a part of the total": r"u_i &= x_i^2 \\ y_i &= x_i u_i \\ \frac{\partial y_i}{\partial x_p} &= 2 x_i^2 \delta_{ip} + \delta_{ip}",
}


@pytest.mark.parametrize("text", FALSE.values(), ids=FALSE.keys())
def test_what_is_false_does_not(text: str) -> None:
    if text == FALSE["dots that hold for none and one only"]:
        with pytest.raises(NotationError):
            verify(text)
        return
    derivation = verify(text)
    assert not derivation, str(derivation)
    assert all(line.message.startswith("false: ") for line in derivation.lines if not line.holds)


REFUSED = {
    "an unknown command": (r"x_i &= \foo y_i", (0, 7), "unknown command"),
    "an unknown sign": ("x_i &= y_i ? z_i", (0, 11), "cannot stand here"),
    "an index once": (r"y_i &= x_{ij}", (0, 11), "j occurs once and is not free"),
    "a free index missing": (r"y_{ij} &= x_i", (0, 10), "j is free"),
    "a one-tensor missing in a sum": (r"x_{bh} - m_b &= d_{bh}", (0, 7), "index h is open in another term"),
    "a one-tensor missing in a bracket": (r"2 \left( x_{bh} - m_b \right) &= y_{bh}", (0, 16), "index h is open"),
    "a definition of nothing": ("y_i &= ", (0, 6), "ends too early"),
    "a row without a claim": (r"x_i y_i \\ z &= 2", (0, 8), "without a claim"),
    "no left side": (r"&= x_i", (0, 1), "no left side"),
    "two numbers as indices": (r"x_{12} &= 1", (0, 3), "more than one digit"),
    "a delta with one index": (r"\delta_i &= \delta_{ij} x_j", (0, 0), "two indices"),
    "a bare one-tensor": (r"y &= \mathbf{1}", (0, 5), "y is a scalar, and 1 is a column (n × 1)"),
    "a name before a bracket": (r"y &= f(x_i)", (0, 6), "function or a factor"),
    "a transpose without a bracket": (r"a^T_{ij} &= a_{ji}", (0, 0), "in components"),
    "an inverse": (r"y_{ij} &= (x^{-1})_{ij}", (0, 11), "2 indices on x^(−1), which is a scalar"),
    "a function of more than its bracket": (r"y &= \log x_i y_i", (0, 10), "where does the argument end"),
    "an inline fraction that goes on": (r"y_i &= a / b x_i", (0, 9), "where does the denominator end"),
    "a partial sum": (r"y &= \sum_{i,j=2}^{I} x_{ij}", (0, 17), "part of the range"),
    "a sum over nothing": (r"y &= \sum_{j} x_i z_i", (0, 11), "not in what is summed"),
    "a sum over a free index": (r"y_i &= \sum_{i} x_i", (0, 13), "a meaning here already"),
    "a capital as an index": (r"y_t &= x_t x_T", (0, 13), "capital T"),
    "a mixed-up bracket": (r"y &= \left( x \right]", (0, 14), "cannot stand here"),
    "left without right": (r"y &= \left( x )", (0, 14), "do not belong together"),
    "an open brace": (r"y_{i &= x_i", (0, 5), "cannot stand here"),
    "ampersand in a bracket": (r"y &= ( x & + z )", (0, 9), "cannot stand here"),
    "the wrong rank": (r"y &= x_i z_i \\ w_{ij} &= x_{ij}", (0, 26), "x has 1 index"),
    "a range and an index": (r"y_{a \dots b} &= x_{a \dots b} + 2 x_{ij}", (0, 35), "range"),
    "an end of a range alone": (r"y_{a \dots b} &= x_{a \dots b} z_a", (0, 33), "stands alone"),
    "dots that lead nowhere": (r"y_i &= x_i \cdots z_i", (0, 11), "dots that lead"),
    "a comment that is no directive": ("% postive x\nx_i &= y_i", (0, 0), "no directive"),
    "new in the middle": ("x_i y_i &= y_i x_i\n% new", (1, 0), "after something else"),
    "positive without a tensor": ("% positive w\nx_i y_i &= y_i x_i", (0, 0), "w is no tensor"),
    "size of no index": ("% size k = i\nx_i y_i &= y_i x_i", (0, 0), "k is no index"),
    "code that fails": ("x_{ij} &= x_{ij}\n% let y = torch.linalg.nope(x)\n\\\\ x_{ij} y_{jk} &= \\delta_{ik}", (1, 0), "AttributeError"),
    "code of another shape": ("% let z = 2 * x\n% let y = x.sum(0)\nx_{ij} z_{ij} &= y_{ij}", (1, 0), "the code of y gives the shape"),
    "code without arguments of another rank": ("% let y = torch.ones(3)\nx_{ij} &= y_{ij}", (0, 0), "y has 1 axis by its code, not 2"),
    "code that is no code": ("% let y = 1 +\ny_i &= y_i", (0, 0), "cannot be read: invalid syntax"),
    "code of unknown names": ("% let y = foo(x)\nx_i y_i &= y_i x_i", (0, 0), "foo"),
    "e alone": (r"y &= e x", (0, 7), "e without exponent"),
    "the downstream scalar as a number": (r"y &= 2 x \\ \frac{\partial l}{\partial x} &= l", (0, 45), "arbitrary downstream"),
    "a derivative the wrong way round": (r"y_i &= 2 x_i \\ \frac{\partial x_i}{\partial y_p} &= \frac{1}{2} \delta_{ip}", (0, 16), "not the other way round"),
    "a sum that could be two": (r"y &= \frac{x_i z_i}{x_i x_i}", (0, 22), "could be summed"),
    "softmax with one letter": (r"y &= \frac{x_j}{\mathbf{1}_j e^{x_j}}", (0, 27), "could be summed"),
    "a diagonal defined": (r"y_{ii} &= x_i", (0, 0), "diagonal"),
    "a prime after the indices": (r"y_i &= x_i'", (0, 10), "prime"),
    "braces that are not seen": (r"y_i &= 2 {x_i + z_i}", (0, 9), "not seen"),
    "a power of a power": (r"y_i &= x_i^2^3", (0, 12), "second exponent"),
    "an inline Leibniz": (r"dy/dx &= 2", (0, 0), "dy/dx is a derivative"),
    "a difference": (r"\Delta y &= 2 x \Delta x", (0, 0), "could be a differential"),
    "a factor after a derivative's bracket": (r"y_i &= \frac{\partial}{\partial x_i} \left( x_i^2 \right) x_i", (0, 58), "is this differentiated too"),
    "a sign after a derivative's bracket": (r"y_i &= \frac{\partial}{\partial x_i} (x_i^2) \cdot x_i", (0, 45), "is this differentiated too"),
    "a power of a derivative": (r"1 &= \frac{\partial}{\partial x} (x)^2", (0, 36), "is this differentiated too"),
    "a sum in two brackets": (r"y &= (x_i z_i) (x_i z_i)", (0, 8), "could be summed in x_i z_i alone"),
    "a sum in a fraction and beside it": (r"y &= \frac{x_i z_i}{2} x_i z_i", (0, 13), "could be summed in (x_i z_i)/2 alone"),
    "a capital that is a tensor": (r"I &= 3 \\ s &= \sum_{i=1}^{I} x_i", (0, 15), "I has a meaning already"),
    "a capital that is a constant index": ("% fixed I\n" r"s &= \sum_{i=1}^{I} x_i x_I", (1, 5), "I has a meaning already"),
    "a constant index as a number": ("% fixed I\n" r"y_i &= \frac{1}{I} x_i x_I", (1, 16), "I is an index here"),
    "a range's capital, defined": (r"s &= \sum_{i=1}^{I} x_i \\ I &= 3", (0, 27), "I was the range of i"),
    "two names with one name in code": ("% let y = x + 1\n" r"y_i x_i &= \mathbf{x}_i", (0, 0), r"x could be x or \mathbf{x}"),
    "a text that could be a condition": (r"\text{not } x_i &= x_i", (0, 0), "can change what it says"),
    "a mixed number": (r"y_i &= 1 \frac{1}{2} x_i", (0, 9), "could be added"),
    "an index as a number": (r"y &= \sum_i i x_i", (0, 12), "i is an index here"),
    "an index above": (r"y &= x^i z_i", (0, 7), "i is an index here"),
    "a function in letters": (r"y_i &= log x_i", (0, 7), "log is no product"),
    "a function among letters": (r"y_i &= 2xlogx", (0, 9), "log is no product"),
    "a function in upright letters": (r"y_i &= \mathrm{sigmoid} x_i", (0, 7), "sigmoid is no product"),
    "a function of the whole in capitals": (r"y_i &= \operatorname{LayerNorm}(x_i)", (0, 7), "LayerNorm is not taken of each"),
    "the order of a derivative": (r"y_i &= \operatorname{f}^{(2)}(x_i)", (0, 25), "the order of a derivative"),
    "the number of a row": (r"y_i &= 2 x_i \qquad (1)", (0, 20), "could be that of the row"),
    "complex code": ("% let y = torch.linalg.eigvals(x)\ny_i z_i &= x_{ii}", (0, 0), "complex numbers"),
}  # fmt: skip


INSTEAD = {
    r"s_i &= x_i / \sum_j x_j": "brackets around the sum",
    r"y &= \max x": r"\max_{i} of components",
    r"y_i &= x_i * z_i": "a product of components",
    r"\nabla y &= 2": r"\frac{\partial}{\partial x}",
    r"x_i &\approx y_i": r"\neq",
    r"\begin{bmatrix} x_i &= y_i \end{bmatrix}": "the rows alone",
    r"y'_i &= 2 x^\prime_i": "a prime on a name",
}


@pytest.mark.parametrize(("text", "expected"), INSTEAD.items(), ids=INSTEAD.keys())
def test_a_sign_from_elsewhere_is_answered_with_what_to_write(text: str, expected: str) -> None:
    with pytest.raises(NotationError) as caught:
        verify(text)
    assert expected in caught.value.expected


@pytest.mark.parametrize(("text", "position", "fault"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_read_is_refused(text: str, position: tuple[int, int], fault: str) -> None:
    with pytest.raises(NotationError) as caught:
        verify(text)
    error = caught.value
    assert fault in error.fault
    assert error.position == position, str(error)
    assert error.expected
    assert error.text == text


def test_the_message_has_the_line_a_caret_and_what_was_expected() -> None:
    with pytest.raises(NotationError) as caught:
        verify("y_i &= 2 x_i \\\\\ny_i &= z_{ij}")
    assert str(caught.value) == (
        "index j occurs once and is not free\n"
        "  y_i &= z_{ij}\n"
        "             ^\n"
        "  expected: a one-tensor to contract it with, \\mathbf{1}_{j}, or \\sum_{j}"
    )


def test_a_page_is_as_it_was_after_what_cannot_be_read() -> None:
    page = Derivations()
    with pytest.raises(NotationError):
        page.check(r"y_i &= 2 x_i \\ z_i &= \foo")
    assert page.check(r"y_{ij} &= x_{ij}")


def test_directives_from_python() -> None:
    assert verify(r"x_{ij} y_{jk} &= \delta_{ik}", let={"y": "torch.linalg.inv(x)"})
    assert verify(r"x_{ij} y_{jk} &= \delta_{ik}", let={"y": lambda x: x.inverse()})
    assert verify(r"\mathbf{1}_i \mathbf{1}_i &= \mathbf{1}_k \mathbf{1}_k", size={"i": "k"})
    assert not verify(r"\mathbf{1}_i \mathbf{1}_i &= \mathbf{1}_k \mathbf{1}_k")
    assert verify(r"\delta_{iT} x_i &= x_T", fixed="T")
    assert verify(r"\log(x_i^2) &= 2 \log(x_i)", positive=["x"])
    assert verify(r"x_i y_i &= y_i x_i", no_sum="i", seed=3)
    with pytest.raises(TypeError):
        verify("x &= x", postive="x")  # type: ignore[call-arg]


def test_code_may_use_the_names_of_the_page() -> None:
    page = Derivations({"double": lambda x: 2 * x})
    assert page.check("% let y = double(x)\ny_i &= 2 x_i")
    assert page.check(r"\frac{\partial y_i}{\partial x_p} &= 2 \delta_{ip}")


def test_code_that_autograd_cannot_follow_is_not_believed() -> None:
    line = verify(r"\frac{\partial y_i}{\partial x_p} &= 0", let={"y": lambda x: torch.tensor(x.tolist()) ** 2}).lines[
        0
    ]
    assert not line.holds
    assert line.details[0] == "autograd cannot differentiate the code of y"


@pytest.mark.parametrize(
    ("code", "slope"),
    [
        ("x.detach() * x", "x_i"),
        ("torch.where(x > 0, x * x, (x * x).detach())", r"2 \operatorname{relu}(x_i)"),
        ("torch.einsum('i,i->i', x.data, x)", "x_i"),
        ("x * x + 0.01 * torch.exp(x).detach()", "2 x_i"),
    ],
)
def test_code_whose_derivative_is_not_that_of_its_values_is_not_believed(code: str, slope: str) -> None:
    line = verify(rf"\frac{{\partial y_i}}{{\partial x_p}} &= \delta_{{ip}} {slope}", let={"y": code}).lines[0]
    assert not line.holds
    assert line.details[0] == "the code of y has another derivative than autograd finds in it"


def test_the_second_derivative_of_code_is_followed_too() -> None:
    # Its values and first derivative are those of a square; autograd finds no second one.
    let = {"y": "2 * x * x.detach() - x.detach() ** 2"}
    assert verify(r"\frac{\partial y_i}{\partial x_p} &= 2 x_i \delta_{ip}", let=let)
    line = verify(r"\frac{\partial^2 y_i}{\partial x_p \partial x_q} &= 0", let=let).lines[0]
    assert not line.holds
    assert line.details[0] == "the code of y has another derivative than autograd finds in it"
    true = r"\frac{\partial^2 y_i}{\partial x_p \partial x_q} &= 2 \delta_{ip} \delta_{iq}"
    assert verify(true, let={"y": "x ** 2"})
    inverse = r"""\frac{\partial^2 y_{ij}}{\partial x_{kl} \partial x_{pq}}
        &= y_{ip} y_{qk} y_{lj} + y_{ik} y_{lp} y_{qj}"""
    assert verify(inverse, let={"y": "torch.linalg.inv(x)"})
    third = r"\frac{\partial^3 y_i}{\partial x_p \partial x_q \partial x_r} &= 6 \delta_{ip} \delta_{iq} \delta_{ir}"
    assert verify(third, let={"y": "x ** 3"})
    assert not verify(third.replace("6", "0"), let={"y": "x ** 3 - (x - x.detach()) ** 3"})
    # Slopes that cancel are no sign of a wrong one.
    for code in ("torch.softmax(x, 0).sum()", "torch.logsumexp(x, 0) - torch.logsumexp(x + 3, 0)"):
        assert verify(r"\frac{\partial^2 y}{\partial x_p \partial x_q} &= 0 \mathbf{1}_p \mathbf{1}_q", let={"y": code})
    # Where each is varied once, there is no second derivative of the code.
    once = r"\frac{\partial^2}{\partial x_p \partial a_q} \left( y_i a_i \right) &= 2 x_i \delta_{ip} \delta_{iq}"
    assert verify(once, let=let)


class Cubed(torch.autograd.Function):
    """A cube whose backward pass cannot be differentiated rightly: numbers leave torch in it."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return 3 * x.detach() ** 2 * (gradient / 2 + gradient.detach() / 2)


class CubedOnce(Cubed):
    """The same, and torch knows."""

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return 3 * x**2 * gradient


@pytest.mark.parametrize("function", [Cubed, CubedOnce])
def test_code_is_differentiated_by_its_own_backward_pass(function: type[torch.autograd.Function]) -> None:
    page = Derivations({"cubed": function.apply})
    text = r"""% let y = cubed(x)
        z_{ij} &= y_i a_j \\ \frac{\partial z_{ij}}{\partial x_p} &= FACTOR x_i^2 \delta_{ip} a_j"""
    assert page.check(text.replace("FACTOR", "3"))
    for factor in ("1.5", "0"):
        assert not Derivations({"cubed": function.apply}).check(text.replace("FACTOR", factor))


@pytest.mark.parametrize("code", ["torch.relu(x)", "x.sort().values", "x - x.round()", "x.exp() / x.exp().sum()"])
def test_code_with_the_derivative_of_its_values_is_believed(code: str) -> None:
    text = r"\frac{\partial l}{\partial x_p} &= \frac{\partial l}{\partial y_i} \frac{\partial y_i}{\partial x_p}"
    assert verify(text, let={"y": code}), code


def test_a_difference_that_is_too_small_to_be_certain_is_said() -> None:
    line = verify(r"1.00001^2 x_i &\neq 1.00002 x_i").lines[0]
    assert not line.holds
    assert "of their terms at most; more than 1e-06 is certain" in line.details[0]


def derivative_of_its_double(letters: str) -> str:
    deltas = " ".join(rf"\delta_{{{letter}{letter}'}}" for letter in letters)
    primed = "".join(f"{letter}'" for letter in letters)
    return rf"y_{{{letters}}} &= 2 x_{{{letters}}} \\ \frac{{\partial y_{{{letters}}}}}{{\partial x_{{{primed}}}}} &= 2 {deltas}"


def test_many_indices_are_checked_with_small_sizes() -> None:
    line = verify(derivative_of_its_double("abcfghj")).lines[1]
    assert line.holds
    instances = [dict(part.split("=") for part in each.split(", ")) for each in line.checked.split("; ")[1:-2]]
    seen = {index: tuple(instance[index] for instance in instances) for index in "abcfghj"}
    assert all(set(each) == {"2", "3"} for each in seen.values())
    assert len(set(seen.values())) == len(seen)


def test_an_array_that_is_too_large_is_said_to_be() -> None:
    line = verify(derivative_of_its_double("abcfghjmnpq")).lines[1]
    assert not line.holds
    assert line.details[0] == "an array of 22 axes is too large"


def test_code_that_writes_into_its_arguments_changes_nothing() -> None:
    assert verify(r"y_i &= x_i + 1", let={"y": lambda x: x.add_(1)})


def test_the_reason_and_the_latex() -> None:
    text = r"y_i &= 2 x_i % positive x" + "\n" + r"\\ 2 y_i &= 4 x_i = x_i 4 \tag{so} \quad \text{ it is}"
    first, second, third = verify(text).lines
    assert (first.latex, first.reason) == ("y_i &= 2 x_i", "")
    assert (second.latex, second.reason) == ("2 y_i &= 4 x_i", "")
    assert (third.latex, third.reason) == ("= x_i 4", "so it is")


def test_signs_that_latex_escapes_are_themselves_in_a_reason() -> None:
    derivation = verify(r"y_i &= 2 x_i \\ y_i &= x_i + x_i \text{100\% \& \$1, as $a \% b$}")
    assert str(derivation).endswith("(100% & $1, as $a % b$)")
    shown = derivation._repr_html_()
    assert r'>100% &amp; $1, as <span class="arithmatex">\(a \% b\)</span>' in shown


def test_the_step_at_fault_is_named() -> None:
    derivation = verify(r"2 x_i &= 3 x_i \\ &= x_i + x_i")
    assert [line.holds for line in derivation.lines] == [False, False]
    assert derivation.lines[1].message.endswith("the step before is at fault")


def test_what_the_scalar_is_a_function_of_is_said() -> None:
    text = r"y_i &= 2 x_i \\ z_i &= x_i^2 \\ \frac{\partial l}{\partial x_p} &= 2 \frac{\partial l}{\partial y_p}"
    assert verify(text).lines[-1].details[-1] == "l is a function of y and z"


def test_what_was_checked_is_said() -> None:
    line = verify(r"x_i y_{ij} &= y_{ij} x_i").lines[0]
    assert ". Held on 4 random instances in float64; i=" in line.checked
    assert line.checked.endswith("seed 0; tolerance 1e-12 of the summed magnitudes")
    assert "a…b: 2; a…b: 1; a…b: 0" in verify(r"2 x_{a \dots b} &= x_{a \dots b} 2").lines[0].checked


def test_no_two_indices_share_a_size_unless_they_must() -> None:
    text = r"z_{ik} &= x_{ij} y_{jk} \\ \frac{\partial z_{ik}}{\partial x_{pq}} &= \delta_{ip} y_{qk}"
    for instance in verify(text).lines[1].checked.split("; ")[1:4]:
        sizes = dict(part.split("=") for part in instance.split(", "))
        assert sizes["i"] == sizes["p"]
        assert len({sizes["i"], sizes["q"], sizes["k"]}) == 3


class Tripled(torch.autograd.Function):
    """Three times its argument, with a backward pass that cannot be batched."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return 3 * x

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        return torch.from_numpy(3 * gradient.numpy())


def test_code_may_have_a_backward_pass_that_cannot_be_batched() -> None:
    rows = r"\frac{{\partial y_{{ij}}}}{{\partial x_{{pq}}}} &= {} \delta_{{ip}} \delta_{{jq}}"
    assert verify(rows.format(3), let={"y": lambda x: Tripled.apply(x)})
    assert not verify(rows.format(2), let={"y": lambda x: Tripled.apply(x)})
    assert verify(r"x_{ij} &= x_{ij} \\ " + rows.format(1), let={"y": lambda x: x.unfold(0, 1, 1).squeeze(-1)})
