"""Every failure is reported at its line in the author's file, wherever the fence stands."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

from ..conftest import PLAIN, Build, Built, NewProject, Project

FAILING = '```python exec="on"\nassert 1 == 2\n```\n'
# The pages of tests/sites/lines/, and those whose bytes no editor should touch.
PAGES = {
    "crlf": ("# Title\n\nText.\n\n" + FAILING).replace("\n", "\r\n"),
    "byte_order_mark": "\ufeff# Title\n\n" + FAILING,
    "tabs_for_blanks": "# Title\n\n- item\n\n" + "".join(f"\t{line}\n" for line in FAILING.splitlines()),
}
# The file of each failure, and its line.
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
    return new_project(PAGES).copy("lines").build("-q")


@pytest.mark.torch("parts/derivation.txt")
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
    project.write({"index": "# Title\n\n" + FAILING})
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
