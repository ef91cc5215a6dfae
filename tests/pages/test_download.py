"""A page as a program and as a notebook: they run on their own, and assert what the page does."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import PLAIN, Built

CONFIG = PLAIN.replace("einsum-doc]", 'einsum-doc: {downloads: ["posts/*"]}]') + "site_url: https://example.org/\n"
PAGES = {
    "index": '# Home\n\n```python exec="on"\nassert True\n```\n',
    "posts/every form": r'''---
title: Every form
---

# Every form {#every}

Inline \(x_i\), `\(code\)`, [the home page](../index.md), [here](#every) and ![a picture](a.png).

In the margin.
{ .note data-search-exclude="" }

\[
y = x
\]

!!! note "A box"

    With text.

```python exec="on"
from __future__ import annotations
x = 1 + 1
assert x == 2
def triple(a):
    return 3 * a
```

```python exec="on" raises="ZeroDivisionError: division"
text = """
not indented"""
assert text == "\nnot indented"
x / 0
```

```python exec="on" raises="SyntaxError"
x =
```

```python exec="on" result="text"
print("loss", x / 6)
```

```expected tolerance="1e-3"
loss 0.3333
```

```python exec="on"
print("of two")
x * 4, "and text"
```

```expected
of two
(8, 'and text')
```

```pycon exec="on"
>>> x + 4
>>> x + 5
```

```expected
6
7
```

```python exec="on" session="other"
assert "x" not in globals()
x = 5
```

```python exec="on" skip-if="no-gpu"
assert torch.cuda.is_available()
```

- In a list:

    ```pycon exec="on"
    >>> for each in range(2):
    ...     x += each
    >>> assert x == 3
    ```

```bash exec="on" returncode="3"
exit $((x + 3))
```

```bash exec="on" width="40"
echo "columns $COLUMNS"
```

```expected
columns 40
```

```python exec="on" raises="ValueError"
print("written before it")
raise ValueError
```

```expected
written before it
```

```derivation
% let y = triple(a)
\frac{\partial y_i}{\partial a_j} &= 3 \delta_{ij} \tag{one delta}
```

```python
raise SystemExit("only shown")
```

```einsum wrt="1" names="a b"
ij,jk->ik
```
''',
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Built:
    """One build of the pages."""
    from .conftest import mkdocs_build, write_pages

    folder = tmp_path_factory.mktemp("downloads")
    write_pages(folder, PAGES, CONFIG)
    built = mkdocs_build(folder, environment)
    assert built.status == 0, built.console
    return built


def ran(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "program.py").write_text(program, "utf-8")
    return subprocess.run(
        [sys.executable, "program.py"], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )


def test_they_are_linked_below_the_stamp(pages: Built) -> None:
    html = pages.page("posts/every form")
    links = re.findall(r'href="([^"]+)" download', html)
    assert links == ["every%20form.py", "every%20form.ipynb"]
    assert html.index('class="stamp"') < html.index('class="downloads"') < html.index("Inline")
    assert all((pages.site / "posts/every form" / link.replace("%20", " ")).is_file() for link in links)


def test_only_the_pages_that_are_named_have_them(pages: Built) -> None:
    assert "download" not in pages.page()
    assert not list(pages.site.glob("*.py"))


def test_the_program_holds(pages: Built, tmp_path: Path) -> None:
    program = (pages.site / "posts/every form/every form.py").read_text("utf-8")
    told = ran(program, tmp_path)
    assert told.returncode == 0, told.stderr
    assert "ZeroDivisionError: division by zero\n" in told.stdout
    assert "loss 0.33333333" in told.stdout
    assert re.search(r"1  holds .* = 3 δ_", told.stdout)


@pytest.mark.parametrize(
    ("true", "false", "said"),
    [
        ("x == 2", "x == 3", "AssertionError"),
        ("x / 0", "x / 1", "should raise ZeroDivisionError: division, and raised nothing"),
        ("exec('x =')", "exec('x = 1')", "should raise SyntaxError, and raised nothing"),
        ("x / 6", "x / 7", "+ loss 0.2857"),
        ("x * 4", "x * 5", "+ (10, 'and text')"),
        ("x + 4", "x + 3", "+ 5"),
        ('"x" not in globals()', '"x" in globals()', "AssertionError"),
        ("x == 3", "x == 4", "AssertionError"),
        ("exit $((x + 3))", "exit 4", "AssertionError"),
        ('echo "columns', 'echo "rows', "+ rows 40"),
        ('print("written', 'print("read', "+ read before it"),
        ("3 \\delta", "4 \\delta", "FALSE"),
    ],
)
def test_what_is_broken_is_noticed(pages: Built, tmp_path: Path, true: str, false: str, said: str) -> None:
    program = (pages.site / "posts/every form/every form.py").read_text("utf-8")
    code = "".join(part for part in re.split(r"(?m)^(?=# %%)", program) if not part.startswith("# %% [markdown]"))
    assert code.count(true) == 1
    told = ran(code.replace(true, false), tmp_path)
    assert told.returncode == 1
    assert said in told.stderr + told.stdout


def test_prose_and_mathematics_are_included(pages: Built) -> None:
    notebook = json.loads((pages.site / "posts/every form/every form.ipynb").read_text("utf-8"))
    words = "\n".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown")
    assert words.startswith("# Every form\n")
    assert r"Inline $x_i$, `\(code\)`, [the home page](https://example.org/)," in words
    assert "[here](https://example.org/posts/every%20form/#every) and ![a picture](a.png)" in words
    assert "$$\ny = x\n$$" in words
    assert "\n\nIn the margin.\n\n" in words
    assert "> With text." in words
    assert "> **A box**" in words
    assert r"\frac{\partial y_i}{\partial a_j} &= 3 \delta_{ij} && \text{one delta}" in words
    assert '```python\nraise SystemExit("only shown")\n```' in words


def test_the_notebook_holds_in_jupyter(pages: Built, tmp_path: Path) -> None:
    notebook = pages.site / "posts/every form/every form.ipynb"
    told = subprocess.run(
        [sys.executable, "-m", "jupyter", "execute", str(notebook), "--output", str(tmp_path / "executed")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    outputs = [cell.get("outputs") for cell in json.loads((tmp_path / "executed.ipynb").read_text("utf-8"))["cells"]]
    assert "loss 0.33333333" in json.dumps(outputs)


def test_a_page_that_fails_is_not_offered(build: Callable[..., Built]) -> None:
    built = build({"posts/a": '# A\n\n```python exec="on"\nassert 1 == 2\n```\n'}, config=CONFIG)
    assert built.status == 1
    assert not list(built.site.rglob("*.py"))
