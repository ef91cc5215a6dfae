"""Derivations of blogs, notes and papers, rewritten in the notation: they hold, and with a slip of the pen they do not.

`literal` is the text of the source, `rewritten` the same in the notation, `false_variant` has one mistake.
"""
# ruff: noqa: E501 (a line of a text is a line of the table)

import json
from pathlib import Path

import pytest
from derivation_mutants import count
from derivation_oracle import FUNCTIONS as OF_ORACLE

from einsum_doc import NotationError, verify
from einsum_doc.compute.checking.instances import PIECEWISE
from einsum_doc.notation.reading.vocabulary import FUNCTIONS

PATH = Path(__file__).parents[2] / "derivations" / "of_the_field.json"
UNEXPLAINED = (
    "karpathy bessel batchnorm",  # N/(N - 1)
    "rmsnorm WRONG (chrisjob)",  # w under the sum, not before it
    "GELU erf",  # a factor of the root of 2
    "cookbook a^T X^T X b",  # two terms taken for twice one
)
"""False variants whose mistake is no single slip that the message could name."""

TEXTS = json.loads(PATH.read_text("utf-8"))
CASES = [case for case in TEXTS if case["rewritten"]]


def test_the_oracle_takes_no_function_with_a_meaning_for_an_arbitrary_one() -> None:
    assert (FUNCTIONS.keys() - {"ln"}) | PIECEWISE <= OF_ORACLE.keys()  # ln is read as log.


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_derivation_of_the_field_holds_and_its_false_variant_does_not(case: dict[str, str]) -> None:
    derivation = verify(case["rewritten"])
    assert derivation, str(derivation)
    if case["name"] == "rc einsum dots":  # Without its deltas, the indices are left alone.
        with pytest.raises(NotationError, match="occurs once and is not free"):
            verify(case["false_variant"])
        return
    false = [line for line in verify(case["false_variant"]).lines if not line.holds]
    assert len(false) == 1
    assert false[0].message.startswith(("false: ", "refused: "))
    assert "cannot be checked" not in false[0].message
    explained = "refused" in false[0].message or not false[0].details[0].startswith(("at ", "left "))
    assert (case["name"] in UNEXPLAINED) != explained


def test_a_sample_of_the_mutants_of_the_field_is_found_out() -> None:
    outcome = count(every=60, only="field: ", share=0)
    assert outcome.made.total() > 30
    assert outcome.rate == 1, str(outcome)


@pytest.mark.slow
def test_all_mutants_of_the_field_are_found_out() -> None:
    outcome = count(only="field: ", jobs=2)
    assert outcome.made.total() > 2000
    assert outcome.rate == 1, str(outcome)
    assert not outcome.alarms, str(outcome)


AS_THEY_STAND = {
    "rc layernorm result",
    "rc einsum dots",
    "cs231n sigmoid",
    "d2l mlp weight decay",
    "attention dV (willetts)",
    "cookbook a^T X^T X b",
    "cookbook det",
    "cookbook Frobenius",
    "cookbook unit vector",
}
"""The texts that hold exactly as their sources have them; those that only define names are not among them."""

READ = AS_THEY_STAND | {
    "d2l linear regression",
    "d2l bptt",
    "layernorm Jacobian (liorsinai)",
    "rmsnorm WRONG (chrisjob)",
    "weight norm",
    "attention dQ dK scale",
    "singular values",
    "d log|C| kernel",
    "von Mises",
    "dropout",
    "InfoNCE",
    "batchnorm (wise)",
}
"""The texts that are read exactly as their sources have them, though they lack a definition, or are false."""

ADDED = {
    "rc cross-entropy": ("% fixed T\n"),
    "cs231n softmax": ("% name y_i, L_i\n% fixed y_i\n"),
    "d2l bptt": ("% let \\mathbf{h}_{t+1} = W_hh @ h_t\n% let \\mathbf{o}_t = W_qh @ h_t\n"),
    "batchnorm (wise)": (
        "\\mu = \\frac{1}{m} \\sum_{i=1}^{m} x_i \\\\ \\sigma^2 = \\frac{1}{m} \\sum_{i=1}^m (x_i - \\mu 1_i)^2 \\\\ \\hat{x}_i = \\frac{x_i - \\mu 1_i}{\\sqrt{\\sigma^2 + \\epsilon}} \\\\\n"
    ),
    "layernorm Jacobian (liorsinai)": (
        "% size i = n\n"
        "\\mu = \\frac{1}{n} \\sum_i x_i \\\\ \\sigma = \\sqrt{\\frac{1}{n} \\sum_i (x_i - \\mathbf{1}_i \\mu)^2} \\\\ z_i = \\frac{x_i - \\mathbf{1}_i \\mu}{\\sigma} \\\\\n"
    ),
    "weight norm": ("% vector \\mathbf{w}\n\\mathbf{w} = g \\frac{\\mathbf{v}}{\\|\\mathbf{v}\\|} \\\\ \n"),
    "GELU erf": ("% function \\Phi = normalcdf\n% function \\phi = normalpdf\n"),
    "attention dQ dK scale": (
        "% gradient L\n% positive d\n\\mathbf{S} = \\frac{1}{\\sqrt{d}} \\mathbf{Q} \\mathbf{K}^\\top \\\\ \n"
    ),
    "BCE logistic (roelants)": ("y = \\operatorname{sigmoid}(z) \\\\ \\xi = -t \\log(y) - (1-t) \\log(1-y) \\\\ \n"),
    "singular values": (
        "% let U = torch.linalg.svd(A, full_matrices=False)[0]\n"
        "% let \\sigma = torch.linalg.svd(A, full_matrices=False)[1]\n"
        "% let V = torch.linalg.svd(A, full_matrices=False)[2].T\n"
    ),
    "MVN mean": ("% samples i\n% matrix \\Sigma\n% symmetric \\Sigma\n"),
    "d log|C| kernel": ("% matrix \\Sigma' = \\frac{\\partial \\Sigma_{ij}}{\\partial \\rho}\n"),
    "PCA Rayleigh": ("% vector w\n% matrix S\n% symmetric S\n"),
    "von Mises": ("% size i = 3\n"),
    "LSTM step": (
        "% gradient L\n"
        "% label t\n"
        "% vector c_t c_{t-1} f_t i_t g_t h_t o_t c_{t+1} f_{t+1}\n"
        "% let c_{t+1} = c_t * f_t_plus_1\n"
    ),
    "d2l linear regression": "\\mathbf{w} = (\\mathbf X^\\top \\mathbf X)^{-1}\\mathbf X^\\top \\mathbf{y} \\\\\n",
    "karpathy bessel batchnorm": (
        "% gradient L\n% name hpreb\n% size i = n\n"
        "\\mu = \\frac{1}{n} \\sum_i hpreb_i \\\\ \\sigma^2 = \\frac{1}{n-1} \\sum_i (hpreb_i - \\mu 1_i)^2 \\\\\n"
        "\\hat{x}_i = \\frac{hpreb_i - \\mu 1_i}{\\sqrt{\\sigma^2 + \\epsilon}} \\\\ y_i = \\gamma \\hat{x}_i + 1_i \\beta \\\\\n"
    ),
    "Adam/momentum": ("% value t, i\n% zero outside m\nm_t = (1-\\beta_1) \\sum_{i=1}^t \\beta_1^{t-i} g_i \\\\\n"),
    "t-SNE": (
        "% samples i j k l\n% vector y\n% positive w\n% size i = j\n"
        "p_{ij} = \\frac{w_{ij} + w_{ji}}{2 \\sum_{k,l} w_{kl}} \\\\\n"
        "q_{ij} = \\frac{(1 + \\|y_i - y_j\\|^2)^{-1}}{\\sum_{k \\neq l} (1 + \\|y_k - y_l\\|^2)^{-1}} \\\\\n"
        "C = \\sum_i \\sum_j p_{ij} \\log \\frac{p_{ij}}{q_{ij}} \\\\\n"
    ),
    "Fisher of softmax": (
        "% vector p z\n% matrix F\np = \\operatorname{softmax}(z) \\\\\n"
        "F = \\frac{\\partial^2 \\operatorname{logsumexp}(z)}{\\partial z \\partial z^\\top} \\\\\n"
    ),
    "focal loss": ("% name FL\np = \\operatorname{sigmoid}(x) \\\\\n"),
}
"""Lines before a text with which it holds as it stands: directives, and definitions that its page has in words."""


def test_as_many_texts_are_read_and_hold_as_are_said() -> None:
    assert (len(TEXTS), len(READ), len(AS_THEY_STAND), len(AS_THEY_STAND | ADDED.keys())) == (49, 21, 9, 30)


@pytest.mark.parametrize("case", TEXTS, ids=lambda case: case["name"])
def test_a_text_of_the_field_is_read_as_it_stands(case: dict[str, str]) -> None:
    name = case["name"]
    if name not in READ:
        with pytest.raises(NotationError):
            verify(case["literal"])
        return
    derivation = verify(case["literal"])
    claims = [line for line in derivation.lines if line.kind == "claim"]
    assert (name in AS_THEY_STAND) == bool(derivation and claims)


@pytest.mark.parametrize("name", ADDED)
def test_a_text_of_the_field_holds_with_what_its_page_says_in_words(name: str) -> None:
    (literal,) = (case["literal"] for case in TEXTS if case["name"] == name)
    derivation = verify(ADDED[name] + literal)
    assert derivation, str(derivation)
    assert any(line.kind == "claim" for line in derivation.lines)
