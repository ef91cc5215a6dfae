"""What a build tells beside its verdict: on a page of the site, and to other programs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from html import escape
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Browser

from ..conftest import PLAIN, Build, NewProject, Project

BLOCK = '```python exec="on"{}\n{}\n```\n\n'
PAGES = {
    "index": "# Welcome\n\nProse alone.\n",
    "posts/first": "# The <em>first</em> & only\n\n"
    + BLOCK.format("", "import yaml\nassert 1 == 1")
    + BLOCK.format(' title="the <sum>"', "assert 2 == 2\nassert 3 == 3")
    + BLOCK.format(' raises="KeyError"', "{}[1]"),
    "posts/second": "# Second\n\n" + BLOCK.format("", "assert True"),
}
TORCH = {
    **PAGES,
    "posts/second": "# Second\n\n```derivation\nz_{ik} &= x_{ij} y_{jk} \\\\\nz_{ik} &= y_{jk} x_{ij}\n```\n\n"
    + BLOCK.format(' skip-if="no-gpu"', "x = 1"),
}
NAV = PLAIN + "nav: [index.md, posts/first.md, posts/second.md]\nvalidation: {nav: {omitted_files: warn}}\n"
WRONG = {"index": "# Wrong\n\n" + BLOCK.format("", "assert 1 == 2")}


def with_options(*options: str, config: str = PLAIN) -> str:
    """A mkdocs.yml whose plugin has these options."""
    return config.replace("einsum-doc]", f"einsum-doc: {{{', '.join(['device: cpu, values: true', *options])}}}]")


EXPORTS = with_options("junit: results/junit.xml", "json: results.json")


def cells(page: str) -> list[list[str]]:
    """The text of each row of the tables of a page."""
    rows = [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row) for row in re.findall(r"<tr>(.*?)</tr>", page)]
    return [[re.sub(r"<[^>]+>", "", cell) for cell in row] for row in rows]


@pytest.mark.torch
def test_a_page_of_the_site_tells_what_was_found(build: Build) -> None:
    built = build(TORCH, "--strict", config=with_options(config=NAV), CUDA_VISIBLE_DEVICES="")
    assert built.status == 0, built.console
    page = built.page("report")
    times = re.compile(r"\d+\.\d\d&nbsp;s")
    assert [[times.sub("time", cell) for cell in row] for row in cells(page)] == [
        # Without the columns that would be empty.
        ["block", "outcome", "assertions", "time", "language", "place"],
        ["1", "✓ held", "1", "time", "python", "first.md:3"],
        ["2: the &lt;sum&gt;", "✓ held", "2", "time", "python", "first.md:8"],
        ["3", "✓ raised, as expected", "", "time", "python", "first.md:13"],
        ["block", "outcome", "lines", "proved", "time", "device", "language", "place"],
        ["1", "✓ held", "1", "1", "time", "", "derivation", "second.md:3"],
        ["2", "– skipped: no GPU", "", "", "", "cuda", "python", "second.md:8"],
    ]
    told = "2 pages, 5 blocks, 3 assertions held, 1 line of derivations held, 1 proved for all sizes"
    assert f"{told}, 1 skipped (no GPU)." in page
    assert re.search(r"Python 3\.\d+\.\d+, einsum-doc \d", page)
    assert re.search(r"<code>docs/posts/first.md</code></a> ran on \d+ \w+ 20\d\d, \d\d:\d\d:\d\d UTC\.", page)
    assert re.search(r"With .*pyyaml \d+\.\d", page)
    assert "Prose alone" not in page
    # Below the theme's own title, in the theme.
    assert page.index("<h1") < page.index("<h2") < page.index("</html>")
    assert re.search(r'<a href="\.\./posts/first/"[^>]*>The first &amp; only</a>', page)  # of its menu


@pytest.fixture(scope="module")
def exported(new_project: NewProject) -> Path:
    """The folder of a project that has been built once, and has told other programs."""
    exported = new_project(PAGES, EXPORTS)
    assert exported.build("-q").status == 0
    return exported.folder


@pytest.fixture
def copy(exported: Path, project: Project) -> Project:
    """A copy of it."""
    shutil.copytree(exported, project.folder)
    return project


def test_the_stamp_leads_to_its_part(exported: Path, serve: Callable[[Path], str], browser: Browser) -> None:
    page = browser.new_page()
    address = serve(exported / "site")
    page.goto(f"{address}posts/first/")
    page.locator(".stamp a", has_text="report").click()
    assert page.url == f"{address}report/#docs/posts/first.md"
    assert page.locator(":target").inner_text() == "The first & only"
    page.get_by_text("docs/posts/first.md", exact=True).click()
    assert page.url == f"{address}posts/first/"
    page.close()


def test_what_came_from_the_cache_says_so(copy: Project) -> None:
    first = (copy.folder / "site/report/index.html").read_text()
    again = copy.build().page("report")
    ran = re.findall(r"docs/posts/first.md</code></a> ran on ([^.]*)\.", first)
    assert len(ran) == 1
    said = f"is from the cache: it ran on {ran[0]}, and nothing that it depends on has changed since."
    assert f"docs/posts/first.md</code></a> {said}" in again
    assert [row[:3] + row[-2:] for row in cells(again)] == [row[:3] + row[-2:] for row in cells(first)]
    versions = re.compile(r"With .*?(?=</p>)")
    assert versions.findall(again) == versions.findall(first) != []


@pytest.mark.parametrize(
    ("option", "written"),
    [("report: ''", []), ("report: about/this.md", ["about/this/index.html"])],
)
def test_it_may_stand_elsewhere_or_nowhere(build: Build, option: str, written: list[str]) -> None:
    built = build(PAGES, "--strict", config=with_options(option, config=NAV))
    assert built.status == 0, built.console
    assert set(built.pages) - {"404.html", "search.html"} == {
        "index.html",
        "posts/first/index.html",
        "posts/second/index.html",
        *written,
    }
    links = re.findall(r'<a href="([^"]*)">report</a>', built.page("posts/first"))
    assert links == ["../../about/this/#docs/posts/first.md" for _ in written]


def test_names_are_text(build: Build) -> None:
    name, shown = "a<b>&\"c'%0A\n\x1b[31m\u202e", "docs/a<b>&\"c'%0A\\n\\x1b[31m\\u202e.md"
    options = with_options("junit: results.xml", "json: results.json")
    code = r"type('V', (), {'__repr__': lambda _: '<b>\0\ud800'})()"
    built = build({name: BLOCK.format("", code)}, config=options)
    assert built.status == 0, built.console
    assert f"{shown}: 1 block in " in built.console
    report = built.page("report")
    assert "\u202e" not in built.console + report.split("<h1")[1].split("</body>")[0]
    assert f'<h2 id="{escape(shown)}">' in report
    assert f"<code>{escape(shown)}</code>" in report
    assert f'<a href="#{quote(shown)}"' in report  # of its contents
    assert f'<a href="../report/#{quote(shown)}">report</a>' in built.page(name)
    assert r'<pre class="value">&lt;b&gt;\x00\ud800</pre>' in built.page(name)
    (suite,) = ElementTree.parse(built.site.parent / "results.xml").getroot()
    assert suite.get("name") == shown
    facts = json.loads((built.site.parent / "results.json").read_text("utf-8"))
    assert [page["page"] for page in facts["pages"] if page["blocks"]] == [shown]


def test_it_must_be_a_page(build: Build) -> None:
    built = build(PAGES, "-q", config=with_options("report: report.html"))
    assert built.status == 1
    assert "report: report.html is no page; one is called report.md, say" in built.console


def test_it_follows_on_what_the_author_wrote(build: Build) -> None:
    link = "[part](report/index.md#docs/posts/second.md)"
    pages = {**PAGES, "report/index": "# How we checked\n\nBy running it.\n", "index": f"# Welcome\n\n{link}\n"}
    checked = "validation: {links: {anchors: warn}}\n"
    built = build(pages, "--strict", config=with_options(config=PLAIN) + checked)
    assert built.status == 0, built.console
    page = built.page("report")
    assert page.index("How we checked") < page.index("By running it.") < page.index("✓ held")
    assert '<a href="report/#docs/posts/second.md">part</a>' in built.page()


def test_files_with_html_for_names(build: Build) -> None:
    built = build(PAGES, config=with_options() + "use_directory_urls: false\n")
    assert 'href="../report.html#docs/posts/first.md">report</a>' in (built.site / "posts/first.html").read_text()
    assert '<a href="posts/first.html"><code>' in (built.site / "report.html").read_text()


def test_a_build_of_some_pages_leaves_it_as_it_is(copy: Project) -> None:
    before = (copy.folder / "site/report/index.html").read_text()
    again = copy.write({"posts/second": PAGES["posts/second"] + "\nMore.\n"}, EXPORTS).build("--dirty")
    assert "More." in again.page("posts/second")
    assert again.page("report") == before


def told(project: Path) -> tuple[Mapping[str, list[str]], Mapping[str, object]]:
    """What a build has told other programs: the counts in its JUnit XML by page, and its JSON."""
    suites = ElementTree.parse(project / "results/junit.xml").getroot()
    counts = {suite.get("name", ""): [suite.get(name, "") for name in ("tests", "failures")] for suite in suites}
    return counts, json.loads((project / "results.json").read_text())


def test_a_build_tells_other_programs(exported: Path) -> None:
    counts, facts = told(exported)
    assert counts == {"docs/posts/first.md": ["3", "0"], "docs/posts/second.md": ["1", "0"]}
    assert facts["summary"] == "2 pages, 4 blocks, 4 assertions held"
    [first] = [page for page in facts["pages"] if page["page"] == "docs/posts/first.md"]  # type: ignore[attr-defined]
    assert [block["status"] for block in first["blocks"]] == ["held", "held", "held"]
    assert first["packages"].keys() >= {"pyyaml"}


def test_junit_has_what_a_console_would_have_written(build: Build, tmp_path: Path) -> None:
    assert build({"index": "# T\n\n" + BLOCK.format("", "print('six times')\n6 * 7")}, "-q", config=EXPORTS).status == 0
    suites = ElementTree.parse(tmp_path / "project/results/junit.xml").getroot()
    assert suites.findtext(".//system-out") == "six times\n42"


def test_the_search_does_not_index_the_report(build: Build) -> None:
    built = build(PAGES, config=with_options(config=PLAIN.replace("plugins: [", "plugins: [search, ")))
    assert "first.md:3" in built.page("report")
    index = (built.site / "search/search_index.json").read_text()
    assert "Prose alone" in index
    assert "first.md:3" not in index


def test_a_failing_build_tells_them_too(copy: Project) -> None:
    built = copy.write(WRONG, EXPORTS).build("-q", GITHUB_ACTIONS="true")
    assert built.status == 1
    annotation = "::error file=docs/index.md,line=4,title=AssertionError::1 == 2%0Aleft 1, right 2\n"
    assert built.console.count(annotation) == 1
    counts, facts = told(copy.folder)
    assert counts["docs/index.md"] == ["1", "1"]
    assert facts["summary"] == "3 pages, 5 blocks, 4 assertions held, 2 pages from the cache, 1 failure"


def test_a_build_in_which_nothing_ran_is_a_failure_to_them_too(build: Build, project: Project) -> None:
    built = build({"index": "# No code\n"}, "-q", config=EXPORTS, GITHUB_ACTIONS="true")
    assert built.status == 1
    assert "::error file=mkdocs.yml,line=1,title=NothingRanError::nothing was executed in this build" in built.console
    assert told(project.folder)[0] == {"mkdocs.yml": ["1", "1"]}


def test_annotations_are_for_github_alone(build: Build) -> None:
    built = build(WRONG, "-q", config=EXPORTS)
    assert built.status == 1
    assert "::error" not in built.console


def test_a_build_that_does_not_get_that_far_leaves_no_old_results(copy: Project) -> None:
    assert told(copy.folder)
    gone = EXPORTS.replace("device: cpu", "device: cpu, assets: {a.css: gone.css}")
    assert copy.write({}, gone).build("-q").status == 1
    assert not (copy.folder / "results.json").exists()
    assert not (copy.folder / "results/junit.xml").exists()


def test_the_results_are_no_reason_to_run_again(build: Build, project: Project) -> None:
    code = (
        "import subprocess\nsubprocess.run(['true'], check=True)\nassert True"  # depends on every file of the project
    )
    assert build({"index": "# Starts\n\n" + BLOCK.format("", code)}, config=EXPORTS).status == 0
    assert project.run("einsum-doc", "check").stdout == "1 page, 1 block, 1 assertion held, 1 page from the cache\n"


def test_the_commit_that_is_built(project: Project, tmp_path: Path) -> None:
    project.write({"index": "# Title\n\n" + BLOCK.format("", "assert 1")}, EXPORTS)

    def commit(built: Project) -> object:
        assert built.build().status == 0
        return json.loads((built.folder / "results.json").read_text())["commit"]

    def git(*args: str) -> str:
        return subprocess.run(
            ["git", *args], cwd=project.folder, capture_output=True, text=True, check=True
        ).stdout.strip()

    assert commit(project) is None
    (project.folder / ".gitignore").write_text("site/\nresults*\n.cache/\n")
    git("init", "-q", "..")
    git("add", "-A")
    git("-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qm", "One")
    assert commit(project) == git("rev-parse", "--short", "HEAD")
    (project.folder / "docs/index.md").write_text("# Another\n\n" + BLOCK.format("", "assert 1"))
    (tmp_path / "link").symlink_to(project.folder)  # what git calls a folder's parent is not what its name says
    assert commit(replace(project, folder=tmp_path / "link")) == git("rev-parse", "--short", "HEAD") + ", modified"
