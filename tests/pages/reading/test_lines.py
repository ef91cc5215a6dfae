"""Every failure is reported at its line in the author's file, wherever the fence stands."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

from ..conftest import PLAIN, Build, Built, NewProject, Project

CONFIG = """\
site_name: A site
nav: [index.md]
markdown_extensions:
- admonition
- attr_list
- md_in_html
- pymdownx.superfences
- pymdownx.tabbed: {alternate_style: true}
- pymdownx.snippets: {base_path: [docs/parts]}
plugins: [markdown-exec, einsum-doc]
hooks: [hook.py]
"""
HOOK = (
    "def on_page_markdown(markdown, **_):\n    return markdown.replace('{{ three lines }}', 'a = 1\\nb = 2\\nc = 3')\n"
)
FAILING = '```python exec="on"\nassert 1 == 2\n```\n'
INDENTED = FAILING.replace("\n", "\n    ").rstrip(" ")

PAGES = {
    "index": "# In the navigation\n",
    "plain": "# Title\n\n" + FAILING,
    "front": "---\ntitle: T\ntags:\n  - one\n---\n\n\n# Title\n\n" + FAILING,
    "front_multimarkdown": "Title: T\nAuthor: A\n\n# Title\n\n" + FAILING,
    "crlf": ("# Title\n\nText.\n\n" + FAILING).replace("\n", "\r\n"),
    "byte_order_mark": "\ufeff# Title\n\n" + FAILING,
    "tilde": "# Title\n\n" + FAILING.replace("```", "~~~~"),
    "list": f"# Title\n\n- one\n- two\n\n    {INDENTED}",
    "nested_list": f"# Title\n\n- one\n    - two\n\n        {INDENTED}".replace(
        "\n    assert", "\n        assert"
    ).replace("\n    ```\n", "\n        ```\n"),
    "admonition": f"# Title\n\n!!! note\n\n    Text.\n\n    {INDENTED}",
    "tab": f'# Title\n\n=== "One"\n\n    Text.\n\n=== "Two"\n\n    {INDENTED}',
    "quote": "# Title\n\n" + "".join(f"> {line}\n" for line in FAILING.splitlines()),
    "html": f'# Title\n\n<div markdown="1">\n\n{FAILING}\n</div>\n',
    "tabs_for_blanks": "# Title\n\n- item\n\n" + "".join(f"\t{line}\n" for line in FAILING.splitlines()),
    "braces": "# Title\n\n" + FAILING.replace('python exec="on"', '{.python exec="on" #name}'),
    "identical": '# Title\n\n```python exec="on"\nassert next(count) < 1\n```\n'
    '\nText.\n\n```python exec="on"\nassert next(count) < 1\n```\n',
    "snippet": 'Text.\n\nMore text.\n\n--8<-- "part.md"\n\nText.\n',
    "after_snippet": f'--8<-- "text.md"\n\n{FAILING}',
    "nested_snippet": '- Item\n\n    --8<-- "outer.txt"\n\nText.\n',
    "snippets_in_block_form": "Text.\n\n--8<--\ntext.md\nlast.txt:3:6\n--8<--\n",
    "after_snippet_in_fence": '```python exec="on"\n--8<-- "text.py"\n```\n\n' + FAILING,
    "filled": '```python exec="on"\na = 1\n--8<-- "filled.py:f"\nf(a)\n```\n',
    "after_filled": '```python exec="on"\n--8<-- "filled.py:f"\n\n\nassert f(2) == 2\n```\n',
    "filled_in_body": 'Text.\n\n```python exec="on"\nif True:\n    a = 1\n    --8<-- "body.txt"\n```\n',
    "filled_with_what_is_wrong": '```python exec="on"\n--8<-- "wrong.py"\n```\n',
    "filled_derivation": '```derivation\n--8<-- "derivation.txt"\n```\n',
    "filled_by_a_plugin": '# Title\n\n```python exec="on"\n{{ three lines }}\nassert a + b == c + 1\n```\n',
    "a name with blanks": "# Title\n\n" + FAILING,
    "Gradienten für ∂l": "# Title\n\n" + FAILING,
    "deep/er/page": "# Title\n\n" + FAILING,
    "in_function": '# Title\n\n```python exec="on"\ndef check(value):\n    assert value == 2\n```\n\n'
    '```python exec="on"\n\ncheck(1)\n```\n',
    "syntax": '# Title\n\n```python exec="on"\nx = 1\nif x\n    pass\n```\n',
    "multi_line": '# Title\n\n```python exec="on"\nassert (\n    1\n    == 2\n)\n```\n',
    "shell": '# Title\n\n```bash exec="on"\nexit 3\n```\n',
    "pycon": '# Title\n\n```pycon exec="on" source="console"\n>>> x = 1\n1\n>>> assert x == 2\n```\n',
    "markdown": '# Title\n\n````md exec="on"\nText.\n\n```python exec="on"\nassert 1 == 2\n```\n````\n',
    "skip_if": '# Title\n\n```python exec="on" skip-if="no-gpu"\nx = 1\n```\n\n' + FAILING,
    "wrong_option": "# Title\n\n=== \"Tab\"\n\n    ```python exce='on'\n    1\n    ```\n",
}
PAGES["identical"] = PAGES["identical"].replace(
    "# Title\n\n", '# Title\n\n```python exec="on"\nimport itertools\n\ncount = itertools.count()\n```\n\n'
)

PARTS = {
    "part.md": "# A part\n\nOf a page.\n" + FAILING,
    "text.md": "One.\n\nTwo.\n\nThree.\n",
    "text.py": "a = 1\nb = 2\nc = 3\n",
    "filled.py": "import os\n# --8<-- [start:f]\ndef f(x):\n    assert x > 1\n    return 1 / 2\n# --8<-- [end:f]\n",
    "body.txt": "assert 1 == 2\n",
    "wrong.py": "a = 1\nif a\n    pass\n",
    "derivation.txt": "z_{ik} &= x_{ij} y_{jk} \\\\\nz_{ik} &= x_{ij} y_{kj}\n",
    "outer.txt": 'One.\n\n--8<-- "inner.txt"\n',
    "inner.txt": "\n# Title\n\nTwo.\n" + FAILING,
    "last.txt": "Left out.\n\n\n" + FAILING,
}
PLACES = {
    "plain": 4,
    "skip_if": 8,
    "front": 11,
    "front_multimarkdown": 7,
    "crlf": 6,
    "byte_order_mark": 4,
    "tilde": 4,
    "list": 7,
    "nested_list": 7,
    "admonition": 8,
    "tab": 10,
    "quote": 4,
    "html": 6,
    "tabs_for_blanks": 6,
    "braces": 4,
    "identical": 16,
    "parts/part": 5,
    "after_snippet": 4,
    "parts/inner.txt": 6,
    "parts/last.txt": 5,
    "after_snippet_in_fence": 6,
    "parts/filled.py": 4,
    "after_filled": 5,
    "filled_in_body": 6,
    "parts/wrong.py": 2,
    "parts/derivation.txt": 2,
    "filled_by_a_plugin": 5,
    "a name with blanks": 4,
    "Gradienten für ∂l": 4,
    "deep/er/page": 4,
    "in_function": 5,
    "syntax": 5,
    "multi_line": 4,
    "shell": 4,
    "pycon": 6,
    "markdown": 7,
    "wrong_option": 5,
}


@pytest.fixture(scope="module")
def built(new_project: NewProject) -> Built:
    """All the pages, built once."""
    return new_project(PAGES, CONFIG, {"hook.py": HOOK} | {f"docs/parts/{n}": t for n, t in PARTS.items()}).build("-q")


@pytest.mark.parametrize(("page", "line"), PLACES.items(), ids=PLACES)
def test_the_line_is_right(built: Built, page: str, line: int) -> None:
    file = f"docs/{page}" if "." in page else f"docs/{page}.md"
    found = [each for each in built.console.splitlines() if each.startswith(f"{file}:")]
    assert found, built.console
    assert found[0].startswith(f"{file}:{line}: ")


def test_nothing_else_is_reported(built: Built) -> None:
    assert built.status == 1
    # The snippet is itself a page of the folder, so its block fails twice.
    assert f" {len(PLACES) + 1} failures" in built.console
    assert "\n  on the page docs/nested_snippet.md\n" in built.console


def test_the_frames_of_a_block_that_a_snippet_has_filled(built: Built) -> None:
    frames = "  docs/filled.md:4\n      f(a)\n  docs/parts/filled.py:4\n      assert x > 1\n"
    assert frames in built.console
    assert "docs/parts/wrong.py:2: SyntaxError: expected ':'\n  if a\n      ^\n" in built.console


def test_blog_posts(build: Build, tmp_path: Path) -> None:
    config = PLAIN.replace("plugins: [", "theme: {name: material, font: false}\nplugins: [blog, ")
    post = "---\ndate: 2026-01-31\n---\n\n# A post\n\nFirst.\n\n{}\n<!-- more -->\n\nText.\n\n{}"
    good = '```python exec="on"\nprint("in the", "excerpt")\n```\n'
    pages = {"index": "# Title\n", "blog/index": "# Blog\n", "blog/posts/one": post.format(good, FAILING)}
    built = build(pages, "-q", config=config)
    assert built.status == 1
    assert "\ndocs/blog/posts/one.md:18: AssertionError: 1 == 2" in built.console
    assert "1 failure" in built.console

    mended = build(pages | {"blog/posts/one": post.format(good, good.replace("excerpt", "post"))}, config=config)
    assert mended.status == 0, mended.console
    assert "2 blocks" in mended.console
    [path] = (tmp_path / "project/site/blog").glob("2026/*/*/*/index.html")
    assert "in the post" in path.read_text()
    excerpt = (tmp_path / "project/site/blog/index.html").read_text()
    assert "in the excerpt" in excerpt
    assert 'class="failure"' not in excerpt


def test_a_docs_folder_that_is_a_link_and_a_build_from_elsewhere(tmp_path: Path, project: Project) -> None:
    project.write({"index": PAGES["plain"]})
    above = replace(project, folder=tmp_path)
    (tmp_path / "project/docs").rename(tmp_path / "elsewhere")
    (tmp_path / "project/docs").symlink_to("../elsewhere")
    built = above.build("-q", "-f", "project/mkdocs.yml")
    assert "\ndocs/index.md:4: AssertionError" in built.console
    (tmp_path / "project/docs").unlink()
    with (tmp_path / "project/mkdocs.yml").open("a") as config:
        config.write("docs_dir: ../elsewhere\n")
    built = above.build("-q", "-f", "project/mkdocs.yml")
    assert "\n../elsewhere/index.md:4: AssertionError" in built.console


def test_what_is_appended_to_each_page_is_reported_where_it_stands(build: Build) -> None:
    config = PLAIN.replace(
        "pymdownx.superfences]", "pymdownx.superfences, {pymdownx.snippets: {auto_append: [docs/README.md]}}]"
    )
    # MkDocs leaves README.md out of the site, beside index.md.
    good = build({"index": "# Title", "README": FAILING.replace("1 == 2", "1")}, config=config)
    assert good.status == 0, good.console
    wrong = build({"README": "Text.\n\n" + FAILING}, config=config)
    assert "docs/README.md:4: AssertionError" in wrong.console


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
