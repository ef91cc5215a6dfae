"""Fences as superfences asks for them -> HTML: blocks with their results, and failures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from html import escape
from typing import Any

import markdown_exec
from markdown import Markdown

from einsum_doc.pages.build.found import LEFT
from einsum_doc.pages.build.page import Page, page_named
from einsum_doc.pages.html.formatting import Converters, format_block, format_markdown
from einsum_doc.pages.html.render import fault_html
from einsum_doc.pages.languages.all import LANGUAGES
from einsum_doc.pages.reading import fence, scan
from einsum_doc.pages.reading.language import Languages
from einsum_doc.pages.reading.numbering import NUMBER, numbered_text, page_and_number
from einsum_doc.pages.record.block import Block, Location
from einsum_doc.pages.record.options import Options
from einsum_doc.pages.record.result import Failure


class Fences:
    """Validates and formats the fences of pages that are being rendered.

    pages: all pages, by any key. wait: waits until a page has run. options: those of the site.
    lost: the failures of fences outside of a page that is being rendered; `where` is the file named by those without
    a page.
    """

    def __init__(self, pages: Mapping[str, Page], wait: Callable[[Page], None], options: Options, where: str) -> None:
        self.pages, self.options = pages, options
        self.wait = wait
        self.where = where
        self.lost: list[Failure] = []
        self._converters = Converters(compatible=options.compatible)

    def custom_fences(self, languages: Languages) -> list[dict[str, Any]]:
        """Return the fences for superfences, which asks the last one first that has a language's name."""
        self._not_markdown_exec = {*fence.OUR_OPTIONS, *languages.declared}
        ours: dict[str, tuple[Any, Any]] = dict.fromkeys(languages.runnable, (self._is_executed, self._format))
        for name in languages.ours:
            formatted = (self._take_number, self._format)
            ours[name] = formatted if languages.formats(name) else (lambda *_: True, _expected_html)
        return [
            {"name": language, "class": language, "validator": validator, "format": format_}
            for language, (validator, format_) in ours.items()
        ]

    def _is_executed(
        self, language: str, inputs: dict[str, str], options: dict[str, Any], attrs: dict[str, Any], md: Markdown
    ) -> bool:
        """Return whether a fence of markdown-exec's is executed, or wrong; leave the options of all others alone."""
        self._take_number(language, inputs, options, attrs, md)
        if isinstance(options["fence"], scan.Fault):
            return True
        its = {name: value for name, value in inputs.items() if name not in self._not_markdown_exec}
        if markdown_exec.validator(language, its, options, attrs, md):
            return True
        ours = fence.EXEC_OPTIONS.keys() | fence.OUR_OPTIONS.keys()
        if "exec" in inputs and inputs.keys() <= ours | fence.HIGHLIGHT_OPTIONS.keys():
            for name in ours - {"exec"}:
                inputs.pop(name, None)  # `exec="off" source="above"` is shown as code, not as raw text
        return False

    def _take_number(
        self, language: str, inputs: dict[str, str], options: dict[str, Any], attrs: dict[str, Any], md: Markdown
    ) -> bool:
        """Find the fence that the number in a header stands for; return True, as superfences may format it."""
        name, number = page_and_number(inputs.pop(NUMBER, "?:0"))
        options["page"] = page = page_named(name, self.pages)
        options["fence"] = page.reading.numbered.get(number) if page else None
        options["is_left"] = name == LEFT
        return True

    def formula(self, page: Page, block: Block, md: Markdown) -> str:
        """Return the HTML of a display formula that is checked."""
        return self._format(block.code, block.language, "", {"page": page, "fence": block, "is_left": False}, md)

    def _format(
        self, source: str, language: str, css_class: str, options: dict[str, Any], md: Markdown, **kwargs: Any
    ) -> str:
        """Return the HTML of a fence. superfences swallows exceptions, so none may leave here."""
        page: Page | None = options.pop("page")
        found, is_left = options.pop("fence"), options.pop("is_left")
        try:
            if is_left:
                return str(markdown_exec.formatter(source, language, css_class, options, md, **kwargs))
            if isinstance(found, scan.Fault):
                return fault_html(found.failure)
            if isinstance(found, scan.Fence) and found.commented:
                return f"<pre>{escape(source)}</pre>"
            if LANGUAGES[language].role == "show":
                return self._shown(source, language, found, page, options, md)
            if page is None or not isinstance(found, Block) or (found.language, found.code) != (language, source):
                raise fence.FenceError("a block that is changed after its page was read is not run")
            self.wait(page)
            result = page.result_of(found)
            if not (self.options.stderr or result.failures):
                result = replace(result, errors="")
            html = format_block(
                found,
                result,
                LANGUAGES[language],
                md,
                options,
                self._converters,
                page.name,
                page.definitions,
                bars=self.options.bars,
                mark=page.mark,
            )
        except Exception as error:
            location = Location(page.name if page else self.where, 1)
            details = (f"in the block that begins: {source[:80]!r}",)
            failure = Failure(location, type(error).__name__, str(error), details)
            (page.lost if page and not page.complete else self.lost).append(failure)
            return fault_html(failure)
        if not page.complete:
            page.rendered.add(found.number)
        return html

    def _shown(
        self,
        source: str,
        language: str,
        found: scan.Fence | None,
        page: Page | None,
        options: dict[str, Any],
        md: Markdown,
    ) -> str:
        """Return the HTML of a fence that runs nothing itself; fences inside one of Markdown may run."""
        if not LANGUAGES[language].holds_fences:
            formatter: Any = markdown_exec.formatters[language]
            return str(formatter(code=source, md=md, **options))
        # The source is shown without the numbers that the fences in it have when it is converted.
        inner = numbered_text(source, found, page) if found and page else source
        definitions = page.definitions if page else ""
        return format_markdown(source, inner, md, options, self._converters, definitions)


def _expected_html(source: str, *args: Any, **kwargs: Any) -> str:
    return f'<pre class="expected">{escape(source)}</pre>'
