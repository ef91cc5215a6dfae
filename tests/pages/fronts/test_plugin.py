"""The plugin where a package that it needs is not installed."""

from __future__ import annotations

from ..conftest import PLAIN, Project


def test_a_missing_package_is_named_without_a_traceback(project: Project) -> None:
    missing = "raise ModuleNotFoundError(name='pygments_ansi_color')\n"
    project.write({"index": "# Title\n"}, PLAIN, {"lib/pygments_ansi_color.py": missing})
    library = str(project.folder / "lib")
    built = project.build(PYTHONPATH=library)
    assert built.status == 1
    assert "einsum-doc needs pygments_ansi_color: pip install 'einsum-doc[docs]'" in built.console
    assert "Traceback" not in built.console
    checked = project.run("einsum-doc", "check", PYTHONPATH=library)
    assert checked.returncode == 2
    assert "check needs pygments_ansi_color: pip install 'einsum-doc[docs]'" in checked.stderr
