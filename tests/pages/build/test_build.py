"""What `mkdocs build` does with pages that hold and with pages that do not."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

import pytest

from einsum_doc.pages.worker.resources import cpu_name

from ..conftest import PLAIN, Build, Built, NewProject, Project, block, text_of


@pytest.fixture(scope="module")
def sites(new_project: NewProject) -> Callable[[str], Built]:
    """Build one of tests/sites/, once."""
    return functools.cache(lambda name: new_project({}).copy(name).build())


def test_a_site_that_holds(sites: Callable[[str], Built]) -> None:
    built = sites("ok")
    assert built.status == 0, built.console
    assert "1 page, 3 blocks, 1 assertion held" in built.console
    seen = text_of(built.page())
    for written in ("printed | 20", "written", "by descriptor", "by a child process", "by a C library"):
        assert written in seen
    assert "<strong>strong</strong>" in built.page()
    assert seen.count("never") == 1  # the block that is only shown was not run


def test_the_page_says_what_it_was_verified_on(sites: Callable[[str], Built]) -> None:
    page = sites("ok").page()
    stamp = re.search(r'<div class="stamp"[^>]*>.*?</div>', page)
    assert stamp
    assert re.findall(r">(?! )([^<>]+)<", stamp[0]) == [
        "✓ verified by this build",
        "3 blocks",
        "1 assertion",
        *filter(None, [cpu_name()]),
        "report",
    ]
    assert page.index("</h1>") < stamp.start()
    assert "<summary><b>✓ 1 assertion</b></summary>" in re.findall(r'<details class="bar".*?</details>', page)[1]
    assert "<span>docs/index.md:13</span>" in page


@pytest.mark.parametrize("options", [(), ("-q",), ("--strict",), ("-q", "--strict")], ids=" ".join)
def test_every_failure_is_listed_at_its_line_and_nothing_is_written(build: Build, options: tuple[str, ...]) -> None:
    built = build("quiet_not_strict" if "-q" in options else "broken", *options)
    assert built.status == 1
    assert re.search(r"^docs/index\.md:5: AssertionError: total == 3\n  left 2, right 3$", built.console, re.M)
    assert re.search(r"^docs/second\.md:10: ZeroDivisionError: division by zero$", built.console, re.M)
    assert "seen before the error" in built.console
    assert "1 later block of the page not run" in built.console
    assert "2 failures" in built.console
    assert built.pages == []


@pytest.mark.parametrize(
    ("site", "line"),
    [
        ("front_matter", "docs/index.md:12: AssertionError: 'line' == 12"),
        ("indented_fence", "docs/index.md:16: AssertionError: number == 8"),
        ("exit_zero", "docs/index.md:6: SystemExit: 0"),
        ("exit_zero", "docs/second.md:4: AssertionError: reached"),
        ("ended", "docs/a.md:4: WorkerError: the block ended its process, with exit status 0"),
        ("ended", "docs/b.md:4: WorkerError: the block's process was killed by SIGKILL"),
        ("bad_option", 'docs/index.md:3: FenceError: source="abvoe" is not understood'),
        ("bad_option", "docs/index.md:7: FenceError: unknown option 'exce'"),
        ("bad_option", 'docs/index.md:11: FenceError: width="wide" is not understood'),
        ("bad_option", "docs/index.md:15: FenceError: the options exec=on cannot be read"),
        ("bad_option", "docs/index.md:19: FenceError: 'ruby' cannot be executed"),
        ("bad_option", "docs/index.md:23: FenceError: option 'source' does nothing"),
        ("bad_option", "docs/index.md:27: FenceError: the block is never closed"),
    ],
)
def test_a_failure_and_its_line(sites: Callable[[str], Built], site: str, line: str) -> None:
    built = sites(site)
    assert built.status == 1
    assert f"\n{line}" in built.console
    assert built.pages == []


def test_a_failure_stops_its_own_page_alone(sites: Callable[[str], Built]) -> None:
    built = sites("ended")
    assert "3 pages, 3 blocks, 1 assertion held, 2 failures" in built.console
    assert "before the end" in built.console  # what was printed is not lost with the process


def test_a_page_leaks_nothing_to_the_next(build: Build) -> None:
    built = build("pages_isolated", "-q")
    assert (built.status, built.console) == (0, "")
    assert "False False" in built.page("second")


def test_markdown_exec_must_be_there(build: Build) -> None:
    built = build("no_markdown_exec", "-q")
    assert built.status == 1
    assert "Add the line\n\n  - markdown-exec\n\nunder `plugins:`" in built.console
    assert built.pages == []


def test_the_order_of_the_two_plugins_does_not_matter(build: Build) -> None:
    config = "site_name: S\nmarkdown_extensions: [pymdownx.superfences]\nplugins: [einsum-doc, markdown-exec]\n"
    built = build({"index": '```python exec="on"\nassert 1 == 2\n```\n'}, "-q", config=config)
    assert built.status == 1
    assert "docs/index.md:2: AssertionError: 1 == 2" in built.console


@pytest.mark.torch
def test_a_gpu_that_is_asked_for_must_be_there(build: Build) -> None:
    config = PLAIN.replace("einsum-doc]", "{einsum-doc: {device: cuda}}]")
    page = '```python exec="on"\nimport torch\nprint(torch.ones(1).device)\n```\n'
    built = build({"index": page}, "-q", config=config)
    if built.status == 0:
        assert "cuda:0" in built.page()
    else:
        assert "docs/index.md:2: DeviceError: device: cuda was asked for, and torch finds no GPU" in built.console


def test_assets_are_copied_and_must_exist(build: Build) -> None:
    config = (
        "site_name: S\nmarkdown_extensions: [pymdownx.superfences]\nplugins:\n- markdown-exec\n"
        "- einsum-doc:\n    allow_empty: true\n    assets:\n      copied/config.yml: mkdocs.yml\n      all: theirs\n"
    )
    built = build({"index": "# Title"}, "-q", config=config, files={"theirs/deep/font.bin": "\0font"})
    assert built.status == 0, built.console
    assert (built.site / "copied/config.yml").read_text() == config
    assert (built.site / "all/deep/font.bin").read_bytes() == b"\0font"
    missing = build({"index": "# Title"}, "-q", config=config.replace("mkdocs.yml\n", "node_modules/gone\n"))
    assert missing.status == 1
    assert "assets: node_modules/gone does not exist" in missing.console


def test_colour_on_a_terminal_and_none_in_a_pipe(build: Build, project: Project) -> None:
    assert "\x1b" not in build("broken").console
    seen = project.build_on_a_terminal("-q")
    assert "\x1b[1mdocs/index.md:5: \x1b[31mAssertionError\x1b[0m: total == 3" in seen
    plain = project.build_on_a_terminal("-q", NO_COLOR="1")
    assert "docs/index.md:5: AssertionError: total == 3" in plain


def test_a_dirty_build_looks_at_the_pages_that_changed(build: Build, project: Project) -> None:
    assert build("ok").status == 0
    page = '# Other\n\n```python exec="on"\nassert True\n```\n'
    built = build({"other": page}, "--dirty")
    assert built.status == 0, built.console
    assert "1 page, 1 block, 1 assertion held" in built.console
    unchanged = project.build("--dirty")
    assert unchanged.status == 0, unchanged.console
    assert "0 pages, 0 blocks" in unchanged.console


def test_the_project_comes_after_what_is_installed(new_project: NewProject) -> None:
    """As it does under plain MkDocs, where it is on the path at all: an installed copy of it may be old."""
    own = "# The project's\nversion = 'own'\n"
    pages = {
        "index": block("import opt_einsum\nassert opt_einsum.contract"),
        "other": block("import math, opt_einsum as paths\nimport own\nassert own.version"),
        "failing": block("from pytest import version\nassert False"),
    }
    files = {"opt_einsum.py": own, "own.py": own, "src/pytest/__init__.py": own, "json.py": own, "yaml.py": own}
    project = new_project(pages, files=files)
    notes = [line for line in project.build().console.splitlines() if "imported from an installed copy" in line]
    assert [re.search(r"(\w+) is imported.*older than (\S+) in", line).groups() for line in notes] == [
        ("opt_einsum", "opt_einsum"),
        ("pytest", "src/pytest"),
    ]
    page = project.folder / "docs/failing.md"
    page.unlink()
    for _ in range(2):  # the second time from the cache
        built = project.build()
        assert built.status == 0, built.console
        assert built.console.count("imported from an installed copy") == 1
    (project.folder / "yaml.py").unlink()  # which MkDocs itself imports
    (project.folder / "json.py").unlink()
    assert "AttributeError: module 'opt_einsum' has no" in project.build(PYTHONPATH=str(project.folder)).console
