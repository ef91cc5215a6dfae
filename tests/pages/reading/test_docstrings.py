"""The docstrings of a file, with the lines that they have in it."""

from __future__ import annotations

from pathlib import Path

from einsum_doc.pages.reading.docstrings import docstrings

SOURCE = '''\
"""

Of the module.
"""
if True:
    def function():
        """Of a function.

            Indented.
        """
class Class:
    attribute: int = 1
    """Of an attribute."""

    async def method(self):
        """The first."""

    async def method(self):
        """Escaped \\
        line.
        And another.
        """
'''


def test_docstrings_have_names_and_lines(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text(SOURCE)
    found = {each.name: [(line.location.line, str(line)) for line in each.lines] for each in docstrings(file, "m.py")}
    assert found == {
        "": [(3, "Of the module.")],
        "function": [(7, "Of a function."), (8, ""), (9, "Indented.")],
        "Class.attribute": [(13, "Of an attribute.")],
        "Class.method": [(16, "The first.")],
        "Class.method'": [(19, "Escaped         line."), (19, "And another.")],
    }
    assert {each.lines[0].location.file for each in docstrings(file, "m.py")} == {"m.py"}


def test_a_file_that_is_no_python_has_none(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def")
    assert docstrings(tmp_path / "broken.py", "broken.py") == docstrings(tmp_path / "missing.py", "missing.py") == []
