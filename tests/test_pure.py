"""What stands at the top of the tree runs on the standard library alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PURE = [
    "errors",
    "equation",
    "derivatives",
    *sorted(
        ".".join(path.relative_to(ROOT / "einsum_doc").with_suffix("").parts)
        for folder in ("notation", "pages/record")
        for path in ROOT.glob(f"einsum_doc/{folder}/**/[!_]*.py")
    ),
]

UNIMPORTABLE = """
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import PathFinder

class OnlyTheStandardLibrary(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names or top == "einsum_doc":
            return None
        raise ModuleNotFoundError(f"{name} is not to be imported", name=name)

sys.meta_path.insert(0, OnlyTheStandardLibrary())
sys.path.insert(0, sys.argv[1])
"""


def run(code: str) -> str:
    """What a fresh Python prints that finds nothing but the standard library and us."""
    ended = subprocess.run(
        [sys.executable, "-S", "-c", UNIMPORTABLE + code, str(ROOT)], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_the_others_are_unimportable_there() -> None:
    names = ["torch", "numpy", "mkdocs", "opt_einsum", "sympy"]
    tries = (f"try:\n    import {name}\nexcept ModuleNotFoundError as error:\n    print(error)\n" for name in names)
    assert run("".join(tries)) == "".join(f"{name} is not to be imported\n" for name in names)


def test_pure_modules_import() -> None:
    assert len(PURE) > 40
    run("".join(f"import einsum_doc.{module}\n" for module in PURE))


def test_an_einsum_is_derived_written_and_read_there() -> None:
    printed = run(
        "from einsum_doc import derive, gradient, parse\n"
        "from einsum_doc.notation.reading.parse import parse_notation\n"
        "derivation = derive('ijk,ip->jkp', wrt=0)\n"
        "parse_notation(derivation.latex())\n"
        "assert str(derivation)\n"
        "print(derivation.equation, gradient('ijk,ip->jkp', wrt=0), parse('ij,jk'))"
    )
    assert printed == "jkp,ip->ijk jkp,ip->ijk ij,jk->ik\n"


def test_a_derivation_is_proved_or_refuted_there() -> None:
    printed = run(
        "from einsum_doc import prove\n"
        r"text = '% let y = torch.linalg.inv(x)' '\n' r'x_{ij} y_{jk} &= \delta_{ik} \\ y_{ij} &= x_{ij}'"
        "\n"
        "print([line.verdict for line in prove(text).lines])"
    )
    assert printed == "['proved', 'false']\n"


def test_the_command_derives_there() -> None:
    printed = run("from einsum_doc.cli import main\nassert main(['derive', 'ij->i', '--latex']) == 0")
    assert printed.startswith("z_{i} &= x_{ij} \\, \\mathbf{1}_{j}")


def test_what_needs_torch_says_how_it_is_installed() -> None:
    printed = run("try:\n    from einsum_doc import einsum\nexcept ImportError as error:\n    print(error)")
    assert printed == "einsum_doc.einsum needs PyTorch: pip install 'einsum-doc[torch]'\n"
