"""The plugin, and the extension for Zensical, where a package that they need is not installed."""

from __future__ import annotations

import pytest

from ..conftest import EXTENSION, PLAIN, Project

YAML = PLAIN.replace("[adm", f"[{EXTENSION}, adm")
FENCE = '{name = "einsum", class = "einsum", format = "einsum_doc.pages.extension.never"}'
TOML = f"""\
[project]
site_name = "A site"

[project.markdown_extensions."einsum_doc.pages.extension"]

[project.markdown_extensions.pymdownx.superfences]
custom_fences = [{FENCE}]
"""
MISSING = {"lib/pygments_ansi_color.py": "raise ModuleNotFoundError(name='pygments_ansi_color')\n"}


@pytest.mark.parametrize(
    ("builder", "more"), [("mkdocs", {}), ("zensical", {"mkdocs.yml": YAML}), ("zensical", {"zensical.toml": TOML})]
)
def test_a_missing_package_is_named_without_a_traceback(project: Project, builder: str, more: dict[str, str]) -> None:
    project.write({"index": "# Title\n"}, PLAIN, MISSING | more)
    built = project.build(builder=builder, PYTHONPATH=str(project.folder / "lib"))
    assert built.status == 1
    assert "einsum-doc needs pygments_ansi_color: pip install 'einsum-doc[docs]'" in built.console
    assert "Traceback" not in built.console


def test_check_names_a_missing_package(project: Project) -> None:
    project.write({"index": "# Title\n"}, PLAIN, MISSING)
    checked = project.run("einsum-doc", "check", PYTHONPATH=str(project.folder / "lib"))
    assert checked.returncode == 2
    assert "check needs pygments_ansi_color: pip install 'einsum-doc[docs]'" in checked.stderr
