"""A plugin of the tool coverage: which lines of a page are code, so that its reports show pages too.

    [run]
    plugins = einsum_doc.pages.fronts.coverage

Blocks are measured without it as well, since they are compiled under the names of their Markdown
files; but coverage takes for Python only what is called `.py`, and leaves the rest out of its reports.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import coverage
from coverage.plugin_support import Plugins


class Pages(coverage.CoveragePlugin):
    """Knows Markdown files."""

    def file_tracer(self, filename: str) -> coverage.FileTracer | None:
        """Take charge of a file that code was compiled from, if it is Markdown."""
        return _Tracer(filename) if filename.endswith(".md") else None

    def file_reporter(self, filename: str) -> coverage.FileReporter:
        """What there is to be run in it."""
        return PageReporter(filename)


class _Tracer(coverage.FileTracer):
    def __init__(self, filename: str) -> None:
        self.filename = filename

    def source_filename(self) -> str:
        return self.filename


class PageReporter(coverage.FileReporter):
    """The lines of a page on which a statement of one of its blocks begins."""

    def lines(self) -> set[int]:
        """These lines."""
        return set(self._begins.values())

    def translate_lines(self, lines: Iterable[int]) -> set[int]:
        """The lines on which the statements begin that these lines belong to."""
        return {self._begins.get(line, line) for line in lines}

    @cached_property
    def _begins(self) -> dict[int, int]:
        """For each line of a statement, the one on which it begins."""
        from markdown_exec import MARKDOWN_EXEC_AUTO

        from einsum_doc.pages.reading import scan
        from einsum_doc.pages.record.block import Place

        text = Path(self.filename).read_text("utf-8-sig", errors="replace")
        lines = scan.normalize(text)
        languages = scan.Languages(runnable=_PYTHON, always=[*filter(None, MARKDOWN_EXEC_AUTO)])
        places = [Place(self.filename, index + 1) for index in range(len(lines))]
        begins: dict[int, int] = {}
        for block in scan.read(lines, places, languages).blocks:
            if block.language in _PYTHON:
                for node in ast.walk(ast.parse("\n" * block.place.line + block.program)):  # what is inside comes later
                    if isinstance(node, ast.stmt) and not _is_nothing(node):
                        begins |= dict.fromkeys(range(node.lineno, (node.end_lineno or 0) + 1), node.lineno)
        return begins


_PYTHON = ("python", "py", "pycon")


def _is_nothing(node: ast.stmt) -> bool:
    """Whether Python makes no code of a statement: a docstring, or a word to the compiler."""
    is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return is_text or isinstance(node, ast.Global | ast.Nonlocal)


def coverage_init(plugins: Plugins, options: dict[str, Any]) -> None:
    """What coverage calls."""
    plugins.add_file_tracer(Pages())
