"""Block -> code whose lines are those that its author can edit, with its assertions rewritten.

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
from einsum_doc.pages.worker.assertions import AssertionRewriter
from einsum_doc.pages.worker.values import show_last

ASSERTED: dict[str, set[int]] = {}
"""The lines of each file on which an assertion stands."""


def numbered(block: Block) -> str:
    r"""Return the program of a block after as many empty lines as there are lines before it in its file.

    >>> numbered(Block(Location("docs/a.md", 2), 1, "python", "x = 1"))
    '\n\nx = 1'
    """
    return "\n" * block.location.line + LANGUAGES[block.language].program(block.code)


def location_in(block: Block, line: int) -> Location:
    """Return the location of a line of the `numbered` program."""
    return block.location_of(line - block.location.line - 1)


def compile_block(block: Block, *, interactive: bool = False) -> list[CodeType]:
    """Return the code of a block at its lines in its file: one for each run of statements from one file, in order.

    interactive: whether to write the value of each command where its output is, as a console does.
    """
    source = numbered(block)
    rewriter = AssertionRewriter(block.location.file)
    with _located_warnings(block):
        tree: ast.Module = rewriter.visit(ast.parse(source, block.location.file))
        # Once as it stands, for Python's own errors and warnings about the author's text.
        compile(source, block.location.file, "exec", dont_inherit=True)
    for location in (location_in(block, line) for line in rewriter.lines):
        ASSERTED.setdefault(location.file, set()).add(location.line)
    if not interactive:
        show_last(tree, source)
    ast.fix_missing_locations(tree)
    flags = _future_flags(tree.body)
    codes = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # Python has warned of the text as it stands already
        for file, group in groupby(tree.body, lambda statement: location_in(block, statement.lineno).file):
            statements = list(group)
            if block.locations:
                _move(statements, file, block)
            part = ast.Interactive(statements) if interactive else ast.Module(statements, [])
            # Never optimized: that would take out `if __debug__`.
            mode = "single" if interactive else "exec"
            codes.append(compile(part, file, mode, flags, dont_inherit=True, optimize=0))
    return codes


def _future_flags(body: Sequence[ast.stmt]) -> int:
    """Return the compiler flags of the block's `__future__` imports, for all its pieces."""
    imports = [each for each in body if isinstance(each, ast.ImportFrom) and each.module == "__future__"]
    return sum({getattr(__future__, each.name).compiler_flag for node in imports for each in node.names})


def _move(statements: Sequence[ast.stmt], file: str, block: Block) -> None:
    """Set the lines of statements to those in their file."""
    for node in (each for statement in statements for each in ast.walk(statement)):
        if hasattr(node, "lineno"):
            line = _line_in(file, node.lineno, block)
            # Their ends may stand in another file, or before them.
            node.lineno = node.end_lineno = line  # type: ignore[attr-defined]
            node.end_col_offset = node.col_offset  # type: ignore[attr-defined]


def _line_in(file: str, line: int, block: Block) -> int:
    """Return the number of a line in a file; for a line that is included from another file, that of the inclusion."""
    before = 0
    while (location := location_in(block, line - before)).file != file:
        before += 1
    return location.line + (before > 0)


@contextmanager
def _located_warnings(block: Block) -> Iterator[None]:
    """Issue the warnings of Python's compiler about a `numbered` program at the locations of their lines."""
    with warnings.catch_warnings(record=True) as caught:
        yield
    for each in caught:
        location = location_in(block, each.lineno)
        warnings.warn_explicit(each.message, each.category, location.file, location.line)
