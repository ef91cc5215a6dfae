"""The package as it is published: built, checked, and used on a site in an environment of its own."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CONFIG = """\
site_name: A site
markdown_extensions: [pymdownx.superfences]
plugins: [markdown-exec, einsum-doc]
"""
CODE = 'from einsum_doc import gradient\n\nassert str(gradient("ij->i", 0)) == "i->ij"'
PAGE = f'# Title\n\n```python exec="on"\n{CODE}\n```\n'
DERIVATION = "\n```derivation\ny_i &= x_i\n```\n"


def run(*command: str | Path, folder: Path, status: int = 0) -> str:
    """Return what a command writes, if it ends with the status."""
    ended = subprocess.run(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert ended.returncode == status, ended.stdout
    return ended.stdout


@pytest.mark.slow
def test_what_is_published_builds_a_site_without_torch(tmp_path: Path) -> None:
    run(sys.executable, "-m", "build", "--outdir", tmp_path, ROOT, folder=tmp_path)
    [source], [wheel] = tmp_path.glob("*.tar.gz"), tmp_path.glob("*.whl")
    run(sys.executable, "-m", "twine", "check", "--strict", source, wheel, folder=tmp_path)
    files = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("einsum_doc/**/*.*") if path.suffix != ".pyc"}
    with zipfile.ZipFile(wheel) as archive:
        assert {name for name in archive.namelist() if ".dist-info/" not in name} == files
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert files < names
    assert not [name for name in names if name.startswith("tests")]

    venv.create(tmp_path / "environment", with_pip=True)
    programs = tmp_path / "environment/bin"
    constraints = ROOT / "constraints.txt"
    run(programs / "pip", "install", "-q", "-c", constraints, f"{wheel}[docs]", folder=tmp_path)
    assert "torch" not in run(programs / "pip", "list", folder=tmp_path)
    printed = run(programs / "einsum-doc", "gradient", "ij->i", "--sizes", "i=2,j=3", folder=tmp_path)
    assert "gradient 0  i->ij" in printed
    (tmp_path / "docs").mkdir()
    (tmp_path / "mkdocs.yml").write_text(CONFIG)
    page = tmp_path / "docs/index.md"
    page.write_text(PAGE)
    assert "1 page, 1 block, 1 assertion held" in run(programs / "mkdocs", "build", "--strict", folder=tmp_path)
    page.write_text(PAGE + DERIVATION)
    failed = run(programs / "mkdocs", "build", folder=tmp_path, status=1)
    message = "TorchMissingError: the fence `derivation` needs PyTorch: pip install 'einsum-doc[torch]'"
    assert f"docs/index.md:10: {message}" in failed
