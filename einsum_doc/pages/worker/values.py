"""The value of a block's last expression, in its richest form, and the figures that the block has drawn.

As in a notebook, a value is shown unless it is `None` or a `;` stands after the expression, in the
form that the object itself returns from the methods that notebooks call.
"""

from __future__ import annotations

import ast
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from html import escape
from typing import Any

from einsum_doc.pages.html import figures
from einsum_doc.pages.html.tensors import is_tensor, tensor_html
from einsum_doc.pages.languages.python import last_value
from einsum_doc.pages.record.options import Options
from einsum_doc.pages.record.result import Kind, Shown

METHODS: Mapping[str, tuple[Kind, str]] = {
    "text/html": ("html", "_repr_html_"),
    "text/markdown": ("markdown", "_repr_markdown_"),
    "image/svg+xml": ("svg", "_repr_svg_"),
    "text/latex": ("latex", "_repr_latex_"),
    "image/png": ("html", "_repr_png_"),
    "image/jpeg": ("html", "_repr_jpeg_"),
}
"""The forms of a value by their MIME types, those first that Jupyter prefers, and the method that gives each."""

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
    tree.body[-1:] = [ast.copy_location(each, last) for each in shown]


class Values:
    """The values and figures that a block shows beside its output.

    is_compared: true if the block has an `expected` fence, of which its value is a part, shown or not.
    """

    def __init__(self, options: Options, *, is_compared: bool = False) -> None:
        self.options = options
        self.wanted = options.values or is_compared
        """True if values are shown or compared."""
        self.asked = self.wanted or options.figures
        """True if the value of the last expression is looked at: it may be a figure."""
        self._displayed: list[tuple[str, str, Sequence[Shown], Any]] = []
        """The name of each value, with its text and its forms, or the figure that is to be drawn."""
        self._figures: list[Shown] = []

    @property
    def text(self) -> str:
        """The values as a console would write them; empty if there are none to be shown."""
        return "\n".join(text for _, text, *_ in self._displayed if text)

    @property
    def shown(self) -> list[Shown]:
        """The values in their richest form, and then the figures."""
        return [form for _, _, forms, _ in self._displayed for form in forms] + self._figures

    def show(self, value: Any) -> None:
        """Show the value of a last expression."""
        if value is not None:
            self.display(value)

    def display(self, *values: Any, name: str = "", update: bool = False) -> None:
        """Show values, as `IPython.display.display` does in a notebook; or update those that have this name."""
        if name and not values:
            self._displayed.append((name, "", (), None))  # a place for what is to come
        for value in values:
            new: tuple[str, str, Sequence[Shown], Any] = (name, "", (), value)
            if not figures.is_drawing(value):  # which is seen in the figure
                if not self.wanted or _displays_itself(value):
                    continue
                text = without_addresses(value)
                new = (name, text, [*_forms(value, text)], None)
            if update and any(name == each[0] for each in self._displayed):
                self._displayed = [new if name == each[0] else each for each in self._displayed]
            else:
                self._displayed.append(new)
            self._check("values take", "show a part of them")

    def finish(self) -> None:
        """Show the figures that are values, and those that the block has drawn."""
        if self.options.values or self.options.figures:
            drawings = [drawing for *_, drawing in self._displayed if drawing is not None]
            drawn = figures.drawn(drawings, every=self.options.figures)
            self._figures = [Shown("figure", svg) for svg in drawn]
        self._check("values and figures take", "draw fewer points, or those with rasterized=True")

    def _check(self, they_take: str, hint: str) -> None:
        texts = {self.text, *(each.text for each in self.shown)}
        size = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
        if size > self.options.output_bytes:
            self._displayed, self._figures = [], []
            most = f"at most {self.options.output_limit:g} MiB are shown"
            raise ShownError(
                f"{they_take} {size / 2**20:.1f} MiB, and {most}: {hint}, or set output_limit for the block"
            )


def without_addresses(value: Any) -> str:
    """Return `repr(value)` without addresses in memory, which are others in each process.

    >>> without_addresses([object(), print]), without_addresses("<a at 0x7f0000000000>")
    ('[<object object>, <built-in function print>]', "'<a at 0x7f0000000000>'")
    """
    text = repr(value)
    addresses = r"(?<=<)__main__\.(?=[^<>]* at 0x)| at 0x[0-9A-Fa-f]+(?=[>,;:])"
    return text if isinstance(value, str) else re.sub(addresses, "", text)


def _forms(value: Any, text: str) -> Iterator[Shown]:
    """Yield the richest form of a value, the last of which is its text; of a few tensors, a form for each."""
    several = value if type(value) in (list, tuple) and 0 < len(value) <= 8 else [value]
    if all(map(is_tensor, several)):
        for each in several:
            yield Shown("html", tensor_html(each))
        return
    bundle, metadata = _answer(value, "_repr_mimebundle_", include=None, exclude=None)
    bundle = bundle or {}
    others = [mime for mime in bundle if mime.startswith("image/") and mime not in METHODS]
    for mime in [*METHODS, *others]:
        kind, name = METHODS.get(mime, ("html", ""))
        form, about = bundle.get(mime), metadata.get(mime, {})
        if form is None:
            form, about = _answer(value, name)
        if kind == "html" and mime != "text/html" and form is not None:
            form = _image(mime, form, {"alt": text, **about})
        if isinstance(form, str):
            yield Shown(kind, form)
            return
    yield Shown("text", bundle.get("text/plain", text))


def _displays_itself(value: Any) -> bool:
    """Return whether a value has displayed itself."""
    method = _method(value, "_ipython_display_")
    with suppress(NotImplementedError):
        if method:
            method()
            return True
    return False


def _method(value: Any, name: str) -> Any:
    """Return a method for notebooks; None, if a value has none."""
    with suppress(Exception):  # of objects that compute their attributes
        # A class is not shown as its objects are, and an object may answer to any name.
        if not isinstance(value, type) and getattr(value, "_a_method_that_no_object_has_", None) is None:
            method = getattr(value, name, None)
            return method if callable(method) else None
    return None


def _answer(value: Any, name: str, **arguments: Any) -> tuple[Any, Mapping[str, Any]]:
    """Return what a method for notebooks returns, and its metadata; None, if there is no method or it declines."""
    method = _method(value, name)
    try:
        answer = method(**arguments) if method else None
    except NotImplementedError:
        answer = None
    return answer if isinstance(answer, tuple) else (answer, {})


def _image(mime: str, data: str | bytes, about: Mapping[str, Any]) -> str:
    """Return an image as HTML. Its data are bytes, or text in base 64; `about` are its size and its text."""
    text = b64encode(data).decode() if isinstance(data, bytes) else "".join(data.split())
    said = "".join(f' {name}="{escape(str(about[name]))}"' for name in ("alt", "width", "height") if name in about)
    return f'<img src="data:{mime};base64,{text}"{said}>'
