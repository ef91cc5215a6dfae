"""matplotlib's figures -> SVG that is legible on light pages and on dark ones.

matplotlib is the author's: it is met when a page imports it, and never imported here. It is left
alone unless the site has the option `figures`; and a figure that its author saves is the author's, too. What an
author has chosen, in a matplotlibrc or in code, is left alone; only matplotlib's own defaults
are replaced. A figure adapts to the page if it stands on no background or on a white one: black
is then the page's ink, white its paper, and the colours of the cycle are those of labels. Any
other figure brings its own background, and is kept as it was drawn.
"""

from __future__ import annotations

import io
import logging
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import wraps
from html import escape
from types import ModuleType
from typing import Any

_SAVED = "_einsum_doc_saved"
"""The attribute of a figure that has been saved."""
INK, BLACK, WHITE = "#1c1b1a", "#000000", "#ffffff"
CYCLE = {
    "#1257b5": "#6fb1ff",
    "#bf4408": "#ff9152",
    "#00695c": "#7fe3cf",
    "#a3279a": "#ee8fe6",
    "#5a4500": "#ece08a",
}
"""The colours of labels on light pages, in order, each with that on dark ones."""

ADAPTED: Mapping[str, str] = {
    **dict.fromkeys((INK, BLACK), "currentColor"),
    WHITE: "var(--paper, var(--md-default-bg-color, Canvas))",
    **{
        light: f"var(--label-{number}, light-dark({light}, {dark}))"
        for number, (light, dark) in enumerate(CYCLE.items(), 1)
    },
}
"""The variables of the style sheet that replace the colours of a figure."""


def prepare(matplotlib: ModuleType) -> None:
    """Make matplotlib draw for a page, without a screen: its defaults are replaced, but no setting of an author."""
    from cycler import cycler  # which comes with matplotlib

    settings = {
        "axes.facecolor": "none",
        "axes.prop_cycle": cycler(color=list(CYCLE)),
        "figure.facecolor": "none",
        "figure.figsize": (4.5, 3.0),  # which a phone need not make much smaller
        "legend.edgecolor": "none",
        "legend.facecolor": WHITE,
        "svg.fonttype": "none",
        **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
    }
    for name, value in settings.items():
        if matplotlib.rcParams[name] == matplotlib.rcParamsDefault[name]:
            matplotlib.rcParams[name] = value
    matplotlib.rcParams["backend"] = "svg"
    # At its first run it logs that it makes a list of fonts, which says nothing about the page.
    logging.getLogger("matplotlib.font_manager").addFilter(lambda record: "font cache" not in record.getMessage())


def prepare_backends(backends: ModuleType) -> None:
    """Make `show` do nothing, as figures are shown at the end of their block, and note which are saved."""
    backends.FigureManagerBase.show = lambda self: None
    save = backends.FigureCanvasBase.print_figure

    @wraps(save)
    def print_figure(self: Any, *args: Any, **options: Any) -> Any:
        setattr(self.figure, _SAVED, True)
        return save(self, *args, **options)

    backends.FigureCanvasBase.print_figure = print_figure


def is_drawing(value: Any, depth: int = 2) -> bool:
    """Return whether a value is a figure, a part of one, or a container of parts, as drawing functions return."""
    artist = sys.modules.get("matplotlib.artist")
    if artist is None:
        return False
    parts = (artist.Artist, sys.modules["matplotlib.container"].Container)
    if isinstance(value, parts):
        return True
    if isinstance(value, dict):
        value = list(value.values())
    if type(value).__name__ == "ndarray":
        value = list(value.flat) if value.dtype == object else []
    return isinstance(value, list | tuple) and depth > 0 and any(is_drawing(each, depth - 1) for each in value)


def drawn(values: Sequence[Any], *, every: bool) -> Iterator[str]:
    """Yield the figures among values as SVG; before them, with `every`, the open ones that nobody has saved."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    shown = [value for value in values if isinstance(value, sys.modules["matplotlib.figure"].Figure)]
    if not every:
        yield from map(_svg, shown)
        return
    figures = [pyplot.figure(number) for number in pyplot.get_fignums()] if pyplot is not None else []
    figures = [figure for figure in figures if figure in shown or not hasattr(figure, _SAVED)]
    try:
        yield from map(_svg, figures + [figure for figure in shown if figure not in figures])
    finally:
        close()


def close() -> None:
    """Close the figures that are open."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close("all")


def _svg(figure: Any) -> str:
    matplotlib = sys.modules["matplotlib"]
    adapts = _is_paper(figure.patch) and all(_is_paper(axes.patch) for axes in figure.axes if axes.axison)
    if adapts:
        figure.patch.set_visible(False)
        _keep_text_on_images(figure)
    elif _is_paper(figure.patch):
        figure.patch.set(facecolor=WHITE, visible=True)
    written = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with matplotlib.rc_context({"svg.hashsalt": "einsum_doc"}):  # ids that do not change
        figure.savefig(written, format="svg", bbox_inches="tight", pad_inches=0.05, metadata=nothing)
    return _for_pages(written.getvalue(), _label(figure), adapts=adapts)


def _is_paper(patch: Any) -> bool:
    """Return whether a background is none, or white."""
    *colour, opacity = patch.get_facecolor()
    return not patch.get_visible() or not opacity or min(colour) == 1


def _keep_text_on_images(figure: Any) -> None:
    """Keep black and white text on an image as it is: the image does not change with the page."""
    for axes in figure.axes:
        if axes.images or any("Mesh" in type(each).__name__ for each in axes.collections):
            for text in axes.texts:
                *colour, _ = sys.modules["matplotlib.colors"].to_rgba(text.get_color())
                text.set_color({(0, 0, 0): "#000001", (1, 1, 1): "#fffffe"}.get(tuple(colour), text.get_color()))


def _label(figure: Any) -> str:
    """Return a label for screen readers: the titles of a figure, and the labels of its axes."""
    said = [figure.get_suptitle()]
    for axes in figure.axes:
        said += [axes.get_title(), " against ".join(filter(None, (axes.get_ylabel(), axes.get_xlabel())))]
    return ", ".join(filter(None, said)) or "figure"


def _for_pages(svg: str, label: str, *, adapts: bool) -> str:
    """Return an SVG file of matplotlib's as a part of a page."""
    svg = svg[svg.index("<svg") :].strip()
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.S)
    # Its style sheet would be that of the whole page.
    svg = re.sub(r"\s*<defs>\s*<style.*?</style>\s*</defs>", "", svg, count=1, flags=re.S)
    style = "stroke-linejoin: round; stroke-linecap: butt; max-width: 100%; height: auto"
    if adapts:
        style += "; fill: currentColor"
        svg = re.sub(r"(?<=: )#[0-9a-f]{6}(?=[;\"])", lambda colour: ADAPTED.get(colour[0], colour[0]), svg)
    # Text is in the font that it stands in. In a formula each sign has its place, for a font of these widths.
    svg = re.sub(r" font-family: 'DejaVu Sans', [^;\"]*;?", "", svg)
    svg = svg.replace("font-family: 'DejaVu Sans'", "font-family: 'DejaVu Sans', Verdana, sans-serif")
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escape(label)}" style="{style}" ', 1)
