"""Results -> the report page: everything that a build has found, block by block, as a page of the site.

It is made of headings, paragraphs and plain tables, so that it has the look of the theme it stands in.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import NamedTuple
from urllib.parse import quote

from einsum_doc.pages.html.render import fault_html, outcome_html, short
from einsum_doc.pages.reading.fence import gpu_of
from einsum_doc.pages.record.block import Block
from einsum_doc.pages.record.result import Result
from einsum_doc.pages.record.text import count
from einsum_doc.pages.verdict.export import builder_version, title_of
from einsum_doc.pages.verdict.report import PageReport, summary, users

LIBRARY = "library"
"""The anchor of the part that says which page uses which name of the library."""

_HEADING = re.compile(r"<(h[1-6])\b[^>]*\sid=\"([^\"]+)\"[^>]*>.*?</\1>", re.S)
_RIGHT = ' style="text-align: right"'
_COLUMNS = {
    **{"block": "", "outcome": ""},
    **dict.fromkeys(("assertions", "lines", "proved", "time"), _RIGHT),
    **{"device": "", "language": "", "place": ""},
}
"""The columns of a table of blocks, each with its style."""


class Entry(NamedTuple):
    """A page in the report, with its title and link."""

    report: PageReport
    title: str
    """As HTML."""
    url: str
    """Relative to the page that it is linked to from."""

    @property
    def link(self) -> str:
        """A link to it."""
        return f'<a href="{escape(self.url)}">{self.title}</a>'


def address_of(name: str) -> str:
    """Return the address of a page's part of the report.

    >>> address_of("docs/posts/a b.md")
    '#docs/posts/a%20b.md'
    """
    return f"#{quote(name)}"


def report_html(entries: Sequence[Entry], commit: str, library: Sequence[str], places: Mapping[str, str]) -> str:
    """Return the parts of the report, for below its title.

    `library` are the packages whose use was noted, and `places` the addresses at which their names are explained.
    """
    told = [entry for entry in entries if _is_told(entry)]
    facts = [f"Python {platform.python_version()}", builder_version(), f"commit {commit}" if commit else ""]
    head = f"{summary([entry.report for entry in entries])}. {', '.join(filter(None, facts))}."
    parts = [f"<p>{escape(head)}</p>", *map(_page_html, told)]
    if library:
        parts.append(_library_html(entries, library, places))
    return "\n".join(parts)


def contents(entries: Sequence[Entry], library: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Return the title of each part, as HTML, and its anchor."""
    yield from ((entry.title, quote(entry.report.name)) for entry in entries if _is_told(entry))
    if library:
        yield "The library", LIBRARY


def with_users(page: str, library: Sequence[str], entries: Sequence[Entry], name: str) -> tuple[str, set[str]]:
    """Return a page with links, below each heading whose anchor is a name of the library, to the pages that use it.

    name: that of the page itself, to which there are no links.
    Returns also the names of the library that are explained on the page.
    """
    roots = tuple(f"{package}." for package in library)
    anchors = {heading[2] for heading in _HEADING.finditer(page) if heading[2].startswith(roots)} if roots else set()
    used = users([entry.report for entry in entries]) if anchors else {}
    links = {entry.report.name: entry.link for entry in entries if entry.report.name != name}

    def add(heading: re.Match[str]) -> str:
        found = ", ".join(links[each] for each in used.get(heading[2], ()) if each in links)
        return heading[0] + (f'<p class="used" data-search-exclude>Used in {found}</p>' if found else "")

    return _HEADING.sub(add, page), used.keys() & anchors


def _is_told(entry: Entry) -> bool:
    return bool(entry.report.blocks or entry.report.failures)


def _page_html(entry: Entry) -> str:
    page = entry.report
    versions = ", ".join(f"{name} {version}" for name, version in sorted(page.packages.items()))
    return (
        f'<h2 id="{escape(page.name)}">{entry.title}</h2>\n<p>{_origin_html(entry)}</p>\n'
        f"{_table_html(page) if page.blocks else ''}{''.join(map(fault_html, page.failures))}"
        + (f'<p class="used">With {escape(versions)}</p>' if versions else "")
    )


def _origin_html(entry: Entry) -> str:
    """Return when the blocks of a page ran, in a sentence."""
    page = entry.report
    name = f'<a href="{escape(entry.url)}"><code>{escape(page.name)}</code></a>'
    if not page.ran:
        return f"Nothing of {name} ran."
    when = f"{datetime.fromtimestamp(page.when, UTC):%-d %B %Y, %H:%M:%S} UTC"
    if page.cached:
        return f"{name} is from the cache: it ran on {when}, and nothing that it depends on has changed since."
    return f"{name} ran on {when}."


def _table_html(page: PageReport) -> str:
    """Return the table of the blocks of a page, without columns that are empty."""
    columns = []
    for (title, style), *cells in zip(_COLUMNS.items(), *map(_cells, page.blocks, page.results), strict=True):
        if any(cells):
            columns.append([f"<th{style}>{title}</th>", *(f"<td{style}>{cell}</td>" for cell in cells)])
    head, *rows = map("".join, zip(*columns, strict=True))
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f'<div class="einsum-doc-report"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>\n'


def _cells(block: Block, result: Result) -> tuple[str, ...]:
    """Return the cells of a block, one for each of the columns."""
    ran = result.status in ("held", "failed")
    return (
        escape(title_of(block).removeprefix("block ")),
        outcome_html(result),
        str(result.assertions or ""),
        str(result.lines or ""),
        str(result.proved if result.lines else ""),
        f"{result.seconds:.2f}&nbsp;s" if ran else "",
        escape(result.device or gpu_of(block.options)),
        escape(block.language),
        f"<code>{escape(short(block.location))}</code>",
    )


def _library_html(entries: Sequence[Entry], library: Sequence[str], places: Mapping[str, str]) -> str:
    links = {entry.report.name: entry.link for entry in entries}

    def name_html(name: str) -> str:
        code = f"<code>{escape(name)}</code>"
        return f'<a href="{escape(places[name])}">{code}</a>' if name in places else code

    names = users([entry.report for entry in entries])
    used = {name: pages for name, pages in names.items() if pages}
    unused = [name for name, pages in names.items() if not pages]
    parts = [f'<h2 id="{LIBRARY}">The library</h2>']
    if names:
        missing = " Pages that failed are not counted." if any(entry.report.failures for entry in entries) else ""
        parts.append(f"<p>Of {count(len(names), 'public name')}, the code of the pages uses {len(used)}.{missing}</p>")
    if unused:
        parts.append(f"<p>The code of no page uses {', '.join(map(name_html, unused))}.</p>")
    for package in library:
        if not any(name.startswith(f"{package}.") for name in names):
            parts.append(f"<p>No page has loaded <code>{escape(package)}</code>.</p>")
    if used:
        rows = "".join(
            f"<tr><td>{name_html(name)}</td><td>{', '.join(links[page] for page in pages)}</td></tr>"
            for name, pages in used.items()
        )
        table = f"<table><thead><tr><th>name</th><th>used in</th></tr></thead><tbody>{rows}</tbody></table>"
        parts.append(f'<div class="einsum-doc-report">{table}</div>')
    return "\n".join(parts)
