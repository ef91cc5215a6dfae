"""The same pages under MkDocs, ProperDocs and Zensical: one verdict, one outcome on the page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from ..conftest import BUILDERS, EXTENSION, PLAIN, SITES, Build, Built, Project, text_of

CONFIG = """\
site_name: A site
theme:
  name: material
  font: false
markdown_extensions:
  - pymdownx.superfences
  - einsum_doc.pages.extension:
      cache: !!python/name:einsum_doc.pages.extension.never
  - toc:
      permalink: true
plugins:
  - markdown-exec
  - einsum-doc:
      device: cpu
      junit: results.xml
      bars: true
      values: true
      downloads: [index.md, posts/*.md]
      assets:
        copied/library.py: library.py
"""
BLOCK = '```python exec="on" source="above"\n{}\n```\n'
DERIVATION = "```derivation\ny_i &= 2 x_i \\\\\ny_i &= {} x_i\n```\n"
LOCAL = (
    "\n```derivation\n% new\n% local\nu &= x^2 \\\\\ny &= u x \\\\\n"
    "\\frac{\\partial y}{\\partial x} &= u \\\\\n\\left. \\frac{\\partial y}{\\partial x} \\right|_{u} &= u\n```\n"
)
PAGES = {
    "index": "---\ntitle: The first\n---\n\n# One\n\n"
    + BLOCK.format("import library\n\nassert library.answer() == 42\nprint('*printed*')")
    + "\n## Checked\n\n"
    + DERIVATION.format("2")
    + LOCAL,
    "posts/second": "# Two\r\n\r\n"
    + BLOCK.format("print(6 * 7)").replace("\n", "\r\n")
    + "\r\n```expected\r\n42\r\n```\r\n\r\n```einsum\r\nij,jk->ik\r\n```\r\n",
    "prose": "# Three\n",
}
# Without mathematics, for which each build would load torch.
WRONG = {
    "index": PAGES["index"].partition("\n## Checked")[0].replace("== 42", "== 43"),
    "posts/second": PAGES["posts/second"].replace("\r\n42", "\r\n43").partition("\r\n```einsum")[0],
    "prose": PAGES["prose"],
    "other": "# Other\n\n" + BLOCK.format("x = 1\nassert x == 2"),
    **{
        f"{site}/{path.stem}": path.read_text("utf-8")
        for site in ("bad_option", "broken", "ended")
        for path in (SITES / site / "docs").glob("*.md")
    },
}


@pytest.fixture
def built_by(project: Project) -> Build:
    """Write pages, with a small library, and build them by one of the builders."""

    def build(builder: str, pages: Mapping[str, str], *options: str, config: str = CONFIG, answer: int = 42) -> Built:
        project.write(pages, config, {"library.py": f"def answer():\n    return {answer}\n"})
        return project.build(*options, builder=builder)

    return build


def outcome(built: Built, name: str) -> dict[str, object]:
    """What a page says of its blocks."""
    page = built.page(name)
    return {
        "blocks": re.findall(r'class="([\w -]+)" data-block="(\d+)"', page),
        "bars": [
            re.sub(r"\d\.\d\d s", "", bar)
            for bar in re.findall(r'<(?:div|details) class="bar".*?</(?:div|details)>', page)
        ],
        "stamp": [
            re.sub("<b>.*</b>|( · )?<a.*</a>", "", text)
            for text in re.findall(r'(?<=</h1>)<div class="stamp".*?</div>', page)
        ],
        "rows": [text_of(row) for row in re.findall(r'<div class="step.*?class="why">.*?</div>', page)],
        "local": [text_of(note) for note in re.findall(r'<p class="local">.*?</p>', page)],
        "drawn": page.count("tensor-network"),
    }


def verdict(built: Built, project: Project) -> tuple[str, str, int]:
    """The failures as a person is told them, the build in one line, and how many failures other programs are told."""
    told = re.search(r"^docs/.*?\n\n(?=\S+ *-|No issues)", built.console, re.M | re.S)
    summary = re.search(r"\d+ pages?, .*", built.console)
    assert summary
    counted = (project.folder / "results.xml").read_text().count("<failure ")
    failures = re.sub(r"\d\.\d\d s", "", told[0]) if told else ""
    return failures, re.sub(r", \d+ pages? from the cache", "", summary[0]), counted


def without_attributes(facts: dict[str, object]) -> str:
    """Zensical takes away what is only meant for the search."""
    return str(facts).replace(" data-search-exclude", "")


@pytest.mark.torch
def test_pages_that_hold_are_the_same_under_all(built_by: Build, project: Project) -> None:
    outcomes, verdicts = [], []
    for builder in BUILDERS:
        built = built_by(builder, PAGES)
        assert built.status == 0, built.console
        assert "<em>printed</em>" in built.page()
        verdicts.append(verdict(built, project))
        # Zensical does not know of a page that is added.
        assert ("report</a>" in built.page()) == (built.site / "report").exists() == (builder != "zensical")
        assert (built.site / "copied/library.py").is_file()
        assert "print(6 * 7)" in (built.site / "posts/second/second.py").read_text()
        for name, folder in (("index", "."), ("posts/second", "posts/second")):
            links = re.findall(r'<a href="([^"]+)" download[^>]*>([^<]+)</a>', built.page(name))
            assert [text for _, text in links] == [f"{Path(name).name}.py", f"{Path(name).name}.ipynb"]
            assert all((built.site / folder / to).is_file() for to, _ in links), links
        outcomes.append([without_attributes(outcome(built, name)) for name in ("index", "posts/second")])
    assert "✓ 1 assertion" in outcomes[0][0]
    assert "<span>3 blocks</span>" in outcomes[0][0]
    assert "'local': ['Derivatives are local here: " in outcomes[0][0]
    assert "y_i = 2 x_i" in outcomes[0][0]
    assert outcomes[1] == outcomes[0]
    assert outcomes[2] == outcomes[0]
    assert (
        verdicts
        == [("", "2 pages, 5 blocks, 4 assertions held, 19 lines of derivations held, 19 proved for all sizes", 0)] * 3
    )


def test_what_is_wrong_is_listed_and_no_page_is_written(built_by: Build, project: Project) -> None:
    verdicts = []
    for builder in BUILDERS:
        built = built_by(builder, WRONG)
        assert built.status == 1
        assert "Traceback" not in built.console
        assert set(built.pages) <= {"404.html"}
        verdicts.append(verdict(built, project))
    listed, summary, counted = verdicts[0]
    lines = re.findall(r"^docs/.*", listed, re.M)
    assert [line for line in lines if not line.startswith(("docs/bad", "docs/broken", "docs/ended"))] == [
        "docs/index.md:10: AssertionError: library.answer() == 43",
        "docs/other.md:5: AssertionError: x == 2",
        "docs/posts/second.md:7: OutputError: the output is not what is expected",
    ]
    assert f", {counted} failures" in summary
    assert counted == len(lines) == 14
    assert verdicts == verdicts[:1] * len(BUILDERS)


def test_zensical_keeps_no_page_that_the_library_has_made_wrong(built_by: Build) -> None:
    page = {"index": "# Title\n\n" + BLOCK.format("import library\n\nassert library.answer() == 42")}
    assert built_by("zensical", page).status == 0
    again = built_by("zensical", page)
    assert "1 page from the cache" in again.console
    assert again.status == 0
    changed = built_by("zensical", page, answer=41)
    assert changed.status == 1
    assert "docs/index.md:6: AssertionError: library.answer() == 42\n  left 41, right 42" in changed.console


def test_zensical_may_keep_no_pages(built_by: Build) -> None:
    built = built_by("zensical", PAGES, config=re.sub(r":\n *cache: .*", "", CONFIG))
    assert built.status == 1
    assert "cache: !!python/name:einsum_doc.pages.extension.never" in built.console
    assert '{ name = "einsum", class = "einsum", format = "einsum_doc.pages.extension.never" }' in built.console
    assert "Traceback" not in built.console


def test_a_block_that_does_not_reach_its_page_fails_under_zensical(built_by: Build) -> None:
    indented = "# Title\n\n- Item\n\n        " + BLOCK.format("assert True").strip().replace("\n", "\n        ") + "\n"
    built = built_by("zensical", {"index": indented})
    assert built.status == 1
    assert "docs/index.md:5: FenceError: the block ran but did not reach the page" in built.console
    assert "Traceback" not in built.console


def test_an_error_of_another_extension_keeps_its_traceback_under_zensical(built_by: Build, project: Project) -> None:
    code = (
        "from markdown import Extension\n\nclass Wrong(Extension):\n    def extendMarkdown(self, md):\n"
        '        raise ValueError("of another extension")\n'
    )
    project.write({}, files={"wrong_extension.py": code})
    config = CONFIG.replace("  - toc", "  - wrong_extension:Wrong\n  - toc")
    project = replace(project, environment={**project.environment, "PYTHONPATH": "."})
    project.write(PAGES, config, {"library.py": "def answer():\n    return 42\n"})
    built = project.build(builder="zensical")
    assert built.status == 1
    assert "of another extension" in built.console
    assert "Traceback" in built.console


TOML = """\
[project]
site_name = "S"
[project.plugins.markdown-exec]
[project.plugins.einsum-doc]
bars = true
[project.markdown_extensions."einsum_doc.pages.extension"]
[project.markdown_extensions.pymdownx.superfences]
custom_fences = [
  { name = "mermaid", class = "mermaid", format = "pymdownx.superfences.fence_code_format" },
  { name = "einsum", class = "einsum", format = "einsum_doc.pages.extension.never" },
]
"""
ON_TOP = f"INHERIT: mkdocs.yml\nmarkdown_extensions: [{EXTENSION}]\n"


@pytest.mark.parametrize(("file", "text"), [("zensical.toml", TOML), ("on_top.yml", ON_TOP)])
def test_zensical_may_have_a_file_of_its_own(built_by: Build, project: Project, file: str, text: str) -> None:
    config = PLAIN.replace("einsum-doc]", "{einsum-doc: {bars: true}}]")
    project.write({}, files={file: text})
    page = "# Title\n\n```mermaid\na --> b\n```\n\n" + BLOCK.format("assert 1 == 1")
    built = built_by("zensical", {"index": page}, "-f", file, config=config)
    assert built.status == 0, built.console
    assert ('<pre class="mermaid">' in built.page()) == (file == "zensical.toml")
    assert "✓ 1 assertion" in built.page()


def test_the_extension_alone_is_not_enough_for_mkdocs(built_by: Build) -> None:
    built = built_by("mkdocs", PAGES, config=CONFIG.split("  - einsum-doc")[0])
    assert built.status == 1
    assert "Add the line\n\n  - einsum-doc\n\nunder `plugins:`" in built.console


def test_an_option_that_does_not_exist_is_none_under_zensical(built_by: Build) -> None:
    built = built_by("zensical", PAGES, config=CONFIG.replace("device:", "devise:"))
    assert built.status == 1
    assert "unknown option 'devise' in mkdocs.yml" in built.console
    assert set(built.pages) <= {"404.html"}


@pytest.mark.slow
@pytest.mark.torch
def test_zensical_has_a_report_where_there_is_a_page_for_it(built_by: Build) -> None:
    pages = PAGES | {
        "about/report": "# What was found\n\nBy running it.\n",
        "api/names": '# Names\n\n<h2 id="library.answer">answer</h2>\n',
    }
    config = CONFIG.replace("device: cpu", "device: cpu\n      library: [library]\n      report: about/report.md")
    built = built_by("zensical", pages, config=config)
    assert built.status == 0, built.console
    page = built.page("about/report")
    assert page.index("By running it.") < page.index('<h2 id="docs/posts/second.md">') < page.index("</article>")
    assert re.findall(r'<a href="([^"]*)"><code>docs/posts/second.md', page) == ["../../posts/second/"]
    assert "Of 1 public name, the code of the pages uses 1." in page
    for name, link in (("index", "about/report/"), ("posts/second", "../../about/report/")):
        file = "docs/index.md" if name == "index" else f"docs/{name}.md"
        assert re.findall(r'<a href="([^"]*)">report</a>', built.page(name)) == [f"{link}#{file}"]
    assert '<p class="used">Used in <a href="../../">The first</a></p>' in without_attributes(
        {"": built.page("api/names")}
    )


def test_nothing_to_run_is_a_failure_under_zensical(built_by: Build) -> None:
    built = built_by("zensical", {"index": "# Title\n"}, config=PLAIN.replace(": [", f": [{EXTENSION}, ", 1))
    assert built.status == 1
    assert "mkdocs.yml:1: NothingRanError: nothing was executed in this build" in built.console
