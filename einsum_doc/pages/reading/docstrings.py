"""A Python file -> its docstrings, each line with its location."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from einsum_doc.pages.reading.locations import Line
from einsum_doc.pages.record.block import Location


class Docstring(NamedTuple):
    """The docstring of a module, class, function or attribute."""

    name: str
    """The qualified name of the object within its module; empty for the module."""
    line: int
    """The line of its opening quotes."""
    lines: list[Line]
    """Its lines without their common indentation."""


def docstrings(path: Path, name: str) -> list[Docstring]:
    """Return the docstrings of a file, called `name` in messages; none, if it is no Python that can be read."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return []
    found: dict[str, Docstring] = {}
    for each in _docstrings_in(tree, "", name):
        unique = each.name
        while unique in found:  # as of a property and its setter
            unique += "'"
        found[unique] = each._replace(name=unique)
    return [*found.values()]


def _docstrings_in(node: ast.AST, owner: str, file: str) -> Iterator[Docstring]:
    """Yield the docstrings in the body of an object, and in those within it."""
    documented = owner  # an attribute's docstring stands after its assignment
    for each in getattr(node, "body", ()):
        if isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant) and isinstance(each.value.value, str):
            yield Docstring(documented, each.value.lineno, _lines(each.value, file))
        names = [ast.unparse(target) for target in getattr(each, "targets", [getattr(each, "target", None)]) if target]
        documented = ".".join(filter(None, [owner, *names[:1]]))
        if isinstance(each, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _docstrings_in(each, ".".join(filter(None, [owner, each.name])), file)
        elif isinstance(each, ast.If | ast.Try | ast.With):
            yield from _docstrings_in(each, owner, file)


def _lines(constant: ast.Constant, file: str) -> list[Line]:
    """Return the lines of a docstring as `inspect.cleandoc` cleans them."""
    text = str(constant.value)
    cleaned = inspect.cleandoc(text).split("\n")
    written = text.expandtabs().split("\n")
    first = next((index for index, line in enumerate(written) if line.strip()), 0)
    # A docstring with an escaped line end has fewer lines than its source: all are then at its opening.
    is_plain = (constant.end_lineno or 0) - constant.lineno == len(written) - 1
    lines = [constant.lineno + (first + index if is_plain else 0) for index in range(len(cleaned))]
    return [Line(line, Location(file, number)) for line, number in zip(cleaned, lines, strict=True)]
