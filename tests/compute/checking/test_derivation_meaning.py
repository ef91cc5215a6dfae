"""Derivations whose letters a reader takes for something else than the checker: refused, with what is missing."""
# ruff: noqa: E501 (a case is a line of the table)

import pytest

from einsum_doc import NotationError, prove, verify
from einsum_doc.compute.checking.derivation import Derivations
from einsum_doc.notation.reading.vocabulary import HINTS

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
    "all ways held fixed": (
        r"m &= x_i x_i \\ y &= 2 m \\ \left. \frac{\partial y}{\partial x_p} \right|_{m} &= 5 \left. \frac{\partial y}{\partial x_p} \right|_{m}",
        "y does not depend on x with m held fixed",
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
    "under an accent": (r"y &= 2 \hat{\mathbf{x}}^2", "a power of x̂, which is a column (n × 1)"),
    "by another command": (r"y &= \bm x \cdot x", "y is a scalar, and x x is a column (n × 1)"),
    "with an arrow": (r"\frac{\partial l}{\partial \vec w} &= 2", "∂l/∂w⃗ is a column (n × 1), and 2 is a scalar"),
    "on the left": (
        r"\boldsymbol{\mu} &= \frac{1}{I} \sum_i x_i",
        "μ is a column (n × 1), and 1/I Σ_i x_i is a scalar",
    ),
}


@pytest.mark.parametrize(("text", "fault"), BOLD.values(), ids=BOLD.keys())
def test_a_bold_name_without_indices_is_no_scalar(text: str, fault: str) -> None:
    with pytest.raises(NotationError) as caught:
        verify(text)
    assert caught.value.fault == fault


def test_matrices_do_not_commute() -> None:
    assert not verify(r"\mathbf{A} \mathbf{B} &= \mathbf{B} \mathbf{A}")


STYLED = {
    "calligraphic": r"\mathcal{A} \mathcal{B} &= \mathcal{B} \mathcal{A}",
    "sans serif": r"\mathsf{A}' \mathsf{B} &= \mathsf{B} \mathsf{A}'",
    "in a definition": r"\mathsf{C} &= 2 \mathsf{A} \\ \mathsf{C} &= \mathsf{A} + \mathsf{A}",
    "below a derivative": r"\frac{\partial}{\partial \mathsf{A}} (\mathsf{A}^2) &= 2 \mathsf{A}",
}


@pytest.mark.parametrize("text", STYLED.values(), ids=STYLED.keys())
def test_a_capital_in_a_style_of_matrices_is_refused_until_the_page_says_what_it_is(text: str) -> None:
    with pytest.raises(NotationError, match="is a matrix or a number") as caught:
        verify(text)
    assert caught.value.expected.startswith(r"'% matrix \math")


def test_a_capital_in_a_style_of_matrices_is_what_the_page_says() -> None:
    commute = r"\mathsf{A} \mathsf{B} &= \mathsf{B} \mathsf{A}"
    assert not verify("% matrix \\mathsf{A} \\mathsf{B}\n" + commute)
    assert verify(r"\mathcal{J} &= x_i x_i + \mathcal{L} \\ \frac{\partial \mathcal{J}}{\partial x_i} &= 2 x_i")
    assert verify("AB &= BA")


def test_a_bold_name_with_indices_is_a_tensor() -> None:
    assert verify(r"\mathbf{A}_{ij} \vec{b}_j &= [\vec{b}]_j (\mathbf{A}^T)_{ji} \mathbf{1}_k \delta_{k0}")


APPLIED = {
    "with an index": r"y &= g_e(x)",
    "with the index of its argument": r"y_i &= f_i(x_i)",
    "of a number": r"y_i &= \alpha_i(0)",
    "of a multiple": r"y_e &= g_e(2x)",
    "of a function": r"y_e &= g_e(\exp(x))",
    "a power of it": r"y_e &= g_e^2(x)",
    "a square of it": r"y_e &= g_e(x)^2",
    "without an index": r"y &= g(x)",
    "a scalar that is not known": r"y_i &= r \left( x_i + b_i \right)",
    "a known scalar before what needs no bracket": r"r &= x_i x_i \\ y &= r(x)",
    "a known scalar that is usually a function": r"f &= x^2 \\ f(x + h) &= f x + f h",
}


@pytest.mark.parametrize("text", APPLIED.values(), ids=APPLIED.keys())
def test_a_name_before_an_argument_in_brackets_could_be_a_function(text: str) -> None:
    with pytest.raises(NotationError, match="before a bracket could be a function or a factor") as caught:
        verify(text)
    assert r"\cdot or \, between for a product" in caught.value.expected


MULTIPLIED = {
    "a known scalar": r"r &= x_i x_i \\ y_j &= r \left( x_j + b_j \right) \\ y_j &= r x_j + r b_j",
    "a scalar that was used": r"a r &= r a \\ r (a + b) &= r a + r b",
    "its square": r"a r &= r a \\ r^2 (a + b) &= r^2 a + b r^2",
    "a component and a sum": r"w_i (x_i + b_i) &= w_i x_i + w_i b_i",
    "a component and a negative": r"x_i (-y_i) &= -x_i y_i",
    "a component and a product": r"A_{ij} (B_{jk} v_k) &= (A_{ij} B_{jk}) v_k",
    "a component and a component in brackets": r"a_i [b]_{ij} &= (b^T)_{ji} a_i",
    "a component and a sum over all": r"p_i \left( \sum_j x_j y_j \right) &= x_j y_j \, p_i",
    "brackets around both": r"(x_i) (y_i) (x_i)^2 (y_i) &= x_i^3 y_i^2",
    "with a sign between": r"g_e \cdot (x) &= g_e \, (x)",
    "the derivative of a sum": r"\frac{\partial}{\partial x_p} \sum_i x_i^2 a_i + b_p &= 2 x_p a_p + b_p",
}


@pytest.mark.parametrize("text", MULTIPLIED.values(), ids=MULTIPLIED.keys())
def test_a_product_with_a_bracket(text: str) -> None:
    derivation = verify(text)
    assert derivation, str(derivation)


def test_a_scalar_of_an_earlier_fence_is_a_factor() -> None:
    page = Derivations()
    page.check(r"r &= x_i x_i")
    assert page.check(r"r (x_j + b_j) &= r x_j + r b_j")


OWN_DELTA = r"δ is the Kronecker delta here; \boldsymbol{\delta}_{bj} is a name of your own"
OWN_PI = r"π is the number here; \hat{\pi} is a name of your own"

RESERVED = {
    "the backpropagated error": (r"\delta_{bj} &= \frac{\partial C}{\partial z_{bj}}", OWN_DELTA),
    "a residual": (r"\delta_{bj} &= y_{bj} - t_{bj}", OWN_DELTA),
    "a sum that is called π": (r"\pi &= a + b", OWN_PI),
    "a line that cannot be checked": (
        r"\delta_{ij} &= \frac{\partial C}{\partial z_i} \mathbf{1}_j e^{1000}",
        OWN_DELTA.replace("bj", "ij"),
    ),
    "below a derivative": (r"\frac{\partial C}{\partial \delta_{bj}} &= \mathbf{1}_{bj}", OWN_DELTA),
    "on the right": (
        r"z_{bj} &= x_{bi} w_{ij} \\ \frac{\partial C}{\partial w_{ij}} &= x_{bi} \delta_{bj}",
        OWN_DELTA,
    ),
    "on the right, with an index of no sum": (r"\frac{\partial C}{\partial v_j} &= \delta_{bj}", OWN_DELTA),
    "a class in a condition": (
        r"l &= -\sum_k \mathbb{1}[y = k] \log p_k",
        "'% fixed y', if it is one given value",
    ),
    "π below a derivative": (r"\frac{\partial C}{\partial \pi} &= 1", OWN_PI),
}


@pytest.mark.parametrize(("text", "said"), RESERVED.values(), ids=RESERVED.keys())
def test_a_letter_with_a_meaning_of_its_own_says_so(text: str, said: str) -> None:
    try:
        *_, line = verify(text).lines
        found = "" if line.holds else "\n".join(line.details)
    except NotationError as error:
        found = error.expected
    assert said in found


def test_a_delta_between_indices_of_one_size_is_not_taken_for_a_name() -> None:
    false = r"z_{bj} &= x_{bi} w_{ij} \\ \frac{\partial z_{bj}}{\partial w_{pq}} &= 3 x_{bp} \delta_{jq}"
    assert not any("Kronecker" in detail for detail in verify(false).lines[-1].details)


SPELLINGS = {
    r"\odot for a product of components, or x_i y_i": [r"x_i \odot y_i &= x_i y_i"],
    r"brackets around the sum, \left( \sum_i … \right)": [r"y_j \left( \sum_i x_i z_i \right) &= x_i z_i \, y_j"],
    "a prime on a name, x'_{i}, or on an index, x_{i'}": ["x'_{i} y_{i'} &= y_{i'} x'_{i}"],
    r"the rows alone, as they stand inside of \begin{aligned}": [r"x_i &= x_i"],
    "the rows alone, without dollars": ["x_i &= x_i"],
    r"LaTeX, as in \frac{\partial l}{\partial x_{i}}": [
        r"l &= x_i x_i \\ \frac{\partial l}{\partial x_{i}} &= 2 x_i",
    ],
    "LaTeX, as in x_{ij}": ["x_{ij} &= x_{ij}"],
    "no sign between factors, x_{ij} y_{jk}": ["x_{ij} y_{jk} &= y_{jk} x_{ij}"],
    r"LaTeX, \sum_{i}": [r"\sum_{i} x_i y_i &= y_i x_i"],
    r"a transpose in LaTeX, x^\top": [r"\mathbf{x}^\top \mathbf{y} &= \mathbf{y}^\top \mathbf{x}"],
    r"= or \neq": [r"x_i &= x_i", r"x_i &\neq 2 x_i"],
}


def test_what_is_proposed_for_a_sign_can_be_read() -> None:
    assert set(HINTS.values()) == SPELLINGS.keys()
    for hint, rows in SPELLINGS.items():
        for row in rows:
            assert verify(row), hint


NAMES = ["h", "h'", r"\phi", r"\hat{g}", r"\tilde{\phi}'", r"\mathcal{L}", r"\boldsymbol{\phi}", r"\mathrm{net}", "g_e"]


@pytest.mark.parametrize("name", NAMES)
def test_the_functions_that_are_proposed_for_a_name_before_a_bracket_can_be_read(name: str) -> None:
    with pytest.raises(NotationError) as caught:
        verify(f"y_i &= {name}(x_i)")
    spelled, *directive = caught.value.expected.split(" for a function")[0].split(" or ")
    row = "y_i &= " + spelled.removesuffix(" without indices").replace("…", "x_i")
    assert verify(row)
    for each in directive:
        assert verify(f"{each.strip(chr(39))}\ny_i &= {name.partition('_')[0]}(x_i)")


def test_the_names_that_are_proposed_can_be_read() -> None:
    derivation = verify(r"""
        z_{bj} &= x_{bi} w_{ij} \\ \boldsymbol{\delta}_{bj} &= \frac{\partial C}{\partial z_{bj}} \\
        \frac{\partial C}{\partial w_{ij}} &= x_{bi} \boldsymbol{\delta}_{bj} \\
        \hat{\pi} &= a + \hat{\delta} \\ \frac{\partial \hat{\pi}}{\partial a} &= 1""")
    assert derivation, str(derivation)
    assert [line.kind for line in derivation.lines] == ["definition", "definition", "claim", "definition", "claim"]


def test_a_true_line_about_the_kronecker_delta_needs_no_hint() -> None:
    assert verify(r"\delta_{ip} &= \frac{\partial x_i}{\partial x_p} = \delta_{pi}")


CODE = {
    "before the row that defines its argument": "% let y = torch.linalg.inv(x)\n"
    r"x_{ij} &= a_i b_j + 2 c_{ij} \\ x_{ij} y_{jk} &= \delta_{ik} \\ \frac{\partial}{\partial c_{pq}} y_{ij} &= -2 y_{ip} y_{qj}",
    "after the row": r"x_{ij} &= a_i b_j + 2 c_{ij} \\"
    "\n% let y = torch.linalg.inv(x)\n"
    r"x_{ij} y_{jk} &= \delta_{ik}",
    "used by other code only": "% let q = x @ x\n% let y = torch.linalg.inv(q)\n"
    r"x_{ij} x_{jk} y_{kl} &= \delta_{il} \\ \frac{\partial y_{ij}}{\partial x_{pq}} &= -y_{ip} x_{qk} y_{kj} - y_{ik} x_{kp} y_{qj}",
    "in any order": "% let y = torch.linalg.inv(q)\n% let q = r @ x\n% let r = 2 * x\n"
    r"2 x_{ij} x_{jk} y_{kl} &= \delta_{il}",
    "in both": "% let z = 2 * y\n% let y = torch.linalg.inv(x)\n"
    r"x_{ij} z_{jk} &= 2 \delta_{ik} \\ \frac{\partial z_{ij}}{\partial y_{pq}} &= 2 \delta_{ip} \delta_{jq} \\ x_{ij} y_{jk} &= \delta_{ik}",
}

RANGES = {
    "by another letter": "% size i = D\n"
    r"m &= \frac{1}{D} \sum_{i=1}^{D} x_i \\ \frac{\partial m}{\partial x_i} &= \frac{1}{D} \mathbf{1}_i",
    "by a small letter": "% size i = n\n"
    r"m &= \frac{1}{n} \sum_{i=0}^{n-1} x_i \\ \frac{\partial m}{\partial x_i} &= \frac{1}{n} \mathbf{1}_i",
    "of two indices": "% size i = D\n% size j = D\n"
    r"\sum_{i=1}^{D} \sum_{j=1}^{D} \delta_{ij} &= D \\ \mathbf{1}_i \mathbf{1}_i &= \mathbf{1}_j \mathbf{1}_j",
    "of an index that has the letter too": "% size i = D\n" r"\delta_{ii} + \delta_{dd} &= 2 D",
}


RANGES |= {
    "without its index": "% size i = D\n"
    r"m &= \frac{1}{D} \sum_{i=1}^{D} x_i \\ D m &= \mathbf{1}_k x_k \\ v_k &= D a_k \\ \frac{\partial v_k}{\partial a_p} &= D \delta_{kp}",
    "a capital without its index": r"m_j &= \frac{1}{I} \sum_i e_{ij} \\ \frac{\partial m_j}{\partial e_{pq}} &= \frac{1}{I} \mathbf{1}_p \delta_{jq}",
    "the end of a sum": r"m &= \frac{1}{n} \sum_{i=1}^{n} x_i \\ \frac{\partial m}{\partial x_j} &= \frac{1}{n} \mathbf{1}_j",
    "the end of two sums": r"p_i &= \frac{e^{z_i}}{\sum_{j=1}^{K} e^{z_j}} \\ \sum_{i=1}^{K} p_i &= 1 \\ \sum_{k=1}^{K} 1_k &= K",
    "the end of a sum and a directive": "% size j = D\n" r"m &= \sum_{i=1}^{D} x_i D y_j y_j \\ \frac{\partial m}{\partial x_k} &= \mathbf{1}_k D y_j y_j",
    "a set of indices": r"m &= \frac{1}{|\mathcal{B}|} \sum_{i \in \mathcal{B}} x_i \\ \frac{\partial m}{\partial x_j} &= \frac{1}{|\mathcal{B}|} \mathbf{1}_j",
    "in a definition without its index": r"y &= I x \\ &= x \delta_{ii} \\ 2 y &= 2 I x \\ 2 y &= y + y",
}  # fmt: skip


@pytest.mark.parametrize("text", [*CODE.values(), *RANGES.values()], ids=[*CODE, *RANGES])
def test_directives_may_stand_in_any_order_and_name_ranges(text: str) -> None:
    derivation = verify(text)
    assert derivation, str(derivation)


NO_DIRECTIVE = {
    "code that nothing uses": ("% let q = x + 1\ny_i x_i &= x_i y_i", "q is no tensor of this text"),
    "code of itself": ("% let y = y + 1\ny_i x_i &= x_i y_i", "y is in its own code"),
    "code of each other": ("% let a = b + 1\n% let b = a + 1\na_i b_i &= b_i a_i", "a is in its own code"),
    "code twice": ("% let y = x\n% let y = 2 * x\ny_i x_i &= x_i y_i", "y has a meaning already"),
    "code of what a row has used": (
        "y_i x_i &= x_i y_i \\\\\n% let y = 2 * x\ny_i &= 2 x_i",
        "y has a meaning already",
    ),
    "two ends of one sum": (
        r"m &= \sum_{i=1}^{n} x_i \\ q &= \sum_{i=1}^{k} x_i \\ m &= q",
        "a sum over a part of the range",
    ),
    "two ends of one axis": (
        r"m &= \sum_{i=1}^{n} x_i \\ y_i &= x_i \\ q &= \sum_{j=1}^{k} y_j \\ m &= q",
        "k and n are the number of values of one index",
    ),
    "an end that is defined": (
        r"m &= \sum_{i=1}^{n} x_i \\ n &= 2 y",
        "a sum over a part of the range",
    ),
    "a range that is a tensor": ("% size i = D\n" r"D &= 3 \\ x_i y_i &= y_i x_i", "D was the range of i"),
    "a letter that is nowhere": ("% size i = D\nx_i y_i &= y_i x_i", "D is no index of this text"),
    "a word without its style": (
        r"MSE &= \frac{1}{n} \sum_{i=1}^{n} (y_i - t_i)^2",
        "MSE on the left could be one name, or a product",
    ),
    "a word and a sign": (r"a &= x_i x_i \\ &= s \\ CE &= a", "CE on the left could be one name, or a product"),
    "the last but one": (r"m &= \sum_{i=1}^{I-1} x_i", "does i count from 0 or from 1?"),
    "one too many": (r"m &= \sum_{i=0}^{I} x_i", "x_{i} falls outside of x"),
}


@pytest.mark.parametrize(("text", "fault"), NO_DIRECTIVE.values(), ids=NO_DIRECTIVE.keys())
def test_directives_that_cannot_be_followed_are_refused(text: str, fault: str) -> None:
    with pytest.raises(NotationError) as caught:
        verify(text)
    assert fault in caught.value.fault


@pytest.mark.parametrize(
    "rows",
    [
        "ab &= ba",
        r"a &= 2 \\ b &= 3 \\ ab &= 6",
        r"IJ &= \mathbf{1}_{ij} \mathbf{1}_{ij}",
        r"nm &= \sum_{i=1}^{n} \sum_{j=1}^{m} \mathbf{1}_{ij}",
        "% matrix A B\n" r"A &= B^T \\ AB &= B^T B",
        "% name MSE\n" r"MSE &= x_i x_i \\ \frac{\partial MSE}{\partial x_j} &= 2 x_j",
    ],
)
def test_letters_side_by_side_on_the_left_are_a_product_where_they_mean_something(rows: str) -> None:
    assert verify(rows)


def test_a_bold_name_is_declared_without_its_style() -> None:
    assert verify(
        "% vector G\n"
        r"\mathbf{y} &= \mathbf{X} \mathbf{G} \\ \nabla_{\mathbf{G}} \mathbf{y}^\top \mathbf{y} &= 2 \mathbf{X}^\top \mathbf{y}"
    )
    with pytest.raises(NotationError):
        verify("% vector G\n" r"\mathbf{Y} &= \mathbf{G} \mathbf{X} \mathbf{G}")


@pytest.mark.parametrize(
    "row",
    [
        r"\sum_{i=1}^{n} x_i &= \sum_{i=1}^{4} x_i",
        r"\sum_{i=1}^{I} x_i &= \sum_{i=1}^{4} x_i",
        r"\sum_{i=1}^{n} x_i y_i &= \sum_{j=1}^{4} x_j y_j",
        r"\sum_{i=0}^{n-1} x_i &= \sum_{i=0}^{3} x_i",
        r"\frac{1}{I} \sum_i x_i &= \frac{1}{4} \sum_{i=1}^{4} x_i",
        r"a &= \sum_{i=1}^{n} x_i \\ b &= \sum_{j=1}^{4} x_j \\ a &= b",
    ],
)
def test_a_letter_over_a_sum_is_not_the_number_over_another(row: str) -> None:
    assert not verify(row)
    assert not prove(row)


def test_a_letter_over_a_sum_is_a_number_where_a_directive_says_so() -> None:
    assert verify("% size i = 4\n" r"\sum_{i=1}^{n} x_i &= \sum_{i=1}^{4} x_i")


def test_a_range_keeps_its_letter_on_a_page() -> None:
    page = Derivations()
    assert page.check("% size i = D\n" r"m &= \frac{1}{D} \sum_{i=1}^{D} x_i")
    assert page.check(r"D m \mathbf{1}_d &= \mathbf{1}_k x_k \mathbf{1}_d")
    assert not page.check(r"D m &= x_k \mathbf{1}_k \delta_{dd} / D")


def test_a_range_that_a_letter_names_differs_between_instances() -> None:
    assert not verify("% size i = D\n" r"\sum_{i=1}^{D} x_i &= D x_0")
    assert not verify("% size i = D\n" r"\delta_{ii} D &= 4")
    assert not verify(
        r"m_j &= \frac{1}{I} \sum_i e_{ij} \\ \frac{\partial m_j}{\partial e_{pq}} &= \frac{1}{J} \mathbf{1}_p \delta_{jq}"
    )
    assert not verify(r"m &= \frac{1}{I} \sum_i x_i \\ s &= I m \\ 3 m &= s")


ONE_SIGN = {
    "a bounded unit": r"y_i &= \operatorname{relu}(x_i) - \operatorname{relu}(x_i - 6 \mathbf{1}_i) \\ \frac{\partial y_i}{\partial x_p} &= \left( \operatorname{relu}'(x_i) - \operatorname{relu}'(x_i - 6 \mathbf{1}_i) \right) \delta_{ip}",
    "an exponential": r"\operatorname{relu}(e^{e^{x_i}}) &= e^{e^{x_i}}",
    "functions that are never negative": r"\operatorname{relu}(\cosh(x) + \operatorname{softplus}(x)) + \operatorname{relu}(\operatorname{normalcdf}(x) \operatorname{normalpdf}(x)) &= \cosh(x) + \operatorname{softplus}(x) + \operatorname{normalcdf}(x) \operatorname{normalpdf}(x)",
    "a square": r"\operatorname{abs}(x_i^2 + \mathbf{1}_i) &= x_i^2 + \mathbf{1}_i",
    "the root of a square": r"\sqrt{x_i^2} + \sqrt{(e^{x_i})^2} &= \operatorname{abs}(x_i) + e^{x_i}",
    "the root of a cube": r"\sqrt{(x_i^2 + \mathbf{1}_i)^3} &= (x_i^2 + \mathbf{1}_i)^{\frac{3}{2}}",
    "a positive input": "% positive x\n" r"\operatorname{relu}(x_i) &= x_i",
}


@pytest.mark.parametrize("text", ONE_SIGN.values(), ids=ONE_SIGN.keys())
def test_an_argument_that_has_one_sign_everywhere_is_no_fault(text: str) -> None:
    derivation = verify(text)
    assert derivation, str(derivation)


def test_a_piece_that_cannot_be_reached_is_said() -> None:
    (line,) = verify(r"\operatorname{relu}(\sin(x_i) - 2 \mathbf{1}_i) &= 0 \mathbf{1}_i").lines
    assert line.message.startswith("false: cannot be checked: relu(sin(x_i) − 2 1_i) = ")
    said = "sin(x_i) − 2 1_i, the argument of relu(sin(x_i) − 2 1_i), has one sign for all inputs that could be tried"
    assert line.details[0] == said


@pytest.mark.parametrize(
    "text",
    [
        r"\mathbb{1}[x = 0] y &= 0",
        r"p &= \begin{cases} q & y = 1 \\ 1 - q & \text{otherwise} \end{cases} \\ p &= 1 - q",
        r"L &= -\mathbb{1}[y = 1] \log p \\ \frac{dL}{dp} &= \frac{\mathbb{1}[y = 1]}{p}",
    ],
)
def test_a_condition_that_no_random_number_meets_is_said(text: str) -> None:
    line = verify(text).lines[-1]
    assert line.message.startswith("false: cannot be checked: ")
    assert line.details[0] in (
        f"[{name}] is the same for all inputs that could be tried" for name in ("x = 0", "y = 1")
    )


@pytest.mark.parametrize(
    "text",
    [
        r"f(x) &= \begin{cases} x & x \ge 0 \\ -x & x < 0 \end{cases} \\ f'(0) &= 1",
        r"f(x) &= \begin{cases} 0 & x = 0 \\ \sin x & x \neq 0 \end{cases} \\ f'(0) &= 0",
    ],
)
def test_a_function_of_pieces_has_no_derivative_where_they_meet(text: str) -> None:
    line = verify(text).lines[-1]
    assert line.message.startswith("false: cannot be checked: ")


def test_a_condition_that_no_random_number_meets_may_stand_in_what_is_proved() -> None:
    text = r"L &= -\mathbb{1}[y = 1] \log p \\ \frac{dL}{dp} &= -\frac{\mathbb{1}[y = 1]}{p}"
    assert verify(text).lines[-1].verdict == "proved"


LOSS_LETTERS = {
    "J, a sum over i and j": r"J &= \sum_{i,j} e_{ij}^2 \\ \frac{\partial J}{\partial e_{ij}} &= 2 e_{ij}",
    "L, a sum over l": r"L &= \sum_l x_l^2 \\ \frac{\partial L}{\partial x_l} &= 2 x_l",
    "E, contracted": r"E &= x_e x_e \\ y_e &= E x_e \\ \frac{\partial E}{\partial x_e} x_e &= 2 E",
    "a temperature": "% positive T\n"
    r"p_t &= \frac{e^{x_t / T}}{\mathbf{1}_s e^{x_s / T}} \\ \frac{\partial p_t}{\partial T} &= \frac{p_t}{T^2} \left( \mathbf{1}_t p_s x_s - x_t \right)",
    "differentiated by, further down": r"s_j &= J x_j \\ 3 s_j &= J x_j \cdot 3 \\ \frac{\partial s_j}{\partial J} &= x_j",
    "differentiated, further down": r"y_j &= x_j^2 \\ \frac{\partial y_j}{\partial x_k} &= 2 x_j \delta_{jk} \\ \frac{\partial J}{\partial x_j} &= 2 x_j \frac{\partial J}{\partial y_j}",
    "in two rows": r"J &= x_j x_j \\ m_j &= \frac{x_j}{J} \\ J m_j &= x_j",
}  # fmt: skip


@pytest.mark.parametrize("text", LOSS_LETTERS.values(), ids=LOSS_LETTERS.keys())
def test_the_letter_of_a_loss_is_not_the_number_of_values_of_an_index(text: str) -> None:
    derivation = verify(text)
    assert derivation, str(derivation)
    assert not any("number of values" in line.checked for line in derivation.lines)


def test_a_definition_of_a_letter_is_not_a_claim_about_an_index() -> None:
    text = r"J &= \sum_{i,j} e_{ij}^2 \\ \mathbf{1}_j \mathbf{1}_j &= J"
    defined, line = verify(text).lines
    assert (defined.kind, line.holds) == ("definition", False)
    assert line.details[-1] == "J is a tensor here, not the number of values of j"


def test_a_letter_that_is_defined_further_down_is_not_a_number_of_values_above() -> None:
    above, line = verify(r"J y_j &= y_j J \\ J &= y_j y_j").lines
    assert above.holds
    assert "number of values" not in above.checked
    assert not line.holds


def test_a_capital_of_an_index_that_has_no_other_meaning_is_its_number_of_values_and_that_is_said() -> None:
    for text, capital in (
        (r"m_b &= \frac{1}{H} \mathbf{1}_h x_{bh} \\ m_b &= x_{bh} \mathbf{1}_h / H", "H"),
        (r"N &= \mathbf{1}_n \mathbf{1}_n \\ s &= N x_n x_n \\ s / N &= x_n x_n", "N"),
        (r"p_t &= x_t / T \\ T p_t &= x_t", "T"),
    ):
        lines = verify(text).lines
        assert all(line.holds for line in lines)
        said = f"; {capital} is the number of values of {capital.lower()}"
        assert all(line.checked.endswith(said) for line in lines), lines


def test_a_letter_has_one_meaning_on_a_page() -> None:
    page = Derivations()
    assert page.check(r"J &= \sum_j x_j^2")
    assert page.check(r"\frac{\partial J}{\partial x_j} &= 2 x_j \\ J y_j &= x_i x_i y_j")
    with pytest.raises(NotationError, match="J has a meaning already"):
        page.check(r"s &= \sum_{j=1}^{J} x_j")
    page = Derivations()
    assert page.check(r"\mathbf{1}_j \mathbf{1}_j &= J")
    with pytest.raises(NotationError, match="J was the range of j further up on this page") as caught:
        page.check(r"z_i &= 2 x_i \\ J &= \sum_j x_j^2")
    assert caught.value.expected == "another letter, or % new"
    assert caught.value.position == (0, 16)
    with pytest.raises(NotationError, match="J was the range of j"):
        page.check(r"\frac{\partial J}{\partial x_j} &= 2 x_j")
    assert page.check("% new\n" r"J &= \sum_j x_j^2 \\ \frac{\partial J}{\partial x_j} &= 2 x_j")


def test_a_derivative_that_is_set_to_0_is_shown_as_not_checked_and_only_with_its_directive() -> None:
    rows = r"s &= x^2 \\ \frac{ds}{dx} &= 2 x = 0"
    derivation = verify("% stationary\n" + rows)
    assert derivation
    assert derivation.note == "Where a row ends in $= 0$, its derivative is set to 0; this is not checked."
    assert "'% stationary', if the derivative is set to 0, and not 0 everywhere" in verify(rows).lines[-1].details
    assert not verify(rows).note
