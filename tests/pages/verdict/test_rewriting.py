"""`python -m einsum_doc.pages.expected` rewrites the `expected` fences of a project in place."""

from __future__ import annotations

import pytest

from ..conftest import Build, NewProject, Project, block
from ..reading.test_fences import EXPECTED, SITE

REWRITE = ["python", "-m", "einsum_doc.pages.expected"]
ENDINGS = {"lf": "\n", "crlf": "\r\n", "cr": "\r"}
PRINTS = block("print('\\033[31mred\\033[0m')\nprint('10 %', end='\\r')\nprint('99 %')")


@pytest.fixture(scope="module")
def rewritten(new_project: NewProject) -> Project:
    """A project that has been rewritten."""
    stale = EXPECTED.replace("three lines\n    12\n", "two\n    lines\n")
    stale += "\n" + block("print('x\\n\\ny')") + block("old", "expected")
    project = new_project(
        {
            "in_place": stale.replace("\n", "\r\n"),
            "longer": block("print('a\\n```\\nb')") + block("old", "expected") + "After.\n",
            # A site that a block builds is not rewritten along.
            "variable": block("import os\nassert 'EINSUM_DOC_REWRITE' not in os.environ"),
            **{name: PRINTS + block("old", "expected").replace("\n", ending) for name, ending in ENDINGS.items()},
        }
    )
    told = project.run(*REWRITE)
    assert told.returncode == 0, told.stderr
    assert told.stderr.count("rewritten") == 6
    return project


def text(project: Project, page: str) -> str:
    """The text of a page, with its line endings."""
    return (project.folder / f"docs/{page}.md").read_bytes().decode()


def test_expected_output_is_rewritten_in_place(rewritten: Project) -> None:
    page = text(rewritten, "in_place")
    assert "    pi 3.141592653589793\r\n    three lines\r\n    12\r\n    ```\r\n" in page
    assert "```expected\r\nx\r\n\r\ny\r\n```" in page
    assert "\n" not in page.replace("\r\n", "")


@pytest.mark.parametrize("name", ENDINGS)
def test_a_rewritten_fence_keeps_the_ending_of_its_lines(rewritten: Project, name: str) -> None:
    assert text(rewritten, name) == PRINTS + block("red\n99 %", "expected").replace("\n", ENDINGS[name])


def test_output_that_holds_a_fence_is_rewritten_in_a_longer_one(rewritten: Project) -> None:
    assert "\n````expected\na\n```\nb\n````\n\nAfter.\n" in text(rewritten, "longer")


def test_what_has_been_rewritten_holds(rewritten: Project) -> None:
    assert rewritten.build("-q").status == 0


def test_what_is_expected_elsewhere_is_not_overwritten(project: Project) -> None:
    pages = {
        "snippet": block("print(1)") + block('--8<-- "old.txt"', "expected"),
        "written": block("print(2)") + "{{ fence }}\n",
        "written_in": block("print(3)") + block("{{ old }}", "expected"),
    }
    hook = (
        "def on_page_markdown(markdown, **_):\n"
        "    return markdown.replace('{{ fence }}', '```expected\\nold\\n```').replace('{{ old }}', 'old')\n"
    )
    files = {"old.txt": "old\n", "hook.py": hook}
    told = project.write({"index": "# Title\n", **pages}, SITE + "hooks: [hook.py]\n", files).run(*REWRITE)
    assert told.returncode == 1
    for page, before in pages.items():
        assert text(project, page) == before
        assert (
            f"docs/{page}.md:5: OutputError: the output is not what is expected, and cannot be written" in told.stderr
        )
    assert "einsum-doc: 3 pages, 3 blocks, 0 assertions held" in told.stderr
    assert " 3 failures" in told.stderr


def test_the_variable_that_rewrites_is_for_one_build(build: Build, project: Project) -> None:
    stale = EXPECTED.replace("3.1416", "3")
    built = build({"index": stale}, "-q", EINSUM_DOC_REWRITE="1")
    assert built.status == 1
    assert "EINSUM_DOC_REWRITE is set" in built.console
    assert text(project, "index") == stale
