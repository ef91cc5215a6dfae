"""A page as a program and as a notebook: they run on their own, and assert what the page does."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ..conftest import PLAIN, Build, Built, NewProject, block

CONFIG = PLAIN.replace("einsum-doc]", 'einsum-doc: {downloads: ["posts/*"]}]') + "site_url: https://example.org/\n"
PAGES = {
    "index": '# Home\n\n```python exec="on"\nassert True\n```\n',
    "posts/every form": r'''---
title: Every form
---

# Every form {#every}

Inline \(x_i\), `\(code\)`, [the home page](../index.md), [here](#every) and ![a picture](a.png "Its title").
A badge: [![a picture](a.png)](../index.md), ![elsewhere](https://example.com/b.png), ![of nothing](none.png).
By reference: [the *home* page][Home], [home], [![a picture][pic]][home], [of nothing][], [else][where][^1], `x[home]`.

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

```python exec="on" skip-if="missing:no_such_module"
import no_such_module
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

[home]: ../index.md
[pic]: <a.png> "Its title"
[of nothing]: none.md
[where]: https://example.com/ 'There'
[^1]: A footnote.
''',
}
PICTURE = "https://example.org/posts/a.png"


@pytest.fixture(scope="module")
def pages(new_project: NewProject) -> Built:
    """One build of the pages."""
    built = new_project(PAGES, CONFIG, {"docs/posts/a.png": ""}).build()
    assert built.status == 0, built.console
    return built


@pytest.mark.torch
def test_they_are_linked_below_the_stamp(pages: Built) -> None:
    html = pages.page("posts/every form")
    links = re.findall(r'href="([^"]+)" download', html)
    assert links == ["every%20form.py", "every%20form.ipynb"]
    assert html.index('class="stamp"') < html.index('class="downloads"') < html.index("Inline")
    assert all((pages.site / "posts/every form" / link.replace("%20", " ")).is_file() for link in links)


@pytest.mark.torch
def test_only_the_pages_that_are_named_have_them(pages: Built) -> None:
    assert "download" not in pages.page()
    assert not list(pages.site.glob("*.py"))


# Runs each program in a process of its own, from one that has loaded what they import.
RUN_ALL = """\
import os, pathlib, runpy, sys
import einsum_doc.compute.checking.derivation, einsum_doc.pages.claims
for path in map(pathlib.Path, sys.argv[1:]):
    if not (child := os.fork()):
        told = os.open(path.with_suffix(".txt"), os.O_CREAT | os.O_WRONLY)
        os.dup2(told, 1)
        os.dup2(told, 2)
        runpy.run_path(str(path), run_name="__main__")
        sys.exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
# What is broken in the code of the program, and what is said of it.
BROKEN = {
    "nothing": ("x == 2", "x == 2", "loss 0.33333333"),
    "assertion": ("x == 2", "x == 3", "AssertionError"),
    "error": ("x / 0", "x / 1", "should raise ZeroDivisionError: division, and raised nothing"),
    "syntax error": ("exec('x =')", "exec('x = 1')", "should raise SyntaxError, and raised nothing"),
    "output": ("x / 6", "x / 7", "+ loss 0.2857"),
    "value": ("x * 4", "x * 5", "+ (10, 'and text')"),
    "console": ("x + 4", "x + 3", "+ 5"),
    "session": ('"x" not in globals()', '"x" in globals()', "AssertionError"),
    "list": ("x == 3", "x == 4", "AssertionError"),
    "shell": ("exit $((x + 3))", "exit 4", "AssertionError"),
    "shell output": ('echo "columns', 'echo "rows', "+ rows 40"),
    "output before an error": ('print("written', 'print("read', "+ read before it"),
    "derivation": ("3 \\delta", "4 \\delta", "FALSE"),
}


@pytest.fixture(scope="module")
def told(pages: Built, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str]]:
    """The exit status of each program, and what it has written."""
    program = (pages.site / "posts/every form/every form.py").read_text("utf-8")
    code = "".join(part for part in re.split(r"(?m)^(?=# %%)", program) if not part.startswith("# %% [markdown]"))
    folder = tmp_path_factory.mktemp("programs")
    for name, (true, false, _) in BROKEN.items():
        assert code.count(true) == 1
        (folder / f"{name}.py").write_text(code.replace(true, false), "utf-8")
    (folder / "nothing.py").write_text(program, "utf-8")
    command = [sys.executable, "-c", RUN_ALL, *(f"{name}.py" for name in BROKEN)]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=True)
    texts = [(folder / f"{name}.txt").read_text("utf-8") for name in BROKEN]
    return dict(zip(BROKEN, zip(map(int, ended.stdout.split()), texts, strict=True), strict=True))


@pytest.mark.slow
@pytest.mark.torch
def test_the_program_holds(told: dict[str, tuple[int, str]]) -> None:
    status, text = told["nothing"]
    assert status == 0, text
    assert "ZeroDivisionError: division by zero\n" in text
    assert "loss 0.33333333" in text
    assert re.search(r"1  holds .* = 3 δ_", text)


@pytest.mark.slow
@pytest.mark.torch
@pytest.mark.parametrize("name", [*BROKEN][1:])
def test_what_is_broken_is_noticed(told: dict[str, tuple[int, str]], name: str) -> None:
    status, text = told[name]
    assert status == 1
    assert BROKEN[name][2] in text


@pytest.mark.torch
def test_prose_and_mathematics_are_included(pages: Built) -> None:
    notebook = json.loads((pages.site / "posts/every form/every form.ipynb").read_text("utf-8"))
    words = "\n".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown")
    assert words.startswith("This is docs/posts/every form.md of “A site”.\n")
    assert "\n# Every form\n" in words
    assert r"Inline $x_i$, `\(code\)`, [the home page](https://example.org/)," in words
    assert f'[here](https://example.org/posts/every%20form/#every) and ![a picture]({PICTURE} "Its title").' in words
    badge = f"A badge: [![a picture]({PICTURE})](https://example.org/)"
    assert f"{badge}, ![elsewhere](https://example.com/b.png), of nothing." in words
    home, titled = "https://example.org/", f'![a picture]({PICTURE} "Its title")'
    references = f"By reference: [the *home* page]({home}), [home]({home}), [{titled}]({home}), of nothing, "
    assert references + "[else](https://example.com/ 'There')[^1], `x[home]`." in words
    assert "]: " not in words.replace("[^1]: A footnote.", "")
    assert "$$\ny = x\n$$" in words
    assert "\n\nIn the margin.\n\n" in words
    assert "> With text." in words
    assert "> **A box**" in words
    assert r"\frac{\partial y_i}{\partial a_j} &= 3 \delta_{ij} && \text{one delta}" in words
    assert '```python\nraise SystemExit("only shown")\n```' in words


@pytest.mark.torch
@pytest.mark.slow
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


def test_what_a_compatible_page_does_otherwise_is_said_at_the_top(build: Build) -> None:
    built = build(
        {"posts/a": "# A\n\n" + 2 * block("print(1)")}, config=CONFIG.replace("{down", "{compatible: true, down")
    )
    assert built.status == 0, built.console
    said = "On the page, each block without a `session` has a namespace of its own; here, they share one."
    [_, cell, *_] = json.loads((built.site / "posts/a/a.ipynb").read_text("utf-8"))["cells"]
    assert cell["source"] == [said]
    assert f"# %% [markdown]\n# {said}\n" in (built.site / "posts/a/a.py").read_text("utf-8")


@pytest.mark.torch
def test_a_download_says_with_which_packages_it_held(pages: Built) -> None:
    program = (pages.site / "posts/every form/every form.py").read_text("utf-8")
    cell = json.loads((pages.site / "posts/every form/every form.ipynb").read_text("utf-8"))["cells"][0]["source"]
    for text in (program, "".join(cell)):
        assert re.search(r"It held with: pip install .*\btorch==\d+\.\d+\.\d+( |\n|$)", text)


def test_a_page_that_fails_is_not_offered(build: Build) -> None:
    built = build({"posts/a": '# A\n\n```python exec="on"\nassert 1 == 2\n```\n'}, config=CONFIG)
    assert built.status == 1
    assert not list(built.site.rglob("*.py"))
