"""A site with the builder -> the same site without it: its blocks are replaced by what a reader sees of them.

The Markdown of each page then holds the source of a block as a plain fence, where it is shown, and its output as if
an author had pasted it. What the builder alone adds is left out: stamps, bars, the report, downloads.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from html import escape
from pathlib import Path

import markdown_exec
from mkdocs.utils import yaml_load

from einsum_doc.pages.build.page import Page
from einsum_doc.pages.build.reader import PageReader
from einsum_doc.pages.fronts.mkdocs import load
from einsum_doc.pages.html.render import shown_html
from einsum_doc.pages.languages.all import LANGUAGES
from einsum_doc.pages.reading.fence import is_on
from einsum_doc.pages.reading.scan import Fence
from einsum_doc.pages.record.block import Block
from einsum_doc.pages.record.result import Result


def write_printed(config_file: Path, folder: Path) -> Path:
    """Write a copy of a site without blocks into a folder; return its mkdocs.yml."""
    site, pages = load(str(config_file), lambda *_: True, {})
    site.run(pages.values())
    config = yaml_load(config_file.open())  # type: ignore[no-untyped-call]
    root, docs = config_file.parent, folder / "docs"
    shutil.copytree(root / config.get("docs_dir", "docs"), docs)
    for page in pages.values():
        front = page.text.removesuffix(page.body)
        text = "\n".join(_printed(site.build.reader, page, page.lines, 0)) if page.reading.numbered else page.markdown
        (folder / page.name).write_text(front + text)
    site.build.runner.close()
    for destination, source in site.build.options.assets.items():
        (docs / destination).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (root / source).is_dir() else shutil.copy
        copy(root / source, docs / destination)
    config["plugins"] = [each for each in config["plugins"] if each != "markdown-exec" and "einsum-doc" not in each]
    ours = ("einsum_doc", "{'einsum_doc")
    config["markdown_extensions"] = [each for each in config["markdown_extensions"] if not str(each).startswith(ours)]
    written = folder / "mkdocs.yml"
    written.write_text(json.dumps({name: value for name, value in config.items() if name not in ("docs_dir", "watch")}))
    return written


def _printed(reader: PageReader, page: Page, lines: Sequence[str], shift: int) -> list[str]:
    """Return lines of a page with their blocks replaced; the first is line `shift` of the page."""
    found: list[str] = []
    start = 0
    for each in reader.fences(lines):
        what = page.reading.numbered.get(each.line + shift)
        options = each.header.options
        if isinstance(what, Block):
            text = _text_of(what, page.results[what.number - 1])
        elif isinstance(what, Fence) and LANGUAGES[what.header.language].holds_fences and is_on(options.get("exec")):
            inner = "\n".join(_printed(reader, page, each.code.split("\n"), shift + each.line + 1))
            text = _with_source(each.code, "md", inner, options)
        else:
            continue
        indent = lines[each.line][: -len(lines[each.line].lstrip())]
        found += [*lines[start : each.line], *(indent + line for line in text.split("\n"))]
        start = each.end
    return [*found, *lines[start:]]


def _text_of(block: Block, result: Result) -> str:
    language = LANGUAGES[block.language]
    if language.ours:
        return f"<div>{result.markup or escape(block.code)}</div>"
    output = "" if block.expected else result.output
    text = _with_source(language.source(block.code), language.name, output, block.options)
    return "\n\n".join([text, *(f"<div>{shown_html(each, 'v')}</div>" for each in result.shown)])


def _with_source(code: str, language: str, output: str, options: dict[str, str]) -> str:
    source, result = options.get("source", ""), options.get("result", "")
    if is_on(options.get("html")):
        output = f"<div>{output}</div>"
    elif result and source != "console":
        output = markdown_exec.code_block(result, output)
    if not source:
        return output
    return markdown_exec.add_source(
        source=code, location=source, output=output, language=language, tabs=("Source", "Result"), result=result
    )
