"""A block and its result -> HTML: as markdown-exec shows them, in the site's own Markdown.

markdown-exec makes a converter for each text, which often takes longer than the text itself. Here
converters are kept, and reset before each text, as Python-Markdown requires.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from html import escape
from textwrap import indent
from typing import Any
from uuid import uuid4
from xml.etree.ElementTree import Element

import markdown_exec
from markdown import Markdown
from markdown.preprocessors import Preprocessor
from markdown.util import HTML_PLACEHOLDER_RE

from einsum_doc.pages.html.render import block_html, formula_html, shown_html
from einsum_doc.pages.reading.formulas import ARITHMATEX
from einsum_doc.pages.reading.language import Language
from einsum_doc.pages.record.block import DISPLAY, Block
from einsum_doc.pages.record.result import Result


class Converters:
    """Markdown with a site's extensions, for texts that are no pages: the output of blocks, and their source.

    compatible: True if their HTML is markdown-exec's to the letter; else links are resolved as those of the page are,
    and headings leave no invalid HTML.
    """

    def __init__(self, *, compatible: bool = True) -> None:
        self.compatible = compatible
        self._idle: list[Markdown] = []

    def convert(
        self,
        text: str,
        md: Markdown,
        options: Mapping[str, Any],
        headings: list[Any],
        printer: tuple[str, Block] | None = None,
        *,
        prefixed: bool = True,
        verbatim: Mapping[str, str] | None = None,
        definitions: str = "",
    ) -> str:
        """Return a text as HTML; add its headings for the table of contents of the page, whose Markdown is `md`.

        printer: the name of the page and the block whose output the text is, for fences in it.
        definitions: those of links on the page, which its Markdown reads only after its blocks.
        verbatim: the texts that only the highlighter reads, by the lines that stand for them in fences.
        options: markdown-exec's, as its `validator` reads them: `update_toc`, and the prefix of ids, which is
        `id_prefix` or else comes from `id`; without these, or if not `prefixed`, it is a number.
        """
        page = getattr(md, "_original_md", md)
        # A block within the text may be converted meanwhile, and needs another converter.
        converter = self._idle.pop() if self._idle else _converter()
        converter._original_md, converter.einsum_doc_printer = page, printer
        markdown_exec.MarkdownConverter.counter += 1
        ids = converter.treeprocessors[markdown_exec.IdPrependingTreeprocessor.name]
        ids.id_prefix = f"exec-{markdown_exec.MarkdownConverter.counter}--"
        if prefixed and (options["id_prefix"] is not None or options["id"]):
            ids.id_prefix = f"{options['id']}-" if options["id_prefix"] is None else options["id_prefix"]
        reported = converter.treeprocessors[markdown_exec.HeadingReportingTreeprocessor.name]
        reported.headings = []
        converter.preprocessors[_Verbatim.name].texts = verbatim or {}
        converter.reset()
        if not self.compatible:
            _resolve_as(page, converter, definitions)
        html: str = converter.convert(text)
        if options["update_toc"]:
            for element in [each for heading in reported.headings for each in heading.iter()]:
                for part in ("text", "tail"):
                    _move(element, part, converter, page)
            headings += reported.headings
        self._idle.append(converter)
        return html

    def add_headings(self, md: Markdown, html: str, headings: list[Any]) -> None:
        """Add the headings in the HTML of a block to its page: they are shown to `toc`, and taken out again."""
        # By another name than markdown-exec's own, which come when the first of its own blocks does.
        page, name = getattr(md, "_original_md", md), "einsum_doc_headings"
        if not headings:
            return
        if name not in page.treeprocessors:
            page.treeprocessors.register(markdown_exec.InsertHeadings(page), name, 75)
            remove = markdown_exec.RemoveHeadings if self.compatible else _RemoveHeadings
            page.treeprocessors.register(remove(page), f"{name}_removed", 4)
        page.treeprocessors[name].headings[html] = headings


def _resolve_as(page: Markdown, converter: Markdown, definitions: str) -> None:
    """Give a converter the definitions of links on a page, and what MkDocs resolves the links of this page with."""
    blocks = definitions.split("\n")
    while blocks:  # each that is a definition is taken from them
        if not converter.parser.blockprocessors["reference"].run(None, blocks):
            blocks.pop(0)
    # After the ids have their prefixes, and the headings have been reported.
    for name, priority in (("mkdocs_extract_anchors", 3), ("relpath", 0)):
        if name in converter.treeprocessors:
            converter.treeprocessors.deregister(name)
        if name in page.treeprocessors:
            converter.treeprocessors.register(page.treeprocessors[name], name, priority)


def _converter() -> Markdown:
    """Return a new converter, with the extensions that markdown-exec is configured with and two that it needs."""
    settings = markdown_exec.markdown_config
    # Previews of links need the page that these stand on; its own Markdown makes them.
    extensions = [each for each in settings.exts or () if getattr(each, "name", each) != "zensical.extensions.preview"]
    extensions += [name for name in ("tables", "md_in_html") if name not in extensions]
    md = Markdown(extensions=extensions, extension_configs=settings.exts_config or {})
    ids, headings = markdown_exec.IdPrependingTreeprocessor(md, ""), markdown_exec.HeadingReportingTreeprocessor(md, [])
    md.treeprocessors.register(ids, ids.name, 4)  # right after `toc`, which gives headings their ids
    md.treeprocessors.register(headings, headings.name, 1)
    verbatim = _Verbatim(md)
    md.preprocessors.register(verbatim, verbatim.name, 25.4)  # right after fences have been numbered
    if "snippet" in md.preprocessors:
        # The output of a block includes no file, but a site appends some to every text.
        appended = md.preprocessors["snippet"].run
        md.preprocessors["snippet"].run = lambda lines: [*lines, *appended([])]
    return md


class _Verbatim(Preprocessor):  # type: ignore[misc]  # Python-Markdown has no types
    """Puts texts that are no Markdown into their fences, right before superfences reads these."""

    name = "einsum_doc_verbatim"
    texts: Mapping[str, str] = {}

    def run(self, lines: list[str]) -> list[str]:
        superfences = self.md.preprocessors["fenced_code_block"]
        keeps_tabs = superfences.config.get("preserve_tabs")
        if keeps_tabs:
            lines = superfences.restore_raw_text(lines)  # the fences, which it has put aside
        found = []
        for line in lines:
            text = self.texts.get(line.strip())
            if text is None:
                found.append(line)
                continue
            text = re.sub("[\2\3]", "", text)  # which are Markdown's own marks
            written = text.split("\n") if keeps_tabs else self.md.preprocessors["normalize_whitespace"].run([text])[:-2]
            found += [line[: -len(line.lstrip())] + each for each in written]
        return found


class _RemoveHeadings(markdown_exec.RemoveHeadings):
    """Leaves no line break in a paragraph that stands for a block: with one, Python-Markdown puts the block into it."""

    def run(self, root: Any) -> None:
        super().run(root)
        for element in root.iter("p"):
            text = (element.text or "").strip()
            if not len(element) and HTML_PLACEHOLDER_RE.fullmatch(text):
                element.text = text


def _move(element: Any, part: str, converter: Markdown, page: Markdown) -> None:
    """Make a text in a heading refer to the page's own stash of HTML, instead of to the converter's."""
    text = getattr(element, part)
    if text:
        raw = converter.postprocessors["raw_html"].run
        moved = HTML_PLACEHOLDER_RE.sub(lambda found: page.htmlStash.store(raw(found[0])), text)
        setattr(element, part, type(text)(moved))  # an AtomicString stays one: its text is no Markdown


def format_block(
    block: Block,
    result: Result,
    language: Language,
    md: Markdown,
    options: Mapping[str, Any],
    converters: Converters,
    page: str,
    definitions: str = "",
    *,
    bars: bool = False,
    mark: str = "data-block",
) -> str:
    """Return a block as markdown-exec shows it, with its outcome below.

    options: markdown-exec's, as its `validator` reads them. page: the name of its page.
    definitions: those of links on the page. bars: true if a block that held has a bar. mark: the attribute with its
    number.
    """
    if language.name == DISPLAY:
        return formula_html(_arithmatex(block.code, md), block, result, mark)
    if language.ours:
        return block_html(
            result.markup or f"<pre>{escape(block.code)}</pre>", block, result, "checked", bars=bars, mark=mark
        )
    shown = dict(options)
    # The expected output is on the page already, in its own fence.
    is_met = bool(block.expected) and result.status == "held"
    output = "" if is_met else result.output
    beside = [each for each in result.shown if each.kind == "figure" or not is_met]
    if result.status == "failed":
        # A block that failed is shown with its source and its output, as text.
        shown.update(source=shown["source"] or "above", result=shown["result"] or "text", html=False)
    if not output.strip():
        shown["result"] = ""  # an empty box is no result
    elif "\x1b[" in output and shown["result"] in ("", "text"):
        shown["result"] = "ansi"
    boxed = bool(shown["source"] or shown["result"])
    # Values and figures follow the output, wherever it is shown: an empty element beside it marks their place.
    place = f'<div class="{uuid4()}"></div>' if beside and shown["source"] != "console" else ""
    is_alone = shown["html"] and shown["source"] in ("", "below") and output.strip()
    if is_alone and not md.postprocessors["raw_html"].isblocklevel(output):
        output = f"<p>{output}</p>"  # as Python-Markdown does where it stands in no element of ours
    headings: list[Any] = []
    printer = (page, block)
    convert = partial(
        converters.convert, md=md, options=options, headings=headings, printer=printer, definitions=definitions
    )
    written = _with_source(language.source(block.code), language.name, output, place, shown, convert)
    # Ids begin with a name that no other block of the site has.
    name = f"v{hashlib.blake2b(page.encode(), digest_size=3).hexdigest()}-{block.number}"
    beside = [replace(each, text=convert(each.text)) if each.kind == "markdown" else each for each in beside]
    values = "".join(shown_html(each, f"{name}-{number}") for number, each in enumerate(beside, 1))
    written = written.replace(f"<p>{place}</p>", place)  # which a tab makes of it
    written = written.replace(place, values) if place and place in written else written + values
    html = block_html(written, block, result, "run" if boxed or result.failures else "said", bars=bars, mark=mark)
    converters.add_headings(md, html, headings)
    return html


def _arithmatex(formula: str, md: Markdown) -> str:
    """Return a display formula as arithmatex renders it."""
    parent = Element("div")
    processor = md.parser.blockprocessors[ARITHMATEX]
    processor.test(parent, formula)
    processor.run(parent, [formula])
    html: str = md.serializer(parent[0])
    return html


def format_markdown(
    code: str, inner: str, md: Markdown, options: Mapping[str, Any], converters: Converters, definitions: str
) -> str:
    """Return a fence of Markdown as markdown-exec shows it; `inner` is its text, with the numbers of its fences."""
    headings: list[Any] = []
    convert = partial(converters.convert, md=md, options=options, headings=headings, definitions=definitions)
    if options["html"] or options["result"] or options["source"] == "console":
        inner = code  # it is not converted
    html = _with_source(code, "md", inner, "", options, convert)
    converters.add_headings(md, html, headings)
    return html


def _with_source(
    code: str, language: str, output: str, after: str, options: Mapping[str, Any], convert: Callable[..., str]
) -> str:
    """Return the output of a block as HTML, with its source where the block's options place it.

    after: an element that is to follow the output. convert: returns Markdown as HTML, as `Converters.convert` does.
    """
    source, result = options["source"], options["result"]
    if not source and (options["html"] or not output):
        return output + after
    hidden, shown = uuid4().hex, uuid4().hex
    verbatim = {hidden: "\n".join(line for line in code.split("\n") if "markdown-exec: hide" not in line).strip()}
    raw = f'<div class="{uuid4()}"></div>' if options["html"] and source != "console" else ""
    if not raw and (result or source == "console"):
        verbatim[shown] = output
    text = raw or shown
    if result and source != "console" and not raw:
        text = markdown_exec.code_block(result, text)
    text += f"\n\n{after}" if after else ""
    if source:
        text = markdown_exec.add_source(
            source=hidden,
            location=source,
            output=text,
            language=language,
            tabs=options["tabs"],
            result=result,
            **options.get("extra", {}),
        )
    # A line of backticks would end a fence of as many.
    longest = max(map(len, re.findall("`{8,}", f"{code}\n{output}")), default=7)
    text = text.replace("`" * 8, "`" * (longest + 1))
    if shown not in verbatim:
        text = re.sub(rf"^( *){shown}", lambda found: indent(output, found[1]), text, flags=re.M)
    html = convert(text, prefixed=not raw, verbatim=verbatim)
    return html.replace(raw, output) if raw else html
