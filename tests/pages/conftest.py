"""Whole small sites, built by the real mkdocs, or another real builder, in a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

SITES = Path(__file__).parent.parent / "sites"
MKDOCS = str(Path(sys.executable).with_name("mkdocs"))
PLAIN = """\
site_name: A site
markdown_extensions: [admonition, attr_list, pymdownx.superfences]
plugins: [markdown-exec, einsum-doc]
"""
EXTENSION = "{einsum_doc.pages.extension: {cache: !!python/name:einsum_doc.pages.extension.never }}"
"""What the list of Markdown extensions must begin with, for Zensical to run blocks."""
BUILDERS = {
    "mkdocs": [MKDOCS, "build"],
    # The theme of the small sites, which come without one, is a package of its own for ProperDocs.
    "properdocs": [str(Path(MKDOCS).with_name("properdocs")), "build", "--theme", "material", "-f", "mkdocs.yml"],
    "zensical": [str(Path(MKDOCS).with_name("zensical")), "build"],
}


@dataclass(frozen=True)
class Built:
    """What a person has after `mkdocs build`."""

    status: int
    console: str
    site: Path

    def page(self, name: str = "index") -> str:
        """The HTML of a page."""
        path = self.site / ("index.html" if name == "index" else f"{name}/index.html")
        return path.read_text("utf-8")

    @property
    def pages(self) -> list[str]:
        """The pages that were written."""
        return sorted(str(path.relative_to(self.site)) for path in self.site.rglob("*.html"))


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """Of a terminal that is none: no colours, no width, Material's banner silenced."""
    silent = {"NO_MKDOCS_2_WARNING": "1", "PYTHONWARNINGS": ""}
    return {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")} | silent


@pytest.fixture
def build(tmp_path: Path, environment: dict[str, str]) -> Callable[..., Built]:
    """Build one of tests/sites/, or the pages that are given: `build("ok", "-q")`, `build({"index": "# Title"})`."""

    def build(site: str | Mapping[str, str], *options: str, config: str = PLAIN) -> Built:
        folder = tmp_path / "project"
        if isinstance(site, str):
            shutil.copytree(SITES / site, folder, dirs_exist_ok=True)
        else:
            write_pages(folder, site, config)
        return mkdocs_build(folder, environment, *options)

    return build


def mkdocs_build(folder: Path, environment: Mapping[str, str], *options: str, builder: str = "mkdocs") -> Built:
    """Run the real `mkdocs build`, or that of another builder, in a folder, with its console in a pipe."""
    ended = subprocess.run(
        [*BUILDERS[builder], *options],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    return Built(ended.returncode, ended.stdout, folder / "site")


def write_pages(folder: Path, pages: Mapping[str, str], config: str = PLAIN) -> None:
    """Write a small project: `pages` maps a page's name, without its ending, to its Markdown."""
    for name, text in pages.items():
        path = folder / "docs" / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8"))
    (folder / "mkdocs.yml").write_text(config)
