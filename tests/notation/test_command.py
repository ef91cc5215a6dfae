"""`einsum-doc derive`: what it prints, and what it says when something is wrong."""

from __future__ import annotations

import json

import pytest

from einsum_doc import derive
from einsum_doc.cli import main
from einsum_doc.compute.derivation import Derivations


def test_the_command_prints_a_derivation_for_each_operand(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["derive", "ij,jk->ik"]) == 0
    printed = capsys.readouterr().out
    assert printed == f"{derive('ij,jk->ik', 0)}\n\n\n{derive('ij,jk->ik', 1)}\n"


def test_the_command_prints_other_forms(capsys: pytest.CaptureFixture[str]) -> None:
    derivation = derive("ij,kj->ik", 0, names=("a", "a"), output="c")
    arguments = ["derive", "ij,kj->ik", "--wrt", "0", "--names", "a,a", "--output", "c"]
    assert main([*arguments, "--latex"]) == 0
    assert capsys.readouterr().out == derivation.latex() + "\n"
    assert main([*arguments, "--markdown"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(
        "### ij,kj->ik: the gradient of a is ik,kj->ij + ik,ij->kj\n\n```derivation\n% new\nc_{ik} &= "
    )
    assert derivation.latex() in printed
    assert main([*arguments, "--json"]) == 0
    [facts] = json.loads(capsys.readouterr().out)
    assert facts["equations"] == ["ik,kj->ij", "ik,ij->kj"]
    assert facts["steps"][0]["rule"] == "definition"
    assert main([*arguments, "--svg"]) == 0
    assert capsys.readouterr().out.startswith("<svg")


def test_the_command_says_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["derive", "ij,jk->ik", "--wrt", "2"]) == 2
    assert capsys.readouterr().err.startswith("OperandError: there is no operand 2")


def test_the_markdown_of_a_derivation_can_stand_on_a_page_with_others() -> None:
    page = Derivations()
    for wrt in (0, 1):
        fence = derive("ij,jk->ik", wrt).markdown().split("```derivation\n")[1].split("\n```")[0]
        assert page.check(fence)
