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
from einsum_doc.pages.record.result import Kind, Shown

METHODS: Mapping[Kind, str] = {
    "html": "_repr_html_",
    "svg": "_repr_svg_",
    "latex": "_repr_latex_",
    "markdown": "_repr_markdown_",
}
"""The forms of a value, the richest first, and the method that gives each."""

TEXT = 100_000
"""The number of characters of a value's text that are kept; a cut is marked."""
LARGEST = 1_000_000
"""The number of characters that another form may have: it cannot be cut."""

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
    """The values and figures that a block shows beside its output."""

    def __init__(self) -> None:
        self.text = ""
        """The value as a console would write it; empty if there is none to be shown."""
        self.shown: list[Shown] = []
        self._last: Any = None

    def show(self, value: Any) -> None:
        """Show the value of a last expression."""
        self._last = value
        if value is None or figures.is_drawing(value):  # which is seen in the figure
            return
        self.shown = list(_forms(value))
        text = repr(value)
        if self.shown or not re.search(r" at 0x[0-9A-Fa-f]+>?$", text):  # an address says nothing
            self.text = _cut(text)
            self.shown = self.shown or [Shown("text", self.text)]

    def finish(self) -> None:
        """Show the figures that the block has drawn."""
        self.shown += (_bounded(Shown("figure", svg)) for svg in figures.drawn(self._last))
        self._last = None


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
            yield _bounded(Shown(kind, form))
            return


def _several(value: Any) -> Sequence[Any]:
    return value if type(value) in (list, tuple) and 0 < len(value) <= 8 else [value]


def _bounded(shown: Shown) -> Shown:
    if len(shown.text) > LARGEST:
        named = {"html": "HTML", "latex": "LaTeX", "markdown": "Markdown"}.get(shown.kind, "SVG")
        hint = "draw fewer points, or those with rasterized=True" if shown.kind == "figure" else "show a part of it"
        raise ShownError(
            f"the {'figure' if shown.kind == 'figure' else 'value'} has {len(shown.text):,} characters of {named}, "
            f"and at most {LARGEST:,} are shown: {hint}"
        )
    return shown


def _cut(text: str) -> str:
    return text if len(text) <= TEXT else f"{text[:TEXT]}\n… {len(text) - TEXT:,} more characters are not shown"
