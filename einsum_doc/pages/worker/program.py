"""Block -> code whose lines are those that its author can edit, with its assertions rewritten.

Most blocks stand on the lines after their opening, and their code is compiled at those. A
block that a snippet has filled, or another plugin, has lines from several places. Its code is
then compiled piece by piece, so that tracebacks, warnings and debuggers name the right file.
"""

from __future__ import annotations
import __future__

import ast
import marshal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import groupby
from types import CodeType, FunctionType
from typing import Any

from einsum_doc.pages.languages.all import LANGUAGES
from einsum_doc.pages.record.block import Block, Location
from einsum_doc.pages.worker.assertions import AssertionRewriter
from einsum_doc.pages.worker.values import show_last

_DEFINITION = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
Position = tuple[int, int]
"""The line and the column of a statement in the `numbered` program."""
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


def compile_block(block: Block, *, interactive: bool = False, shows: bool = True) -> list[CodeType]:
    """Return the code of a block at its lines in its file: one for each run of statements from one file, in order.

    interactive: whether to write the value of each command where its output is, as a console does.
    shows: whether the value of its last expression is to be shown.
    """
    source = numbered(block)
    rewriter = AssertionRewriter(block.location.file)
    with _located_warnings(block):
        tree: ast.Module = rewriter.visit(_Marker().visit(ast.parse(source, block.location.file)))
        # Once as it stands, for Python's own errors and warnings about the author's text.
        compile(source, block.location.file, "exec", dont_inherit=True)
    for location in (location_in(block, line) for line in rewriter.lines):
        ASSERTED.setdefault(location.file, set()).add(location.line)
    if shows and not interactive:
        show_last(tree, source)
    ast.fix_missing_locations(tree)
    flags = _future_flags(tree.body)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # Python has warned of the text as it stands already
        groups = groupby(tree.body, lambda statement: location_in(block, statement.lineno).file)
        return [_compiled([*group], file, block, flags, interactive=interactive) for file, group in groups]


class _Marker(ast.NodeTransformer):
    """Adds a call after each import, function and class outside of the others: it notes that these were executed.

    `@executed(4, 0)` follows the `def` in column 0 of line 4 of the `numbered` program. So it does where
    a name is given to a `lambda` or, outside of loops, which are to stay fast, to what a call returns: maybe a class.
    """

    def __init__(self, *, in_loop: bool = False) -> None:
        self.in_loop = in_loop

    def visit(self, node: ast.AST) -> Any:
        """Return a statement, with the call after it if it is one to be noted."""
        match node:
            case ast.expr() | ast.ImportFrom(module="__future__"):
                return node
            case ast.For() | ast.AsyncFor() | ast.While():
                return _Marker(in_loop=True).generic_visit(node)
            case ast.Assign(value=ast.Lambda()):
                pass
            case ast.Assign(value=ast.Call()) if not self.in_loop:
                pass
            case _ if not isinstance(node, _DEFINITION):
                return self.generic_visit(node)
        position: list[ast.expr] = [ast.Constant(node.lineno), ast.Constant(node.col_offset)]
        call = ast.Expr(ast.Call(ast.Name("@executed", ast.Load()), position, []))
        return [node, ast.copy_location(call, node)]


class Definitions:
    """The definitions of a page for a process that starts afresh: it unpickles them, and has them as its `__main__`.

    Functions, classes and imports are executed there as they stand on the page; the values that they use are copied.
    Nothing else of the page runs again, as if it stood under `if __name__ == "__main__":`.

    blocks: those that have been executed, each with the positions that have been noted in it.
    """

    def __init__(self, blocks: Sequence[tuple[Block, set[Position]]], namespace: dict[str, Any]) -> None:
        self.blocks, self.namespace = blocks, namespace

    def __reduce__(self) -> tuple[Callable[..., None], tuple[object, ...]]:
        from multiprocessing.reduction import ForkingPickler

        codes = []
        used: set[str] = set()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            for block, executed in self.blocks:
                tree = ast.parse(numbered(block))
                found = {(each.lineno, each.col_offset): each for each in ast.walk(tree) if isinstance(each, ast.stmt)}
                for statement in filter(self._is_definition, (found[position] for position in sorted(executed))):
                    used |= {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
                    file = location_in(block, statement.lineno).file
                    codes.append(_compiled([statement], file, block, _future_flags(tree.body)))
        values = {}
        for name in used & self.namespace.keys():
            with suppress(Exception):  # a function that uses it fails in the other process, which has no such name
                values[name] = bytes(ForkingPickler.dumps(self.namespace[name]))
        start = {"program": _START, "path": sys.path, "codes": marshal.dumps(codes), "used": used, "values": values}
        return exec, (_START, start)

    def _is_definition(self, statement: ast.stmt) -> bool:
        """Return whether a statement that has been executed is an import, or has made a function or a class."""
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)]):  # such as a named tuple
                made = self.namespace.get(name)
                return isinstance(made, type | FunctionType) and made.__module__ == "__main__"
        return isinstance(statement, _DEFINITION)


_START = """
import marshal, pickle, sys, types
from multiprocessing import reduction, spawn

class Definitions:  # those of the page, for a process that this one starts in turn
    def __reduce__(self):
        copies = {}
        for name in used & vars(main).keys():
            try:
                copies[name] = bytes(reduction.ForkingPickler.dumps(getattr(main, name)))
            except Exception:
                continue
        return exec, (program, dict(program=program, path=sys.path, codes=codes, used=used, values=copies))

def load():
    for name in list(values):
        try:
            setattr(main, name, pickle.loads(values[name]))
        except Exception:  # its class is not defined yet
            continue
        del values[name]

sys.path[:] = path
sys.modules["__main__"] = sys.modules["__mp_main__"] = main = types.ModuleType("__main__")
load()
for code in marshal.loads(codes):
    try:
        exec(code, main.__dict__)
    except Exception:  # it needs a value that cannot be copied: those who use it will be told that it is not there
        pass
load()
prepare = spawn.get_preparation_data
spawn.get_preparation_data = lambda name: prepare(name) | {"definitions": Definitions()}
"""
"""The program that makes a `__main__` of definitions, in a process that has nothing else of the builder."""


def _compiled(
    statements: list[ast.stmt], file: str, block: Block, flags: int, *, interactive: bool = False
) -> CodeType:
    """Return the code of statements of a block that stand in one file."""
    if block.locations:
        _move(statements, file, block)
    part = ast.Interactive(statements) if interactive else ast.Module(statements, [])
    mode = "single" if interactive else "exec"
    # Never optimized: that would take out `if __debug__`.
    code: CodeType = compile(part, file, mode, flags, dont_inherit=True, optimize=0)
    return code


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
