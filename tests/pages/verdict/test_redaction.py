"""Paths and secrets are removed from everything that a result says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from einsum_doc.pages.record.block import Location
from einsum_doc.pages.record.result import Failure, Result, Shown
from einsum_doc.pages.verdict.redaction import Redaction

from ..conftest import Build, Project, block

CLEAN = Redaction(
    "/srv/site", {"HOME": "/home/ada", "API_TOKEN": "c0ffee-42", "AUTHOR": "Ada Lovelace", "KEY": "short"}
)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("/srv/site/docs/a.md", "docs/a.md"),
        ("in /srv/site", "in ."),
        ("/home/ada/notes", "~/notes"),
        ("c0ffee-42c0ffee-42", "[API_TOKEN][API_TOKEN]"),
        ("Ada Lovelace is short", "Ada Lovelace is short"),
        ("\u202e\u2069", "\u202e\u2069"),  # the author's
        ("\0\t\r\n\x1b[31mred\x1b[0m\x1b[2J\x1b]0;title\7\x9b\ud800", "\\x00\t\r\n\x1b[31mred\x1b[0m\\x9b\\ud800"),
    ],
)
def test_paths_and_secrets_are_replaced(text: str, clean: str) -> None:
    assert CLEAN(text) == clean


def test_paths_can_be_shown_except_in_failures() -> None:
    environment = {"HOME": "/home/ada", "API_TOKEN": "c0ffee-42"}
    clean = Redaction("/srv/site", environment, shows_paths=True)
    failure = Failure(Location("docs/a.md", 1), "ValueError", "/srv/site/a c0ffee-42")
    result = clean.result(Result("failed", output="/srv/site /home/ada c0ffee-42", failures=(failure,)))
    assert result.output == "/srv/site /home/ada [API_TOKEN]"
    assert result.failures[0].message == "a [API_TOKEN]"
    assert CLEAN.shown is CLEAN


@pytest.mark.parametrize(
    "name", ["TOKEN", "my_secret", "DB_PASSWORD", "CREDENTIALS", "PRIVATE_ID", "AWS_KEY", "KEY", "APIKEY", "AUTH"]
)
def test_a_variable_is_secret_by_its_name(name: str) -> None:
    assert Redaction("/srv", {name: "horse\nshoe"})("horse\nshoe and 'horse\\nshoe'") == f"[{name}] and '[{name}]'"


@pytest.mark.parametrize("name", ["AUTHOR", "KEYBOARD", "PATH"])
def test_other_variables_are_not(name: str) -> None:
    assert Redaction("/srv", {name: "horse-shoe"})("horse-shoe") == "horse-shoe"


def test_a_folder_that_is_a_link_is_known_by_both_paths(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    clean = Redaction(str(tmp_path / "link"), {})
    assert clean(f"{tmp_path}/link/a {tmp_path.resolve()}/real/b") == "a b"


def test_a_result_is_clean_in_all_its_text() -> None:
    said = "c0ffee-42"
    failure = Failure(Location("docs/a.md", 1), said, said, (said,), (said,))
    clean = CLEAN.result(
        Result("failed", said, said, said, (Shown("text", said),), raised=said, failures=(failure,) * 2)
    )
    assert said not in repr(clean)
    assert repr(clean).count("[API_TOKEN]") == 5 + 2 * 4


def test_no_secret_and_no_path_of_this_machine_is_published(build: Build, project: Project) -> None:
    code = (
        "import os, pathlib, sys\nprint(os.environ['SITE_TOKEN'], pathlib.Path().absolute() / 'x.txt')\n"
        "print(pathlib.Path.home() / 'secrets', file=sys.stderr)\nopen(pathlib.Path().absolute() / 'gone')"
    )
    secrets = {"SITE_TOKEN": "c0ffee-and-cream", "MY_TOKEN": "s3c'r\\3t-value"}
    built = build({"index": block(code, 'python exec="on" source="above" raises="FileNotFoundError"')}, **secrets)
    assert built.status == 0, built.console
    page = built.page()
    failing = {
        "index": block("import os\nassert os.environ['SITE_TOKEN'] == 1"),
        "repr": block("import os\nassert os.environ['MY_TOKEN'] == 'no'"),
    }
    failed = build(failing, "-q", **secrets)
    for text in (page, failed.console):
        assert "c0ffee" not in text
        assert str(project.folder.parent) not in text
        assert str(Path.home()) + "/" not in text
    assert "[SITE_TOKEN] x.txt" in page
    assert "~/secrets" in page
    assert "left '[SITE_TOKEN]', right 1" in failed.console
    assert "r\\3t" not in failed.console
    assert "r\\\\3t" not in failed.console
    assert "[MY_TOKEN]" in failed.console


def test_the_path_behind_a_link_is_not_published(project: Project, tmp_path: Path) -> None:
    project.write({"index": block("import os\nprint(os.getcwd(), os.path.realpath('x'))")})
    (tmp_path / "link").symlink_to("project")
    built = replace(project, folder=tmp_path).build("-q", "-f", "link/mkdocs.yml")
    assert (built.status, built.console) == (0, "")
    page = (project.folder / "site/index.html").read_text()
    assert str(tmp_path) not in page
    assert "<p>. x</p>" in page
