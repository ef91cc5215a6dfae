"""Modules that are imported once, before the first page runs, and the advice to do so."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from einsum_doc.pages.engine.connection import ForkServer

from ..conftest import PLAIN, Project

HEAVY = "import os\nwith open('imports', 'a') as file:\n    print(os.getpid(), file=file)\n"
PAGE = "```python exec='on'\nimport library\nassert library.heavy\n```\n"


def test_a_module_is_preloaded_for_every_page(project: Project) -> None:
    """Pages that import it through the library do not mention it."""
    config = PLAIN.replace("einsum-doc]", "{einsum-doc: {preload: [heavy]}}]")
    files = {"heavy.py": HEAVY, "library.py": "import heavy\n"}
    project.write({"index": PAGE, "a": PAGE + "\nText.\n"}, config, files)
    built = project.build()
    assert built.status == 0, built.console
    imports = project.folder / "imports"
    assert len(imports.read_text().split()) == 1
    project.write({}, config, {"heavy.py": HEAVY + "edited = True\n"})
    project.build(EINSUM_DOC_EXPLAIN="1")
    assert len(imports.read_text().split()) == 2


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ForkServer]:
    (tmp_path / "heavy.py").write_text("x = 1\n")
    server = ForkServer(tmp_path, ["heavy"], 1)
    yield server
    server.close()


def test_a_server_that_has_loaded_an_edited_file_forks_no_more(server: ForkServer) -> None:
    assert server.is_current()
    assert server.serves(["heavy"])
    assert not server.serves(["other"])
    (server.root / "heavy.py").write_text("x = 2\n")
    assert not server.is_current()
    assert not server.serves(["heavy"])
    assert not (server.root / "__pycache__").exists()


def test_imports_of_installed_packages_are_timed(tmp_path: Path) -> None:
    """In a process of its own: the finder stays."""
    warns = "import time, warnings\nwarnings.warn('old', DeprecationWarning, stacklevel=2)\ntime.sleep(0.15)\n"
    (tmp_path / "heavy.py").write_text(f"import inner\n{warns}")
    (tmp_path / "inner.py").write_text("import time\ntime.sleep(0.15)\n")
    (tmp_path / "light.py").write_text("")
    program = f"""
import sys
from einsum_doc.pages.worker import recorder
from einsum_doc.pages.worker.imports import ImportTimes
recorder.PACKAGES.add({str(tmp_path)!r})
sys.path[:0] = [{str(tmp_path)!r}]
times = ImportTimes()
import heavy
import light
try:
    import missing
except ModuleNotFoundError:
    pass
[(name, seconds)] = times.seconds.items()
assert name == "heavy" and 0.3 <= seconds, (name, seconds)
assert type(heavy.__spec__).__name__ == "ModuleSpec" and not times.is_busy
"""
    run = subprocess.run([sys.executable, "-W", "always", "-c", program], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "<string>:8: DeprecationWarning: old" in run.stderr


@pytest.mark.slow
def test_an_import_that_many_pages_repeat_is_told(project: Project) -> None:
    """Nothing on the pages mentions torch: the library imports it."""
    project.write({"index": PAGE, "a": PAGE, "b": PAGE}, files={"library.py": "import torch as heavy\n"})
    told = "took \\d.* s to import torch: with torch in the option `preload`, it is imported once"
    assert re.search(f"3 pages {told}", project.build().console)
    named = PLAIN.replace("einsum-doc]", "{einsum-doc: {preload: [torch]}}]")
    assert not re.search(told, project.write({}, named).build().console)
