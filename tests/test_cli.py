"""The commands, as they are typed."""

import json
import subprocess
import sys

import pytest

from einsum_doc import OperandError
from einsum_doc.cli import main
from einsum_doc.compute.contraction.binding import read_sizes


def test_gradient_says_roles_and_equations(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gradient", "ijk,ip->jkp"]) == 0
    out = capsys.readouterr().out
    assert "  gradient 0  jkp,ip->ijk\n  gradient 1  jkp,ijk->ip\n" in out
    assert "  i    contracted              operand 0, operand 1\n" in out
    assert "Σ_i x0[i,j,k] x1[i,p]" in out


def test_one_operand_and_cost(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gradient", "ij,jk->ik", "--wrt", "1", "--sizes", "i=10,j=20,k=30"]) == 0
    out = capsys.readouterr().out
    assert "gradient 1  ik,ij->jk" in out
    assert "gradient 0" not in out
    assert "18,000" in out


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gradient", "...ij->i", "--json", "--sizes", "i=2,j=3,...=4x5"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["gradients"] == {"0": "i->...ij"}
    assert facts["roles"]["j"] == ["summed alone"]
    assert set(facts["cost"]) == {"sizes", "forward", "sweep", "naive"}


@pytest.mark.parametrize("library", ["torch", "numpy", "jax"])
def test_source_text(library: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gradient", "ij,jk->ik", f"--{library}"]) == 0
    out = capsys.readouterr().out
    assert out.count("def gradient_") == 2
    assert f"import {library}" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gradient", "ij,j1->i"], "EquationError: stray character '1'\n  ij,j1->i\n      ^\n"),
        (["gradient", "ij->i", "--wrt", "1"], "OperandError: there is no operand 1"),
        (["gradient", "ij->i", "--sizes", "i=a"], "OperandError: sizes are written as i=4,j=3"),
        (["gradient", "ij->i", "--sizes", "i=2"], "OperandError: label 'j' has no size"),
    ],
)
def test_an_error_is_said_and_is_exit_status_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(message)
    assert captured.out == ""


def test_sizes() -> None:
    assert read_sizes("i=4, j=3") == {"i": 4, "j": 3}
    assert read_sizes("...=2x5") == {"...": (2, 5)}
    assert read_sizes("...=") == {"...": ()}
    for wrong in ("i", "i=", "i=2x3", "i=-1", "...=2xa"):
        with pytest.raises(OperandError):
            read_sizes(wrong)


def test_gradient_does_not_import_torch() -> None:
    code = (
        "import sys; from einsum_doc.cli import main\n"
        "main(['gradient', 'ij,jk->ik', '--sizes', 'i=2,j=3,k=4']); main(['gradient', 'ij->i', '--torch'])\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


def test_a_reader_that_has_seen_enough() -> None:
    command = [sys.executable, "-m", "einsum_doc.cli", "derive", "ab,bc,cd,de,ef->af"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as ended:
        assert ended.stdout is not None
        ended.stdout.close()
        assert ended.stderr is not None
        assert ended.stderr.read() == b""
    assert ended.returncode == 141
