"""The gradient of an equation is an equation."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from einsum_doc import OperandError, gradient, parse

CASES = json.loads((Path(__file__).parent / "cases" / "einsum_cases.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", [c for c in CASES if "expected_gradient_equations" in c], ids=lambda c: c["equation"])
def test_gradient_equations(case: dict[str, list[str]]) -> None:
    expected = case["expected_gradient_equations"]
    assert [str(gradient(str(case["equation"]), wrt)) for wrt in range(len(expected))] == expected


@pytest.mark.parametrize(
    ("equation", "gradients"),
    [
        ("ijk,ip->jkp", ["jkp,ip->ijk", "jkp,ijk->ip"]),
        ("ij->i", ["i->ij"]),
        ("ii->", ["->ii"]),
        ("i->ii", ["ii->i"]),
        ("i->ij", ["ij->i"]),
        ("iij,jk->ik", ["ik,jk->iij", "ik,iij->jk"]),
    ],
)
def test_the_operand_and_the_output_trade_places(equation: str, gradients: list[str]) -> None:
    assert [str(gradient(equation, wrt)) for wrt in range(len(gradients))] == gradients


def test_the_gradient_of_the_gradient_is_the_equation() -> None:
    for text in ("ijk,ip->jkp", "iij,jk->ik", "ij->i", "i->ijj"):
        assert gradient(gradient(text, 0), 0) == parse(text)


@pytest.mark.parametrize("wrt", [-1, 2])
def test_there_is_no_such_operand(wrt: int) -> None:
    with pytest.raises(OperandError, match=f"there is no operand {wrt}"):
        gradient("ij,jk->ik", wrt)


def test_importing_loads_neither_torch_nor_mkdocs() -> None:
    code = (
        "import sys, einsum_doc\n"
        "einsum_doc.gradient('ij,jk->ik', 0), einsum_doc.EquationError\n"
        "print([name for name in ('torch', 'mkdocs', 'numpy', 'opt_einsum') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.torch
def test_every_public_name_is_there() -> None:
    import einsum_doc

    assert all(getattr(einsum_doc, name) is not None for name in einsum_doc.__all__)
    assert set(einsum_doc.__all__) <= set(dir(einsum_doc))
    with pytest.raises(AttributeError, match="no attribute 'gradients'"):
        _ = einsum_doc.gradients
