"""Files that are written as a whole."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from einsum_doc.pages.record.files import write


def test_writers_at_the_same_time(tmp_path: Path) -> None:
    path, texts = tmp_path / "results.xml", {letter * 300_000 for letter in "abcdef"}
    write(path, "a" * 300_000)
    writers = [threading.Thread(target=lambda each=text: [write(path, each) for _ in range(20)]) for text in texts]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert path.read_text() in texts
    assert os.listdir(tmp_path) == ["results.xml"]


def test_the_file_keeps_its_place_and_its_mode(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("old")
    (tmp_path / "page.md").chmod(0o640)
    (tmp_path / "link.md").symlink_to("page.md")
    write(tmp_path / "link.md", "new\r\n")
    assert (tmp_path / "page.md").read_bytes() == b"new\r\n"
    assert (tmp_path / "link.md").is_symlink()
    assert (tmp_path / "page.md").stat().st_mode & 0o777 == 0o640


def test_nothing_is_left_of_a_text_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(UnicodeEncodeError):
        write(tmp_path / "page.md", "\ud800")
    assert os.listdir(tmp_path) == []


def test_what_is_no_file_is_written_to() -> None:
    write(Path(os.devnull), "text")
    assert not Path(os.devnull).is_file()
