"""What an author leaves out: where the sums are, which indices are free, what dots stand for."""

import pytest

from einsum_doc import NotationError
from einsum_doc.notation.expression import Index
from einsum_doc.notation.reading.parse import Chain, parse_expression, parse_notation
from einsum_doc.notation.sums.ranges import expanded
from einsum_doc.notation.sums.scope import Scope

SUMS = {
    r"x_{ij} y_{jk}": "Σ_j x_{ij} y_{jk}",
    r"\frac{e^{x_i}}{\mathbf{1}_j e^{x_j}}": "exp(x_i)/(Σ_j 1_j exp(x_j))",
    r"\sqrt{x_j x_j}": "(Σ_j x_j x_j)^(1/2)",
    r"\frac{\partial l}{\partial s_{ij}} \frac{1}{\sigma_j}": "Σ_j ∂l/∂s_{ij} 1/σ_j",
    r"a_j b_j + c_j d_j": "Σ_j a_j b_j + Σ_j c_j d_j",
    r"(a_j + b_j) c_j": "Σ_j (a_j + b_j) c_j",
    r"(a_j c_j + b_j c_j) d": "(Σ_j a_j c_j + Σ_j b_j c_j) d",
    r"a_j b_j c_j": "Σ_j a_j b_j c_j",
    r"\left( x_j x_j \right)^2": "(Σ_j x_j x_j)^2",
    r"\exp(x_j y_j) z_i": "exp(Σ_j x_j y_j) z_i",
    r"\exp(x_j) y_j": "Σ_j exp(x_j) y_j",
    r"\frac{a_j b_j}{c}": "(Σ_j a_j b_j)/c",
    r"\frac{a_j}{b_j}": "Σ_j a_j/b_j",
    r"(x_j y_j) z_j": "Σ_j (x_j y_j) z_j",
    r"(a_j + b_j) (a_j + b_j)": "Σ_j (a_j + b_j) (a_j + b_j)",
    r"x_{jj} y_{jj}": "Σ_j x_{jj} y_{jj}",
    r"\frac{1}{s_b t_b} \delta_{bi}": "Σ_b 1/(s_b t_b) δ_{bi}",
    r"x_{jj}": "Σ_j x_{jj}",
    r"\frac{\partial x_j}{\partial x_j}": "Σ_j ∂x_j/∂x_j",
    r"\frac{\partial}{\partial x_p} \left( x_j y_j \right)": "∂/∂x_p (Σ_j x_j y_j)",
    r"\sum_j x_{ij} + y_i": "Σ_j x_{ij} + y_i",
    r"x_i \sum_j y_j": "x_i (Σ_j y_j)",
}


@pytest.mark.parametrize(("latex", "written"), SUMS.items(), ids=SUMS.keys())
def test_the_smallest_product_that_holds_all_occurrences(latex: str, written: str) -> None:
    free = frozenset({Index("i"), Index("k"), Index("p")})
    found = str(Scope(latex).written_out(parse_expression(latex), free))
    assert found.replace("(Σ", "Σ").replace(")", "") == written.replace("(Σ", "Σ").replace(")", "")


TWICE = [
    r"(x_j y_j) (x_j y_j)",
    r"(x_j y_j) x_j y_j",
    r"(x_j y_j + a_j b_j) (x_j y_j)",
    r"(2 (x_j y_j)) x_j y_j",
    r"-(x_j y_j) (x_j y_j) z_j",
    r"\frac{x_j y_j}{2} z_j w_j",
    r"\frac{(x_j y_j) (x_j y_j)}{z_j}",
    r"(x_j y_j)^{x_j y_j}",
    r"\frac{\partial (x_j y_j)}{\partial x_i} \frac{\partial (x_j y_j)}{\partial x_i}",
    r"(\mathbf{1}_j x_j) y_j",
    r"\exp(x_j y_j) \exp(x_j y_j)",
    r"\frac{x_j y_j}{x_j x_j}",
]


@pytest.mark.parametrize("latex", TWICE)
def test_an_index_that_is_summed_in_each_bracket_needs_another_letter(latex: str) -> None:
    with pytest.raises(NotationError, match="could be summed") as caught:
        Scope(latex).written_out(parse_expression(latex), frozenset({Index("i")}))
    assert "another letter" in caught.value.expected


FREE = {
    "z_{ik} &= x_{ij} y_{jk}": "ik",
    r"x_{ij} y_{jk} &= \delta_{ik}": "ik",
    r"a_{ij} b_{ji} &= b_{ij} a_{ji}": "",
    r"0 &= x_{ij} y_{jk}": "ik",
    r"x_{ij} y_{jk} &= 0": "ik",
    r"s_i (1 - s_i) &= s_i - s_i^2": "i",
    r"x_{ii} &= y_i": "i",
    r"x_{ii} &= \delta_{ij} x_{ij}": "",
    r"y &= x_i x_i": "",
}


@pytest.mark.parametrize(("latex", "letters"), FREE.items(), ids=FREE.keys())
def test_the_free_indices_of_a_chain(latex: str, letters: str) -> None:
    (chain,) = parse_notation(latex).entries
    assert isinstance(chain, Chain)
    sides = [chain.head, *(relation.right for relation in chain.relations)]
    assert {str(index) for index in Scope(latex).free(sides)} == set(letters)


DOTS = [
    (r"x_{a \dots b i}", 0, "x_i"),
    (r"x_{a \dots b i}", 2, "x_{a₁a₂i}"),
    (r"x_{a' \dots b}", 3, "x_{a₁'a₂a₃}"),
    (r"x_{a \dots b} \delta_{aa'} \cdots \delta_{bb'}", 0, "x"),
    (r"x_{a \dots b} \delta_{aa'} \cdots \delta_{bb'}", 2, "x_{a₁a₂} δ_{a₁a₁'} δ_{a₂a₂'}"),
    (r"x_{a' \dots b} \cdots \delta_{bb'}", 1, "x_a₁'"),
    (r"x_{a' \dots b} \cdots \delta_{bb'}", 3, "x_{a₁'a₂a₃} δ_{a₂a₂'} δ_{a₃a₃'}"),
    (r"\mathbf{1}_{a \dots b} y", 0, "1 y"),
    (r"\sum_{a \dots b} x_{a \dots b}", 2, "Σ_{a₁a₂} x_{a₁a₂}"),
]


@pytest.mark.parametrize(("latex", "length", "written"), DOTS)
def test_what_dots_stand_for(latex: str, length: int, written: str) -> None:
    found = str(expanded(parse_expression(latex), {("a", "b"): length}))
    assert found.replace("{", "").replace("}", "") == written.replace("{", "").replace("}", "")
