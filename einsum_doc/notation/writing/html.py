"""A row of a derivation -> HTML: its formula and its reason, as a page or a notebook shows them.

Formulas are left in LaTeX between the delimiters that MathJax looks for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape


def unescaped(words: str) -> str:
    r"""Return words of LaTeX with the signs that it escapes.

    >>> unescaped(r"5\% of \$3")
    '5% of $3'
    """
    return re.sub(r"\\([%$&#_{}])", r"\1", words)


def prose_html(text: str) -> str:
    r"""Return words with mathematics between dollars as HTML, with einsums as code.

    >>> prose_html("Sum over $i$: this is jk,k->j.")
    'Sum over <span class="arithmatex">\\(i\\)</span>: this is <code>jk,k-&gt;j</code>.'
    """
    pieces = re.split(
        r"((?<!\\)\$(?:\\.|[^\\$])+\$|[^\W\d_]*(?:\.\.\.)?[^\W\d_]*(?:,[\w.]*)*->(?:\.\.\.|[^\W\d_])*)", text
    )
    for position in range(1, len(pieces), 2):
        mathematics = pieces[position].startswith("$")
        inner = escape(pieces[position][1:-1] if mathematics else pieces[position], quote=False)
        pieces[position] = f'<span class="arithmatex">\\({inner}\\)</span>' if mathematics else f"<code>{inner}</code>"
    pieces[::2] = [escape(unescaped(piece), quote=False) for piece in pieces[::2]]
    return "".join(pieces)


def derivation_html(rows: Iterable[str], note: str = "") -> str:
    """Return the rows of a derivation as a list, with a note above it if there is one."""
    above = f'<p class="local">{prose_html(note)}</p>' if note else ""
    # Search takes the text without the boxes around it: a blank keeps the rows apart.
    return f'{above}<div class="derivation" role="list">{" ".join(rows)}</div>'


_CASES_OR_MARK = re.compile(r"(\\begin\{[dr]?cases\*?\}.*?\\end\{[dr]?cases\*?\})|(?<!\\)&", re.DOTALL)


def row_html(latex: str, reason: str = "", verdict: str = "defined", checked: str = "") -> str:
    """Return a row of a derivation as HTML, with a mark if it claims something. checked: the check, in words."""
    # Each row is a formula of its own, without LaTeX's alignment marks: the page aligns the rows.
    formula = escape(_CASES_OR_MARK.sub(lambda found: found[1] or "", latex).strip(), quote=False)
    state = "" if verdict == "defined" else f" {mark_html(verdict, checked)}"
    return (
        f'<div class="step{" false" * (verdict == "false")}" role="listitem">'
        f'<div class="formula" data-search-exclude><div class="arithmatex">\\[{formula}\\]</div></div>'
        f'<div class="why">{f"{prose_html(reason)}{state}".strip()}</div></div>'
    )


_MARKS = {
    "proved": ("✓✓", "proved for all sizes"),
    "held": ("✓", "holds"),
    "false": ("✗", "false"),
    "open": ("?", "not proved"),
}
"""The mark of each verdict, and its name for those who hear it."""


def mark_html(verdict: str, checked: str) -> str:
    """Return the mark of a verdict, which opens to the check in words: by pointer, by touch and by keyboard.

    verdict: "not checked" for a formula that is not; `checked` is then the reason.
    """
    mark, name = _MARKS.get(verdict, (verdict, verdict))
    summary = f'<summary aria-label="{name}: details">{mark}</summary>'
    kind = "mark proved" if verdict == "proved" else "mark"
    return f'<details class="{kind}" data-search-exclude>{summary}<span>{escape(checked)}</span></details>'
