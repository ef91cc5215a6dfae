"""The site's fonts: only the letters that its pages use, and the first of them in the style sheets.

Run as a program, it prints the numbers of the fallbacks in stylesheets/fonts.css.
"""

from __future__ import annotations

import base64
import html
import logging
import re
import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

LARGE = 20_000
"""The size in bytes above which a font is worth the time."""
FIRST = (
    "stix-two-text-latin-wght-normal",
    "source-sans-3-latin-wght-normal",
    "jetbrains-mono-latin-wght-normal",
    "mjx-stx-n",
    "mjx-stx-v",
    "mjx-stx-lo",
)
"""The fonts that are in the style sheets: were they to come later, text and formulas would move."""
FEATURES = ("kern", "mark", "mkmk", "locl", "ccmp")

logging.getLogger("fontTools").setLevel(logging.ERROR)  # it warns of tables that it leaves out


def slim(site: Path) -> None:
    """Leave out of the fonts of a built site what no page needs, and put the first ones into the style sheets."""
    sheets = [site / "stylesheets" / "fonts.css", site / "assets" / "mathematics.css"]
    letters = set("".join(html.unescape(path.read_text("utf-8")) for path in site.rglob("*.html")))
    letters |= set(map(chr, range(0x20, 0x7F)))
    for path in site.glob("assets/*/*.woff2"):
        if path.stat().st_size > LARGE:
            _reduce(path, letters)
    for sheet in filter(Path.exists, sheets):  # a build without the builder typesets nothing
        sheet.write_text(_with_fonts(sheet), "utf-8")


def _reduce(path: Path, letters: set[str]) -> None:
    """Leave letters alone in a font."""
    options = subset.Options(flavor="woff2", layout_features=FEATURES)
    font = TTFont(path)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=map(ord, letters))
    subsetter.subset(font)
    subset.save_font(font, str(path), options)


def _with_fonts(sheet: Path) -> str:
    """Return a style sheet with the first fonts in it, in place of their addresses."""

    def data(found: re.Match[str]) -> str:
        path = sheet.parent / found[2]
        if path.stem not in FIRST:
            return found[0]
        return f"url(data:font/woff2;base64,{base64.b64encode(path.read_bytes()).decode()})"

    return re.sub(r"""url\((["']?)([^"')]+\.woff2)\1\)""", data, sheet.read_text("utf-8"))


def _room(path: Path) -> tuple[float, float, float, float]:
    """Return the mean width of a text's letters, and the font's ascent, descent and gap, each in em."""
    font = TTFont(path)
    em, lines, names, widths = font["head"].unitsPerEm, font["hhea"], font.getBestCmap(), font["hmtx"]
    text = "a reader who knows the chain rule can derive the gradient of any einsum, line by line, and check it"
    mean = sum(widths[names[ord(letter)]][0] for letter in text) / len(text)
    return mean / em, lines.ascent / em, -lines.descent / em, lines.lineGap / em


if __name__ == "__main__":
    ours, fallback = (_room(Path(each)) for each in sys.argv[1:3])
    scale = ours[0] / fallback[0]
    numbers = zip(("ascent", "descent", "line-gap"), ours[1:], strict=True)
    overrides = "".join(f"; {name}-override: {own / scale:.2%}" for name, own in numbers)
    print(f"size-adjust: {scale:.2%}{overrides}")
