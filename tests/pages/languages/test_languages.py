"""A language of fences is one file: it is read, run, shown and downloaded by what stands in there."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import markdown_exec
import pytest

import einsum_doc
from einsum_doc.pages.languages.all import LANGUAGES
from einsum_doc.pages.languages.einsum import PARTS
from einsum_doc.pages.reading.fence import FenceError, Header
from einsum_doc.pages.reading.language import Languages

from ..conftest import PLAIN, Built, NewProject, Project

SUMS = '''\
"""`sums`: lines such as `1 + 1 = 2`, each of which must be true."""

from einsum_doc.pages.reading.fence import matching
from einsum_doc.pages.reading.language import Language
from einsum_doc.pages.record.result import Failure, Result


class SumsLanguage(Language):
    def run(self, block, process):
        lines = enumerate(block.code.splitlines())
        false = [block.location_of(n) for n, line in lines if not eval(line.replace("=", "=="), process.namespace)]
        failures = tuple(Failure(location, "SumError", "the sum is wrong") for location in false)
        return Result("held", markup=f'<p class="{block.options["colour"]}">{block.code}</p>', failures=failures)

    def words(self, result):
        return "A sum."

    def setup(self, block):
        return "import operator", ""

    def standalone(self, block):
        for line in block.code.splitlines():
            left, _, right = line.partition(" = ")
            yield f"assert operator.eq({left}, {right})"


LANGUAGES = (SumsLanguage("sums", {"colour": matching("red|blue", "red or blue")}, ours=True),)
'''
CONFIG = PLAIN.replace("einsum-doc]", 'einsum-doc: {downloads: ["*"]}]')
PAGE = """\
# Sums

```python exec="on"
x = 2
```

```sums colour="red"
1 + 1 = x
x + x = 4
```
"""


@pytest.fixture
def built(tmp_path: Path, new_project: NewProject) -> Built:
    """A site built by a copy of the builder with one more file."""
    source = Path(einsum_doc.__file__).parent
    package = shutil.copytree(source, tmp_path / "einsum_doc", ignore=shutil.ignore_patterns("__pycache__"))
    (package / "pages/languages/sums.py").write_text(SUMS)
    pages = {"index": PAGE, "false": PAGE.replace("= 4", "= 5"), "option": PAGE.replace("red", "green")}
    built = new_project({"index": PAGE}, CONFIG).build(PYTHONPATH=str(tmp_path))
    wrong = new_project(pages, CONFIG).build(PYTHONPATH=str(tmp_path))
    return Built(built.status, built.console + wrong.console, built.site)


def test_a_new_language_is_one_new_file(built: Built) -> None:
    assert built.status == 0, built.console
    assert '<div class="checked held" data-block="2"><p class="red">1 + 1 = x\nx + x = 4</p>' in built.page()
    assert "docs/false.md:9: SumError: the sum is wrong\n" in built.console
    message = 'docs/option.md:7: FenceError: colour="green" is not understood\n  expected red or blue\n'
    assert message in built.console
    program = (built.site / "index.py").read_text("utf-8")
    assert "\n# A sum.\n" in program
    assert program.count("import operator\n") == 1
    assert "\nassert operator.eq(x + x, 4)\n" in program
    subprocess.run([sys.executable, "-c", program], check=True)


def test_every_language_of_markdown_exec_is_known() -> None:
    assert LANGUAGES.keys() >= markdown_exec.formatters.keys()
    assert {name for name, language in LANGUAGES.items() if language.ours} == {
        "derivation",
        "display formula",
        "einsum",
        "expected",
    }


@pytest.mark.parametrize(
    ("value", "hint"), {"saying": 'did you mean "says"?', "x": f"expected some of {' '.join(PARTS)}"}.items()
)
def test_the_parts_of_an_article(value: str, hint: str) -> None:
    with pytest.raises(FenceError, match=f'show="{value}" is not understood') as raised:
        Languages(LANGUAGES, ()).executes(Header("einsum", {"show": value}))
    assert raised.value.hint == hint


@pytest.mark.torch
def test_a_build_loads_nothing_of_the_library(project: Project) -> None:
    blocks = [
        '```python exec="on"\nassert True\n```',
        "```derivation\nz_i &= x_i \\\\\nz_j &= x_j\n```",
        "```bash\n```",
    ]
    project.write({"index": "\n\n".join(blocks)})
    for _ in ("cold", "warm"):
        told = project.run("python", "-X", "importtime", "-m", "mkdocs", "build", "-q")
        assert told.returncode == 0
        loaded = set(re.findall(r"\| +(einsum_doc[\w.]*)$", told.stderr, re.M))
        assert "einsum_doc.pages.languages.all" in loaded
        assert {name for name in loaded if not name.startswith("einsum_doc.pages")} <= {"einsum_doc"}
        assert "torch" not in re.findall(r"\| +(\w+)$", told.stderr, re.M)
