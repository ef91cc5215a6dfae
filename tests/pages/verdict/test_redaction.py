"""Paths and secrets are removed from everything that a result says."""

from __future__ import annotations

from pathlib import Path

import pytest

from einsum_doc.pages.record.block import Location
from einsum_doc.pages.record.result import Failure, Result, Shown
from einsum_doc.pages.verdict.redaction import Redaction

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
    ],
)
def test_paths_and_secrets_are_replaced(text: str, clean: str) -> None:
    assert CLEAN(text) == clean


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
