"""`python`, `py` and `pycon`: code that runs in the page's own process."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from einsum_doc.pages.reading.fence import FenceError
from einsum_doc.pages.reading.language import Language, PageProcess, literal
from einsum_doc.pages.record.block import Block
from einsum_doc.pages.record.result import Result


@dataclass(frozen=True)
class PythonLanguage(Language):
    """Python; with a prompt, a session in its console."""

    def check_use(self, options: Mapping[str, str]) -> None:
        if "returncode" in options:
            raise FenceError(
                "option 'returncode' does nothing for Python", 'for an error that is expected, write raises="…"'
            )

    def typed(self, code: str) -> Mapping[int, str]:
        r"""Return the lines of the program.

        >>> PythonLanguage("pycon", prompt=">>> ").typed(">>> 1 + 1\n2")
        {0: '1 + 1'}
        """
        if not self.prompt:
            return super().typed(code)
        lines = enumerate(code.split("\n"))
        return {index: line[4:] for index, line in lines if line.startswith((">>> ", "... "))}

    def run(self, block: Block, process: PageProcess) -> Result:
        """Execute the code in the page's namespace."""
        process.execute(block, interactive=bool(self.prompt))
        return Result("held")

    def defines(self, code: str, name: str) -> bool:
        """Return whether the program assigns or imports the name, outside of its functions and classes.

        >>> [PythonLanguage("py").defines("def f(x): y = x", name) for name in "fxy"]
        [True, False, False]
        """
        if name not in code:
            return False
        from symtable import symtable  # not loaded by a build in which every name is there

        with warnings.catch_warnings(action="ignore"), suppress(SyntaxError, KeyError):
            symbol = symtable(self.program(code), "", "exec").lookup(name)
            return symbol.is_assigned() or symbol.is_imported()
        return False

    def setup(self, block: Block) -> Sequence[str]:
        return ("_sessions = {}",) if block.options.get("session") else ()

    def standalone(self, block: Block) -> Iterator[str]:
        code = "\n".join(self.typed(block.code).values())
        if block.expected is not None:
            code = _with_values(code, every=bool(self.prompt))
        if block.options.get("session"):
            yield f"exec({literal(code)}, _sessions.setdefault({block.options['session']!r}, {{}}))"
        else:
            yield from code.split("\n")


def last_value(tree: ast.Module, source: str) -> ast.Expr | None:
    r"""Return the last statement of a program, if it is an expression without a `;` after it.

    >>> [last_value(ast.parse(source), source) is not None for source in ("x = 1\nx  # shown", "x;", "x = 1")]
    [True, False, False]
    """
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.Expr):
        return None
    lines = source.encode().split(b"\n")[(last.end_lineno or 1) - 1 :]
    after = b"\n".join([lines[0][last.end_col_offset :], *lines[1:]])
    return None if re.match(rb"[\s\\]*;", after) else last


def _with_values(code: str, *, every: bool) -> str:
    r"""Return code with `shows` around its last expression, or around every one: expected output holds their values.

    >>> _with_values("x = 1\nx + 1  # two", every=False)
    'x = 1\nshows(x + 1)  # two'
    """
    try:
        tree = ast.parse(code)
    except SyntaxError:  # which the block may expect
        return code
    last = last_value(tree, code)
    found = [each for each in tree.body if isinstance(each, ast.Expr)] if every else [last] if last else []
    lines = [line.encode() for line in code.split("\n")]
    for each in reversed(found):
        before, after = (b"shows((", b"))") if isinstance(each.value, ast.Tuple) else (b"shows(", b")")
        # The end first: it may stand on the same line.
        ends = (each.end_lineno or 0, each.end_col_offset or 0, after), (each.lineno, each.col_offset, before)
        for line, column, text in ends:
            lines[line - 1] = lines[line - 1][:column] + text + lines[line - 1][column:]
    return b"\n".join(lines).decode()


LANGUAGES = (PythonLanguage("python"), PythonLanguage("py"), PythonLanguage("pycon", prompt=">>> "))
