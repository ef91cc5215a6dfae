"""Pages that need the files of other pages: their order, the hint where it is missing, and what is kept."""

from __future__ import annotations

import re
import shutil

import pytest

from ..cache.test_cache import reasons
from ..conftest import PLAIN, NewProject, block

WRITES = block(
    "import os, time\nos.makedirs('out', exist_ok=True)\ntime.sleep(0.4)\nopen('out/made.txt', 'w').write(f'{1}')"
)
READS = block("assert open('out/made.txt').read() == '1'")
AFTER = "---\ntitle: T\nafter: [{}]\n---\n\n"


def test_a_page_that_needs_a_file_of_another(new_project: NewProject) -> None:
    """The page that would run before is the one whose name comes first, and whose blocks take no time."""
    pages = {
        "a": READS,
        "b": WRITES + block("open('lib.py', 'w').write('x = 1')"),
        "c": block("import lib"),
        "d": block("cat made.txt", 'sh exec="on" workdir="out"'),
        "e": block("open('other/out/made.txt')"),
    }
    project = new_project(
        pages,
        PLAIN.replace("einsum-doc]", "einsum-doc: {device: cpu, jobs: 1}]") + "nav: [a.md, e.md, c.md, b.md]\n",
        {"out/.keep": ""},
    )
    hint = "docs/b.md writes {}; to run this page after it, write `after: [b.md]` in its front matter"
    runs = (
        lambda: project.build().console,
        lambda: project.run("einsum-doc", "check", "--no-cache").stderr,
        lambda: project.run("pytest", "docs", "-p", "no:cacheprovider", "-n", "0", EINSUM_DOC_NO_CACHE="1").stdout,
    )
    for run in runs:
        text = run()
        failures = dict(re.findall(r"^(docs/\w\.md):\d+: (.*(?:\n  .*)*)", text, re.M))
        assert failures.keys() == {"docs/a.md", "docs/c.md", "docs/e.md"}, text
        assert hint.format("out/made.txt") in failures["docs/a.md"]
        assert hint.format("lib.py") in failures["docs/c.md"]
        assert "docs/b.md" not in failures["docs/e.md"]
        shutil.rmtree(project.folder / "out")
        (project.folder / "out").mkdir()
        (project.folder / "lib.py").unlink()


def test_pages_run_after_those_that_they_name(new_project: NewProject) -> None:
    config = PLAIN.replace("einsum-doc]", "einsum-doc: {device: cpu, jobs: 3}]")
    pages = {
        "a": AFTER.format("b.md") + READS,
        "b": AFTER.format("z/c.md") + WRITES,
        "z/c": WRITES.replace("made", "first"),
    }
    project = new_project(pages, config)

    def ran() -> dict[str, str]:
        built = project.build(EINSUM_DOC_EXPLAIN="1")
        assert built.status == 0, built.console
        return {name: why for name, why in reasons(built).items() if why != "from the cache"}

    assert ran().keys() == {"a", "b"}
    assert ran() == {}
    (project.folder / "out/made.txt").unlink()
    assert ran() == {"b": "out/made.txt is gone"}  # and what it has written is what `a` has read
    page = project.folder / "docs/b.md"
    page.write_text(page.read_text().replace("{1}", "{2}"))
    built = project.build(EINSUM_DOC_EXPLAIN="1")
    assert built.status == 1
    assert "docs/a.md:7: AssertionError" in built.console


@pytest.mark.parametrize(
    ("after", "message"),
    {
        "d.md": "after: there is no page d.md in the folder of pages",
        "b.md": "after: the pages wait for one another: docs/a.md → docs/b.md → docs/c.md → docs/a.md",
        "a.md": "after: the pages wait for one another: docs/a.md → docs/a.md",
        "": "",
        "1": "after: expected a list of pages, such as [index.md], not [1]",
    }.items(),
)
def test_an_order_that_there_is_not(new_project: NewProject, after: str, message: str) -> None:
    pages = {"a": AFTER.format(after), "b": AFTER.format("c.md"), "c": AFTER.format("a.md"), "d.txt": ""}
    project = new_project({name: text + block("assert True") for name, text in pages.items()})
    told = project.run("einsum-doc", "check", "docs/a.md", "docs/b.md", "docs/c.md")
    assert told.returncode == bool(message)
    assert not message or f"docs/a.md:3: OrderError: {message}\n" in told.stderr
    assert ("docs/b.md:3: OrderError" in told.stderr) == (after == "b.md")


def test_what_nobody_else_reads_may_be_gone(new_project: NewProject) -> None:
    pages = {
        "own": block("open('own.txt', 'w').write('1')\nassert open('own.txt').read()"),
        "published": block("open('docs/p.txt', 'w').write('1')"),
        "read": block("open('read.txt', 'w').write('1')"),
        "reads": block("import time\ntime.sleep(0.3)\nopen('read.txt')"),
        "appends": block("open('log.txt', 'a').write('1')"),
    }
    config = PLAIN.replace("einsum-doc]", "einsum-doc: {device: cpu, jobs: 1}]") + "nav: [read.md, reads.md]\n"
    project = new_project(pages, config)
    assert project.build().status == 0
    for name in ("own.txt", "docs/p.txt", "read.txt", "log.txt"):
        (project.folder / name).unlink()
    ran = {page for page, why in reasons(project.build(EINSUM_DOC_EXPLAIN="1")).items() if why != "from the cache"}
    assert ran == {"published", "read", "reads", "appends"}
