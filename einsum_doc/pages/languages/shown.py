"""The languages that markdown-exec shows and nothing runs: `tree`, `md`, `markdown`, `pyodide`."""

from __future__ import annotations

from einsum_doc.pages.reading.fence import matching, switch
from einsum_doc.pages.reading.language import Language

_HEIGHT = matching(r"auto|\d+|\d*-\d*", '"auto", a number of lines, or the fewest and the most, as in "5-30"')
_THEME = matching(
    r"[^\s,]+(\s*,\s*[^\s,]+)?", 'a theme, or one for light and one for dark, as in "tomorrow,tomorrow_night"'
)

LANGUAGES = (
    Language("md", role="show", holds_fences=True),
    Language("markdown", role="show", holds_fences=True),
    Language(
        "tree",
        {"icons": matching("auto|basic|material|none", '"auto", "basic", "material" or "none"')},
        role="show",
        unasked=True,
    ),
    Language(
        "pyodide",
        {"assets": switch, "height": _HEIGHT, "install": str, "theme": _THEME, "version": str},
        role="show",
        unasked=True,
    ),
)
