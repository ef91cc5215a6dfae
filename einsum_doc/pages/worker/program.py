"""A block's syntax tree -> code whose lines are those that its author can edit.

Most blocks stand on the lines after their opening, and their code is compiled at those. A
block that a snippet has filled, or another plugin, has lines from several places. Its code is
then compiled piece by piece, so that tracebacks, warnings and debuggers name the right file.
"""

from __future__ import annotations
import __future__

import ast
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from types import CodeType

from einsum_doc.pages.languages.all import LANGUAGES
from einsum_doc.pages.record.block import Block, Location


def numbered(block: Block) -> str:
    r"""What a block runs, after as many empty lines as there are before it in its file.

    >>> numbered(Block(Location("docs/a.md", 2), 1, "python", "x = 1"))
    '\n\nx = 1'
    """
    return "\n" * block.location.line + LANGUAGES[block.language].program(block.code)


def location_in(block: Block, line: int) -> Location:
    """The place of a line of the block as it is `numbered`."""
    return block.location_of(line - block.location.line - 1)


def compiled(tree: ast.Module | ast.Interactive, block: Block) -> list[CodeType]:
    """The code of a block as it is `numbered`: one for each run of statements from one file, to be run in order."""
    mode = "single" if isinstance(tree, ast.Interactive) else "exec"
    flags = _future_flags(tree.body)
    pieces = [(block.location.file, tree.body)]
    if block.locations:
        by_file = groupby(tree.body, lambda statement: location_in(block, statement.lineno).file)
        pieces = [(file, list(statements)) for file, statements in by_file] or pieces
    codes: list[CodeType] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # Python has warned of the text as it stands already
        for file, statements in pieces:
            if block.locations:
                _move(statements, file, block)
            part = ast.Interactive(statements) if mode == "single" else ast.Module(statements, [])
            # Never optimized: that would take out `if __debug__`.
            codes.append(compile(part, file, mode, flags, dont_inherit=True, optimize=0))
    return codes


def _future_flags(body: Sequence[ast.stmt]) -> int:
    """What the block asks of the compiler, for all its pieces."""
    names = [
        each.name
        for node in body
        if isinstance(node, ast.ImportFrom) and node.module == "__future__"
        for each in node.names
    ]
    features = [getattr(__future__, name, None) for name in names]
    return sum({feature.compiler_flag for feature in features if feature is not None})


def _move(statements: Sequence[ast.stmt], file: str, block: Block) -> None:
    """Give statements the lines that they have in their file."""
    for node in (each for statement in statements for each in ast.walk(statement)):
        if hasattr(node, "lineno"):
            line = _line_in(file, node.lineno, block)
            # Their ends may stand in another file, or before them.
            node.lineno = node.end_lineno = line  # type: ignore[attr-defined]
            node.end_col_offset = node.col_offset  # type: ignore[attr-defined]


def _line_in(file: str, line: int, block: Block) -> int:
    """A line's number in a file; if it stands in another, which has been put in there, the line that did it."""
    before = 0
    while (location := location_in(block, line - before)).file != file:
        before += 1
    return location.line + (before > 0)


@contextmanager
def located_warnings(block: Block) -> Iterator[None]:
    """Have what Python warns of while it reads a `numbered` block named at its place."""
    if not block.locations:
        yield
        return
    with warnings.catch_warnings(record=True) as heard:
        yield
    for each in heard:
        location = location_in(block, each.lineno)
        warnings.warn_explicit(each.message, each.category, location.file, location.line)
