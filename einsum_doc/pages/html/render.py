"""Result -> HTML: a block and its outcome as one object, and the stamp under the title."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from urllib.parse import quote

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments_ansi_color import AnsiColorLexer

from einsum_doc.pages.record.block import Block, Location
from einsum_doc.pages.record.result import NOT_CHECKED, Failure, Result, Shown
from einsum_doc.pages.record.text import count
from einsum_doc.pages.verdict.report import PageReport, lines_told

FAILURE = "einsum-doc-failure"
"""The id of the first failure on a page."""
STYLE_SHEET = Path(__file__).with_name("einsum-doc.css")
"""The look of all that is added to a page."""
_DOT = " · "
"""A separator that is there without a style sheet, too."""
_WORDS = {"held": "✓ held", "failed": "✗ failed", "skipped": "– skipped", "not run": "– not run"}


def block_html(
    inner: str, block: Block, result: Result, kind: str, *, bars: bool = False, mark: str = "data-block"
) -> str:
    """Return the HTML of a block, `inner`, with its errors and its bar in one element.

    kind: the element's class: `run` for code with an outcome, `said` for output that is a part of the text, `checked`
    for mathematics. Output or source with nothing below it has no such element: it is followed by a mark.
    bars: true if a block that held has a bar. mark: the attribute with its number.
    """
    parts = [inner]
    if result.errors:
        parts.append(f'<pre class="err">{ansi_html(result.errors.rstrip())}</pre>')
    if result.raised:
        parts.append(f'<pre class="raised">{escape(result.raised)}</pre>')
    parts += map(failure_html, result.failures)
    has_bar = bars or result.status != "held"
    if not any(parts) or not (has_bar or parts[1:] or kind == "checked"):
        return f'{inner}<span {mark}="{block.number}" hidden></span>'
    bar = _bar(block, result) if has_bar else ""
    status = result.status.replace(" ", "-")
    return f'<div class="{kind} {status}" {mark}="{block.number}">{"".join(parts)}{bar}</div>'


def formula_html(formula: str, block: Block, result: Result, mark: str) -> str:
    """Return a display formula, its HTML, with the result of its check; as it is, if it defines names and no more."""
    bar = _bar(block, result) if result.status in ("failed", "not run") else ""
    beside = result.markup + "".join(map(failure_html, result.failures)) + bar
    if not beside:
        return f'{formula}<span {mark}="{block.number}" hidden></span>'
    status = result.status.replace(" ", "-")
    return f'<div class="checked display {status}" {mark}="{block.number}">{formula}{beside}</div>'


def without_marks(page: str) -> str:
    """Return a page without the marks by which its blocks have been seen to reach it."""
    return re.sub(r'<span data-[a-z-]+="\d+" hidden></span>', "", page)


def shown_html(shown: Shown, name: str) -> str:
    """Return a value or a figure as HTML, with ids that begin with `name`. Not for Markdown."""
    if shown.kind == "text":
        return f'<pre class="value">{ansi_html(shown.text)}</pre>'
    if shown.kind in ("svg", "figure"):
        svg = shown.text[max(0, shown.text.find("<svg")) :]
        return f'<figure class="value" data-search-exclude>{with_own_ids(svg, name)}</figure>'
    if shown.kind == "latex":
        return f'<div class="value" data-search-exclude>{latex_html(shown.text)}</div>'
    return f'<div class="value">{shown.text}</div>'


def with_own_ids(svg: str, name: str) -> str:
    """Return an SVG whose ids, and the references to them, begin with a name: on a page, no two may be equal.

    >>> with_own_ids('<svg><path id="a"/><use href="#a"/><g style="clip-path: url(#a)"/></svg>', "f1")
    '<svg><path id="f1-a"/><use href="#f1-a"/><g style="clip-path: url(#f1-a)"/></svg>'
    """
    found = set(re.findall(r"""\bid=["']([^"']+)""", svg))
    if not found:
        return svg
    ids = "|".join(map(re.escape, sorted(found, key=len, reverse=True)))
    return re.sub(rf"""(\bid=["']|href=["']#|url\(["']?#)({ids})(?=["')])""", rf"\g<1>{name}-\2", svg)


def latex_html(text: str) -> str:
    r"""Return LaTeX as HTML for arithmatex: a formula of its own, or formulas between words.

    >>> latex_html(r"$\displaystyle x^2$")
    '<div class="arithmatex">\\[\\displaystyle x^2\\]</div>'
    >>> latex_html("$x < y$ or $y$")
    '<p><span class="arithmatex">\\(x &lt; y\\)</span> or <span class="arithmatex">\\(y\\)</span></p>'
    """
    text = re.sub(r"\\(begin|end)\{(equation|align|gather)\*?\}", _environment, text.strip())
    pieces = re.split(r"(\$\$.+?\$\$|(?<!\\)\$.+?(?<!\\)\$|\\\[.+?\\\]|\\\(.+?\\\))", text, flags=re.S)
    if len(pieces) == 1:
        pieces = ["", text, ""]
    formulas = [_formula(piece) for piece in pieces[1::2]]
    if not "".join(pieces[::2]).strip() and len(formulas) == 1:
        return f'<div class="arithmatex">\\[{formulas[0]}\\]</div>'
    for position, formula in enumerate(formulas):
        pieces[2 * position + 1] = f'<span class="arithmatex">\\({formula}\\)</span>'
    pieces[::2] = [escape(piece, quote=False) for piece in pieces[::2]]
    return f"<p>{''.join(pieces)}</p>"


def _environment(found: re.Match[str]) -> str:
    """Return the environment within a formula that replaces one which is a formula itself."""
    return "" if found[2] == "equation" else rf"\{found[1]}{{{found[2]}ed}}"


def _formula(piece: str) -> str:
    """Return a formula without its delimiters, as HTML."""
    return escape(re.sub(r"^(\$\$?|\\[\[(])|(\$\$?|\\[\])])$", "", piece).strip(), quote=False)


def ansi_html(text: str) -> str:
    r"""Return the text of a terminal as HTML: its colours as classes of Pygments' style.

    >>> ansi_html("plain & \x1b[31mred\x1b[0m")
    'plain &amp; <span class=" -Color -Color-Red">red</span>'
    """
    if "\x1b" not in text:
        return escape(text)
    html: str = highlight(text, AnsiColorLexer(stripnl=False), HtmlFormatter(nowrap=True))
    return html.rstrip("\n")


def fault_html(failure: Failure) -> str:
    """Return the HTML of a fence that is wrong, in place of its block."""
    return f'<div class="run failed">{failure_html(failure)}</div>'


def failure_html(failure: Failure) -> str:
    """Return a failure as HTML, for the page on which it happened."""
    trace = "".join(f"\n  {line}" for line in failure.trace)
    return f'<pre class="failure">{escape(str(failure) + trace)}</pre>'


def outcome_html(result: Result) -> str:
    """Return the outcome of a block, in a word or two."""
    reason = f": {escape(result.reason)}" if result.reason else ""
    return f'<b class="{result.status.replace(" ", "-")}">{_word(result)}</b>{reason}'


def _word(result: Result) -> str:
    return "✓ raised, as expected" if result.raised and not result.failures else _WORDS[result.status]


def _bar(block: Block, result: Result) -> str:
    word = _word(result)
    if result.status == "held" and not result.raised and (result.lines or result.assertions):
        word = f"✓ {lines_told([result], 'line') or count(result.assertions, 'assertion')}"
    facts = [result.reason]
    if result.status in ("held", "failed"):
        facts = [f"{result.seconds:.2f} s", result.device]
    facts = [fact for fact in [*facts, short(block.location)] if fact]
    if result.status == "held":
        return f'<details class="bar" data-search-exclude><summary><b>{word}</b></summary>{_spans(facts)}</details>'
    return f'<div class="bar" data-search-exclude><b>{word}</b>{_spans(facts)}</div>'


def short(location: Location) -> str:
    """Return a location without folders, but for pages called index.md, which keep one.

    >>> short(Location("docs/posts/einsum.md", 41)), short(Location("docs/posts/index.md", 3))
    ('einsum.md:41', 'posts/index.md:3')
    """
    parts = location.file.split("/")
    return f"{'/'.join(parts[-2:] if parts[-1] == 'index.md' else parts[-1:])}:{location.line}"


def stamp_html(page: PageReport, commit: str, report: str = "") -> str:
    """Return the stamp of a page, for below its title; nothing, if no block of it ran.

    report: the address of the page's part of the report.
    """
    results = page.results
    link = f'{_DOT}<a href="{escape(report)}">report</a>' if report else ""
    failures = len(page.failures)
    if failures:
        failed = f"<b>✗ {count(failures, 'failure')} on this page</b>"
        return f'<div class="stamp failed"><a href="#{FAILURE}">{failed}</a>{link}</div>'
    ran = [result for result in results if result.status == "held"]
    if not ran:
        return ""
    unchecked = sum(result.reason.startswith(NOT_CHECKED) for result in results)
    skipped = sum(result.status == "skipped" for result in results) - unchecked
    assertions = sum(result.assertions for result in results)
    facts = [
        count(len(ran), "block"),
        count(assertions, "assertion") if assertions else "",
        lines_told(results, "derivation line"),
        f"{skipped} skipped" if skipped else "",
        f"{count(unchecked, 'formula')} not checked" if unchecked else "",
        *sorted({f"torch {result.torch.split('+')[0]}" for result in ran if result.torch}),
        *sorted({result.device for result in ran if result.device}),
        f"commit {commit}" if commit else "",
    ]
    how = "by this build"
    if page.cached:
        # It ran in an earlier build, and everything that it came from has been found unchanged.
        how = f"on {datetime.fromtimestamp(page.when, UTC):%-d %B %Y}, unchanged since"
    return f'<div class="stamp" data-search-exclude><b>✓ verified {how}</b>{_spans(filter(None, facts))}{link}</div>'


def downloads_html(names: Sequence[str]) -> str:
    """Return the links to the downloads of a page."""
    links = " ".join(f'<a href="{quote(name)}" download>{escape(name.rpartition("/")[2])}</a>' for name in names)
    return f'<div class="downloads" data-search-exclude>run it yourself: {links}</div>'


def _spans(facts: Iterable[str]) -> str:
    return "".join(f"{_DOT}<span>{escape(fact)}</span>" for fact in facts)


def under_title(page: str, stamp: str) -> str:
    """Return the page with the stamp below its title; at its top, if the theme will write the title.

    The first failure has the id that the stamp leads to.
    """
    before, end, after = page.partition("</h1>")
    stamped = before + end + stamp + after if end else stamp + page
    return stamped.replace('<pre class="failure"', f'<pre class="failure" id="{FAILURE}"', 1)
