"""A row of a derivation -> HTML: its formula and its reason, as a page or a notebook shows them.

Formulas are left in LaTeX between the delimiters that MathJax looks for.
"""

from __future__ import annotations

import re
from html import escape


def prose_html(text: str) -> str:
    r"""Return words with mathematics between dollars as HTML, with einsums as code.

    >>> prose_html("Sum over $i$: this is jk,k->j.")
    'Sum over <span class="arithmatex">\\(i\\)</span>: this is <code>jk,k-&gt;j</code>.'
    """
    pieces = re.split(r"(\$[^$]+\$|[^\W\d_]*(?:\.\.\.)?[^\W\d_]*(?:,[\w.]*)*->(?:\.\.\.|[^\W\d_])*)", text)
    for position in range(1, len(pieces), 2):
        inner = escape(pieces[position].strip("$"), quote=False)
        mathematics = pieces[position].startswith("$")
        pieces[position] = f'<span class="arithmatex">\\({inner}\\)</span>' if mathematics else f"<code>{inner}</code>"
    pieces[::2] = [escape(piece, quote=False) for piece in pieces[::2]]
    return "".join(pieces)


def row_html(latex: str, reason: str = "", *, holds: bool = True, checked: str | None = None) -> str:
    """Return a row of a derivation as HTML; `checked`, the check in words, adds a mark."""
    # Each row is a formula of its own, without LaTeX's alignment marks: the page aligns the rows.
    formula = escape(re.sub(r"(?<!\\)&", "", latex).strip(), quote=False)
    mark = "✓" if holds else "✗"
    state = "" if checked is None else f' <span class="mark" title="{escape(checked)}">{mark}</span>'
    return (
        f'<div class="step{"" if holds else " false"}">'
        f'<div class="formula" data-search-exclude><div class="arithmatex">\\[{formula}\\]</div></div>'
        f'<div class="why">{f"{prose_html(reason)}{state}".strip()}</div></div>'
    )
