"""Blocks in docstrings, which mkdocstrings renders, and blocks that a block prints."""

from __future__ import annotations

import json
import re

import pytest

from ..conftest import EXTENSION, Build, Built, NewProject, Project, block

CONFIG = """\
site_name: A site
markdown_extensions: [%s pymdownx.superfences]
plugins: [%s]
"""
PLUGINS = {
    "before": "mkdocstrings, markdown-exec, einsum-doc: {bars: true}",
    "between": "markdown-exec, mkdocstrings, einsum-doc: {bars: true}",
    "after": "markdown-exec, einsum-doc: {bars: true, json: out.json}, mkdocstrings",
}
LIBRARY = '''\
"""A library.

```python exec="on" source="above"
import library
print("from the", library.__name__)
```
"""

LIMIT = 4
"""The limit.

```python exec="on" result="text"
print(4, "is the limit")
assert 4 == 4
```
"""


class Counter:
    """Counts."""

    def __init__(self) -> None:
        """Begin at 0.

        ```pycon exec="on" source="console"
        >>> 0 + 1
        ```
        """


def double(x: int) -> int:
    """Double a number.

    ```python exec="on"
    x = 1
    ```

    Args:
        x: A number.

            ```python exec="on"
            print("argument", x)
            ```

    Examples:
        ```python exec="on"
        x += 1
        print("example", x)
        ```

        ```python exec="on"
        x += 1
        print("example", x)
        ```

        An example of a fence that is only shown:

        ```python title="a.py"
        print("not run")
        ```
    """
    return 2 * x
'''
INDEX = """\
# The library

```python exec="on"
x = "of the page"
```

::: library
    options: {merge_init_into_class: true, show_source: false}
"""
PRINTS = '''\
# Printed

```python exec="on"
x = 5
for end in "one", "two":
    print(f"""
```python exec="on"
assert "x" not in globals()
x = 1
print("printed", "{end}")
```
""")
```
'''.replace('"""\n```python', '"""\n~~~python').replace('```\n"""', '~~~\n"""')
WRONG = '''\
def false() -> None:
    """Fail.

    Some text.

    ```python exec="on"
    x = 1
    assert x == 2
    ```

    ```python exec="on"
    assert x == 3
    ```
    """


def misspelt() -> None:
    """Misspell.

    ```python exce="on"
    assert False
    ```
    """


def text_with_escapes() -> None:
    """A newline \\n and a line.

    ```python exec="on"
    raise ValueError("escaped")
    ```
    """
'''
WRONG_PAGE = '''\
# Wrong

::: wrong

```python exec="on"
print("""
~~~python exec="on"
x = [1]
assert x == [2]
~~~
""")
```
'''


def text_of(html: str) -> str:
    """Return the text of a page's article, without its tags and the stamp's facts."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


@pytest.mark.parametrize("order", ["before", "after", pytest.param("between", marks=pytest.mark.slow)])
def test_docstrings_run_whatever_the_order_of_the_plugins(new_project: NewProject, order: str) -> None:
    config = CONFIG % ("", PLUGINS[order])
    project = new_project({"index": INDEX}, config, {"library.py": LIBRARY})
    built = project.build()
    assert built.status == 0, built.console
    assert "1 page, 4 docstrings, 8 blocks, 1 assertion held" in built.console
    html = built.page()
    for shown in "from the library", "4 is the limit", "argument 1", "example 2", "example 3", "not run":
        assert shown in text_of(html)
    assert "title=" not in text_of(html)
    # One of the seven shows nothing, and leaves nothing on the page; the stamp counts it.
    assert html.count('data-docstring-block="') == 6
    assert "<span>8 blocks</span> · <span>1 assertion</span>" in html
    # The same again, from the cache, and then with an edit.
    again = project.build()
    assert "1 page and 4 docstrings from the cache" in again.console
    assert "example 3" in text_of(again.page())
    project.write({}, config, {"library.py": LIBRARY.replace('"example", x)', '"edited", x)', 1)})
    edited = project.build()
    # That of the module imports it.
    assert "1 page and 2 docstrings from the cache" in edited.console, edited.console
    assert "edited 2" in text_of(edited.page())


@pytest.fixture(scope="module")
def wrong(new_project: NewProject) -> Project:
    """A site on which blocks in docstrings and in output fail."""
    pages = {"index": INDEX, "wrong": WRONG_PAGE, "prints": PRINTS}
    return new_project(pages, CONFIG % ("", PLUGINS["after"]), {"library.py": LIBRARY, "wrong.py": WRONG})


@pytest.fixture(scope="module")
def failed(wrong: Project) -> Built:
    return wrong.build()


def test_failures_are_at_the_lines_of_the_docstring(failed: Built) -> None:
    assert failed.status == 1
    assert not failed.pages
    paragraphs = {each.split(": ")[0]: each for each in failed.console.split("\n\n")}
    assert "AssertionError: x == 2\n  left 1, right 2\n  in the docstring of false" in paragraphs["wrong.py:8"]
    assert "on the page docs/wrong.md" in paragraphs["wrong.py:8"]
    assert "1 later block of the page not run" in paragraphs["wrong.py:8"]
    assert "FenceError: unknown option 'exce'" in paragraphs["wrong.py:20"]
    # The lines of a docstring with escapes are not those of its source.
    assert "ValueError: escaped" in paragraphs["wrong.py:27"]


def test_failures_of_printed_blocks_are_at_the_block_that_prints(failed: Built) -> None:
    assert "docs/wrong.md:5: AssertionError: x == [2]\n  left [1], right [2]\n  in a block that this one prints" in (
        failed.console
    )


def test_the_summary_counts_each_kind(failed: Built, wrong: Project) -> None:
    assert "3 pages, 7 docstrings, 3 printed blocks, " in failed.console
    facts = json.loads((wrong.folder / "out.json").read_text())
    named = {page["page"]: [block["status"] for block in page["blocks"]] for page in facts["pages"]}
    assert named["wrong.py::false"] == ["failed", "not run"]
    assert named["library.py::double"] == ["held"] * 4
    assert named["docs/prints.md::1.2"] == ["held"]


TREE = """\
def tree(depth):
    print("depth", depth)
    for _ in range(depth):
        print(f'\\n```python exec="on" session="a"\\ntree({depth - 1})\\nx = {depth}\\n```\\n')

x = 0
tree(2)
"""
"""Prints blocks that print blocks, all of one session."""


def test_printed_blocks_continue_the_session_of_the_block_that_prints_them(build: Build) -> None:
    page = block("unknown = 1", 'python exec="on" session="b"') + block(TREE, 'python exec="on" session="a"')
    later = r'print("```python exec=\"on\" session=\"a\"\nassert x == 0 and \"unknown\" not in globals()\n```")'
    page += block(later, 'python exec="on" session="a"')
    built = build({"index": "# Title\n\n" + page})
    assert built.status == 0, built.console
    # The blocks before them have run for the page, and are not counted twice.
    assert "1 page, 4 printed blocks, 8 blocks, 1 assertion held" in built.console
    assert re.findall(r"depth \d", text_of(built.page())) == [f"depth {depth}" for depth in (2, 1, 0, 1, 0)]


def test_each_printed_block_has_a_process_of_its_own(build: Build) -> None:
    built = build({"index": PRINTS})
    assert built.status == 0, built.console
    assert "1 page, 2 printed blocks, 3 blocks, 2 assertions held" in built.console
    assert "printed one" in text_of(built.page())
    assert "printed two" in text_of(built.page())


def test_they_can_be_left_to_markdown_exec(new_project: NewProject) -> None:
    config = CONFIG % ("", "mkdocstrings, markdown-exec, einsum-doc: {docstrings: false}")
    pages = {"index": INDEX, "prints": PRINTS}
    project = new_project(pages, config, {"library.py": LIBRARY})
    built = project.build(PYTHONPATH=".")
    assert built.status == 0, built.console
    assert "2 pages, 2 blocks, 0 assertions held, 9 blocks left to markdown-exec" in built.console
    assert "4 is the limit" in text_of(built.page())
    assert "data-docstring-block" not in built.page()
    assert "printed one" in text_of(built.page("prints"))


def test_zensical_runs_them_too(new_project: NewProject) -> None:
    config = CONFIG % (EXTENSION + ",", PLUGINS["before"])
    project = new_project({"index": INDEX}, config, {"library.py": LIBRARY})
    built = project.build(builder="zensical")
    assert built.status == 0, built.console
    assert "example 3" in text_of(built.page())
    checked = project.run("einsum-doc", "check")
    assert not checked.stderr
    assert "1 page, 4 docstrings, 8 blocks, 1 assertion held" in checked.stdout
    project.write({"index": WRONG_PAGE}, config, {"wrong.py": WRONG})
    failed = project.build(builder="zensical")
    assert failed.status == 1
    assert "wrong.py:8: AssertionError: x == 2" in failed.console


def test_a_text_that_another_plugin_renders(build: Build) -> None:
    hook = (
        "import markdown\n\ndef on_page_content(html, page, config, files):\n"
        "    md = markdown.Markdown(extensions=config.markdown_extensions, extension_configs=config.mdx_configs)\n"
        '    return html + md.convert(\'```python exec="on"\\nprint("of a", "hook")\\n```\')\n'
    )
    pages = {"index": "# Title\n\n" + block("x = 1")}
    config = CONFIG % ("", "markdown-exec, einsum-doc") + "hooks: [hook.py]\n"
    built = build(pages, config=config, files={"hook.py": hook})
    assert built.status == 0, built.console
    assert "of a hook" in text_of(built.page())
    # One on the page, and one on the report.
    assert "1 page, 2 texts, 3 blocks" in built.console


def test_check_and_pytest_run_what_the_last_build_has_shown(wrong: Project, failed: Built) -> None:
    checked = wrong.run("einsum-doc", "check")
    assert checked.returncode == 1
    counted = "3 pages, 7 docstrings, 3 printed blocks, 16 blocks, 3 assertions held"
    assert counted in failed.console
    assert counted in checked.stdout
    tested = wrong.run("pytest", "docs", "-p", "no:cacheprovider", "-q", "-n", "0")
    named = set(re.findall(r"^FAILED (docs/\S+::.*?)(?: - .*)?$", tested.stdout, re.M))
    assert named == {
        "docs/wrong.md::1: python",
        "docs/wrong.md::wrong.py::false 1: python",
        "docs/wrong.md::wrong.py::false 2: python",
        "docs/wrong.md::line 20",
        "docs/wrong.md::wrong.py::text_with_escapes 1: python",
    }
    assert "wrong.py:8: AssertionError: x == 2" in tested.stdout
    assert "docs/wrong.md:5: AssertionError: x == [2]" in tested.stdout


def test_docstrings_that_no_build_has_rendered_are_named(new_project: NewProject) -> None:
    project = new_project({"index": INDEX}, CONFIG % ("", PLUGINS["after"]), {"library.py": LIBRARY})
    checked = project.run("einsum-doc", "check")
    assert checked.returncode == 0
    assert "docstrings on docs/index.md: not checked, as no build has rendered them" in checked.stderr
    assert "1 page, 1 block" in checked.stdout
