"""A page's text -> a `Page`: read as the site's own Markdown does before superfences."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any

from markdown import Markdown

from einsum_doc.pages.build.page import Page
from einsum_doc.pages.reading import scan
from einsum_doc.pages.reading.formulas import ARITHMATEX, with_formulas
from einsum_doc.pages.reading.language import Languages
from einsum_doc.pages.reading.locations import Line, located, reached, read, trace
from einsum_doc.pages.reading.numbering import EXTENSION
from einsum_doc.pages.record.block import Location
from einsum_doc.pages.record.result import Failure


class PageReader:
    """Reads the pages of a site.

    extensions, configs: the Markdown extensions of the site, and their options. The reader takes `check_paths` out of
    the options of snippets: a snippet that is missing is a failure of its page, with a line, and not the build's end.
    pages: all that have been read.
    """

    def __init__(
        self,
        root: Path,
        languages: Languages,
        extensions: Sequence[Any],
        configs: dict[str, dict[str, Any]],
        pages: Mapping[str, Page],
    ) -> None:
        self.root = root
        self.languages = languages
        self.pages = pages
        self.unread: Callable[[], Iterable[Page]] = tuple
        """Reads the other pages of the site, if the build is of a part of it; set before the first page is read."""
        self.extensions, self.configs = extensions, configs
        self.checks_snippets = configs.setdefault("pymdownx.snippets", {}).pop("check_paths", True)

    def read(self, name: str, text: str, body: str, markdown: str | None = None, checked: Any = None) -> Page:
        """Return a page with its blocks, and its fences that are wrong.

        body: its text without the front matter. markdown: the body as other plugins have changed it, if they have.
        checked: the value of `checked` in its front matter.
        """
        markdown = body if markdown is None else markdown
        wrong = self._wrong(checked)
        lines, reading = self.read_lines(located(name, text, markdown), formulas=checked == "display" and not wrong)
        faults = scan.in_metadata(text.removesuffix(body), name, self.languages)
        if wrong:
            line = next(n for n, each in enumerate(text.split("\n"), 1) if each.startswith("checked"))
            faults.append(scan.Fault(Failure(Location(name, line), "FrontMatterError", *wrong), 0))
        reading = reading._replace(faults=faults or reading.faults)
        return Page(name, text, body, markdown, reading, lines, checked=checked, site=self.pages, unread=self.unread)

    def _wrong(self, checked: Any) -> tuple[str, tuple[str, ...]] | None:
        """Return the message about a value of `checked`, and hints; None, if it is right or that of another tool."""
        if checked == "display":
            if ARITHMATEX in self.markdown.parser.blockprocessors:
                return None
            return "checked: display: no formulas are found", ("add pymdownx.arithmatex to markdown_extensions",)
        close = isinstance(checked, str) and get_close_matches(checked, ["display"])
        return (f"checked: {checked}", ("did you mean 'display'?",)) if close else None

    def read_lines(self, written: list[Line], *, formulas: bool = False) -> tuple[Sequence[str], scan.PageReading]:
        """Return the lines that superfences will be given for these, and the fences among them.

        formulas: whether their display formulas are checked.
        """
        try:
            lines, locations = read(written, self._prepared(self.checks_snippets))
        except Exception as error:
            if type(error).__name__ != "SnippetMissingError":  # whose module is not loaded unless a site uses it
                raise
            location = reached(error) or written[0].location
            missing = [scan.Fault(Failure(location, "SnippetMissingError", str(error)), 0)]
            lines, locations = read(written, self._prepared(checks_snippets=False))
            # The other faults may come from the missing snippet.
            return lines, self.reading(lines, locations)._replace(faults=missing)
        found = self.reading(lines, locations)
        if formulas:
            found = with_formulas(found, lines, locations, self.fences(lines), self.markdown)
        return lines, found

    def reading(self, lines: Sequence[str], locations: Sequence[Location]) -> scan.PageReading:
        """Return the fences among the lines that superfences will be given."""
        return scan.read(lines, locations, self.languages, self.markdown)

    def fences(self, lines: Sequence[str]) -> list[scan.Fence]:
        """Return all fences among the lines that superfences will be given, whether they run or not."""
        return scan.scan(lines, self.languages, self.markdown)

    @cached_property
    def markdown(self) -> Markdown:
        """The site's Markdown, which gives fences no numbers."""
        md = Markdown(extensions=self.extensions, extension_configs=self.configs)
        md.preprocessors[EXTENSION].reads_only = True
        trace(md, self.root)
        return md

    def _prepared(self, checks_snippets: bool) -> Markdown:
        """Return the site's Markdown, for its preprocessors."""
        self.markdown.reset()
        if "snippet" in self.markdown.preprocessors:
            self.markdown.preprocessors["snippet"].check_paths = checks_snippets
        return self.markdown

    def configs_of_output(self) -> dict[str, Any]:
        """Return the options of extensions for the output of blocks: no blocks are appended to that."""
        snippets: Mapping[str, Any] = self.configs["pymdownx.snippets"]
        folders = snippets.get("base_path", ["."])
        appended = []
        for name in snippets.get("auto_append", []):
            paths = [Path(folder, name) for folder in ([folders] if isinstance(folders, str) else folders)]
            text = next((path.read_text("utf-8", errors="replace") for path in paths if path.is_file()), "")
            if not scan.scan(text.split("\n"), self.languages):
                appended.append(name)
        return {**self.configs, "pymdownx.snippets": {**snippets, "auto_append": appended}}
