"""The value of a block's last expression, in its richest form, and the figures that the block has drawn.

As in a notebook, a value is shown unless it is `None` or a `;` stands after the expression, in the
form that the object itself returns from the methods that notebooks call.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from einsum_doc.pages.html import figures
from einsum_doc.pages.html.tensors import is_tensor, tensor_html
from einsum_doc.pages.languages.python import last_value
from einsum_doc.pages.record.messages import WorkerSettings
from einsum_doc.pages.record.result import Kind, Shown

METHODS: Mapping[Kind, str] = {
    "html": "_repr_html_",
    "svg": "_repr_svg_",
    "latex": "_repr_latex_",
    "markdown": "_repr_markdown_",
}
"""The forms of a value, the richest first, and the method that gives each."""

VALUE = "@value"
"""The name of the value of a last expression while it is shown: none in Python's grammar."""


class ShownError(Exception):
    """A value or a figure that is too large to be shown."""


def show_last(tree: ast.Module, source: str) -> None:
    """Rewrite the last statement, if it has a value, so that the value is shown.

    `f(x)` becomes::

        @value = f(x)
        @show(@value)
    """
    last = last_value(tree, source)
    if last is None:
        return
    shown: list[ast.stmt] = [
        ast.Assign([ast.Name(VALUE, ast.Store())], last.value),
        ast.Expr(ast.Call(ast.Name("@show", ast.Load()), [ast.Name(VALUE, ast.Load())], [])),
    ]
    for statement in shown:
        for each in ast.walk(statement):
            if not hasattr(each, "lineno"):
                ast.copy_location(each, last)
    tree.body[-1:] = shown


class Values:
    """The values and figures that a block shows beside its output; they may have `limit` bytes."""

    def __init__(self, limit: int = WorkerSettings.output) -> None:
        self.limit = limit
        self.text = ""
        """The value as a console would write it; empty if there is none to be shown."""
        self.shown: list[Shown] = []
        self._last: Any = None

    def show(self, value: Any) -> None:
        """Show the value of a last expression."""
        self._last = value
        if value is None or figures.is_drawing(value):  # which is seen in the figure
            return
        shown = list(_forms(value))
        text = repr(value)
        if shown or not re.search(r" at 0x[0-9A-Fa-f]+>?$", text):  # an address says nothing
            self.text, self.shown = text, shown or [Shown("text", text)]
            self._check("the value takes", "show a part of it")

    def finish(self) -> None:
        """Show the figures that the block has drawn."""
        self.shown += (Shown("figure", svg) for svg in figures.drawn(self._last))
        self._last = None
        self._check("values and figures take", "draw fewer points, or those with rasterized=True")

    def _check(self, they_take: str, hint: str) -> None:
        texts = {self.text, *(each.text for each in self.shown)}
        size = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
        if size > self.limit:
            self.text, self.shown = "", []
            raise ShownError(
                f"{they_take} {size / 2**20:.1f} MiB, and at most {self.limit / 2**20:g} MiB are shown: "
                f"{hint}, or set output_limit for the block"
            )


def _forms(value: Any) -> Iterator[Shown]:
    """Yield the richest form of a value, but none for its text; of a few tensors, a form for each."""
    several = _several(value)
    if all(map(is_tensor, several)):
        for each in several:
            yield Shown("html", tensor_html(each))
        return
    for kind, name in METHODS.items():
        # On its class: an object may answer to any name.
        if getattr(type(value), name, None) is None:
            continue
        form = getattr(value, name)()
        if isinstance(form, str):
            yield Shown(kind, form)
            return


def _several(value: Any) -> Sequence[Any]:
    return value if type(value) in (list, tuple) and 0 < len(value) <= 8 else [value]
