"""To Python, the code of a block stands in its Markdown file: to tracebacks, to warnings, to the tool coverage."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from html import unescape
from pathlib import Path

import coverage
import pytest

from .conftest import PLAIN, Built, write_pages

Build = Callable[..., Built]
PAGE = '''\
---
title: A page
---

# A page

```python exec="on"
import library

value = library.one(
    1
)
if value == 2:
    print("not reached")


def function():
    """With a docstring."""
    return value


assert value == 1
```

- Item

    ```python exec="on"
    function()
    ```

```python
never = "shown only"
```

```pycon exec="on"
>>> other = 3
3
>>> function()
1
```
'''
OTHER = '# Other\n\n```python exec="on"\nimport library\n\nassert library.one(0) == 1\n```\n'
LIBRARY = "def one(value):\n    if value:\n        return value\n    return 1\n"
SETTINGS = (
    "[run]\nparallel = true\npatch = subprocess\nplugins = einsum_doc.pages.fronts.coverage\nsource = library, docs\n"
)


TOLD = """\
import sys, traceback, warnings

def fails():
    1 / 0

try:
    fails()
except ZeroDivisionError:
    traceback.print_exc()
warnings.warn("mind the gap")
"""


def test_tracebacks_and_warnings(build: Build) -> None:
    built = build({"index": f'# Title\n\nText.\n\n```python exec="on"\n{TOLD}```\n'})
    assert built.status == 0, built.console
    [errors] = re.findall(r'<pre class="err">(.*?)</pre>', built.page(), re.S)
    written = unescape(errors)
    assert '  File "docs/index.md", line 12, in <module>\n    fails()\n' in written
    assert '  File "docs/index.md", line 9, in fails\n    1 / 0\n' in written
    assert 'docs/index.md:15: UserWarning: mind the gap\n  warnings.warn("mind the gap")' in written


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Path:
    """A project whose build has been measured, on more than one worker."""
    folder = tmp_path_factory.mktemp("measured")
    write_pages(folder, {"index": PAGE, "other": OTHER}, PLAIN)
    (folder / "library.py").write_text(LIBRARY)
    (folder / ".coveragerc").write_text(SETTINGS)
    for command in (["run", "-m", "mkdocs", "build", "-q"], ["combine", "-q"]):
        ended = run(folder, environment, *command)
        assert ended.returncode == 0, ended.stdout + ended.stderr
    return folder


def run(folder: Path, environment: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "coverage", *command],
        cwd=folder,
        env=environment | {"EINSUM_DOC_NO_CACHE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_measures_what_blocks_run(measured: Path) -> None:
    data = coverage.CoverageData(str(measured / ".coverage"))
    data.read()
    files = {Path(file).relative_to(measured).as_posix(): set(data.lines(file) or ()) for file in data.measured_files()}
    assert files.keys() == {"docs/index.md", "docs/other.md", "library.py"}
    assert files["library.py"] == {1, 2, 3, 4}  # of which each page has run a part
    assert files["docs/other.md"] == {4, 6}
    assert files["docs/index.md"] - {11} == {8, 10, 13, 17, 19, 22, 28, 36, 38}


def test_its_report_shows_pages_beside_modules(measured: Path, environment: dict[str, str]) -> None:
    told = run(measured, environment, "report", "-m").stdout
    assert re.findall(r"^(\S+) +(\d+) +(\d+) +(\d+%) *(.*)$", told, re.M) == [
        ("docs/index.md", "10", "1", "90%", "14"),
        ("docs/other.md", "2", "0", "100%", ""),
        ("library.py", "4", "0", "100%", ""),
        ("TOTAL", "16", "1", "94%", ""),
    ]


def test_its_html_marks_the_lines_of_a_page(measured: Path, environment: dict[str, str]) -> None:
    assert run(measured, environment, "html", "-q").returncode == 0
    [page] = [path.read_text() for path in (measured / "htmlcov").glob("*index_md.html")]
    marks = re.findall(r'<p class="(\w+)[^"]*"><span class="n"><a id="t(\d+)"', page)
    assert [line for mark, line in marks if mark == "mis"] == ["14"]
    assert [line for mark, line in marks if mark == "run"] == ["8", "10", "13", "17", "19", "22", "28", "36", "38"]
