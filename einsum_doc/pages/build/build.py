"""One build of a site: pages are read, run, waited for, rendered with their results, and judged."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatch
from functools import cached_property, partial
from typing import Any

import click
import markdown_exec

from einsum_doc.pages.build.fences import Fences
from einsum_doc.pages.build.found import FoundPages
from einsum_doc.pages.build.order import fault_of, in_order
from einsum_doc.pages.build.page import Page
from einsum_doc.pages.build.reader import PageReader
from einsum_doc.pages.build.repository import commit_of
from einsum_doc.pages.build.runner import Runner
from einsum_doc.pages.cache.installed import copies
from einsum_doc.pages.html.render import downloads_html, fault_html, stamp_html, under_title, without_marks
from einsum_doc.pages.html.report_page import address_of
from einsum_doc.pages.languages.all import LANGUAGES
from einsum_doc.pages.reading import scan
from einsum_doc.pages.reading.language import Languages
from einsum_doc.pages.reading.numbering import FenceNumbers
from einsum_doc.pages.record.files import write
from einsum_doc.pages.record.options import EXPLAIN, OptionError, Options, Project, is_set
from einsum_doc.pages.record.result import Failure
from einsum_doc.pages.record.text import count, in_line
from einsum_doc.pages.verdict import report
from einsum_doc.pages.verdict.expected import REWRITE, rewrite
from einsum_doc.pages.verdict.export import as_json, github, junit
from einsum_doc.pages.verdict.report import PageReport, joined, summary

Log = logging.Logger | logging.LoggerAdapter[logging.Logger]


class BuildFailedError(Exception):
    """Something is wrong on the pages of a site; the message is the build in one line."""


class Build:
    """One build of a site.

    extensions, configs: the Markdown extensions of the site and their options, to which the build adds its own.
    runnable: the languages that markdown-exec is configured for.
    serving: a failure is reported, and does not end the build.
    Raises: OptionError, if a variable of the environment does not go with this build.
    """

    def __init__(
        self,
        project: Project,
        options: Options,
        extensions: list[Any],
        configs: dict[str, dict[str, Any]],
        runnable: Sequence[str],
        log: Log,
        *,
        serving: bool = False,
    ) -> None:
        self.project, self.options, self.log, self.serving = project, options, log, serving
        self.rewriting = is_set(REWRITE)
        if self.rewriting and os.path.realpath(os.environ[REWRITE]) != os.path.realpath(project.site_dir):
            raise OptionError(
                f"{REWRITE} is set, with which a build compares no output. "
                "It is for `python -m einsum_doc.pages.expected` alone, which sets it itself: unset it."
            )
        self.pages: dict[str, Page] = {}
        """The pages that have been read, by their paths in docs_dir."""
        self.runner = Runner(project, options, self.pages, compares=not self.rewriting)
        self.fences = Fences(self.pages, self.runner.wait, options, project.config_file.name)
        custom_fences = configs.setdefault("pymdownx.superfences", {}).setdefault("custom_fences", [])
        languages = Languages(
            LANGUAGES,
            runnable=frozenset(runnable),
            always=frozenset(filter(None, markdown_exec.MARKDOWN_EXEC_AUTO)),
            foreign=frozenset(each["name"] for each in custom_fences),
            declared=frozenset(options.fence_options),
        )
        custom_fences += self.fences.custom_fences(languages)
        self.numbers = FenceNumbers(self.pages, lambda *text: self.found.number(*text), self.fences.formula)
        """The Markdown extension that tells the formatters of fences which page they are on."""
        extensions.append(self.numbers)
        self.reader = PageReader(project.root, languages, extensions, configs, self.pages)
        folder, leaves = self.runner.cache_folder, not options.docstrings
        memory = folder / "docstrings" if folder else None
        self.found = FoundPages(self.reader, self.pages, self.run, self.name_of, leaves=leaves, memory=memory)
        markdown_exec.markdown_config.save(extensions, self.reader.configs_of_output())
        self._reports: dict[str, PageReport] = {}
        """The reports of pages that have been exported, by name."""

    def begin(self) -> None:
        """Remove the files of results of the last build: this one may not get as far."""
        for name in filter(None, (self.options.junit, self.options.json)):
            (self.project.root / name).unlink(missing_ok=True)

    @cached_property
    def commit(self) -> str:
        """The commit that is being built, and whether files have been changed since; empty outside of git."""
        return commit_of(self.project.root)

    @property
    def adds_to_pages(self) -> bool:
        """True if pages show more than under markdown-exec alone; for the pages that have been read by now."""
        options = self.options
        asked = (options.stamp, options.bars, options.values, options.figures, options.stderr, options.report)
        if self.serving or any(asked) or not options.compatible:
            return True
        return any(LANGUAGES[block.language].ours for page in self.pages.values() for block in page.blocks)

    def name_of(self, path: str) -> str:
        """Return the name of a file: its path relative to the folder of mkdocs.yml, with `/` between its parts."""
        return in_line(os.path.relpath(path, self.project.root).replace(os.sep, "/"))

    # ---- Read and run ----------------------------------------------------------------------------------------

    def read(self, uri: str, name: str, text: str, body: str, facts: Mapping[str, Any]) -> Page:
        """Read the page in the file `name`, which has this `text`; `body` is the text after its front matter, `facts`.

        Of these, `after` has the pages that run before it, and `checked` says whether its formulas are checked.
        """
        page = self.pages[uri] = self.reader.read(name, text, body, checked=facts.get("checked"))
        page.after = facts.get("after", [])
        return page

    def changed(self, uri: str, markdown: str) -> Page:
        """Return a page, read again if other plugins have changed it since; it keeps its results if its blocks do."""
        old = self.pages[uri]
        if old.markdown == markdown:
            return old
        page = self.pages[uri] = self.reader.read(old.name, old.text, old.body, markdown, checked=old.checked)
        page.after = old.after
        if page.runs_the_same(old):
            page.kept, page.future = old.kept, old.future
        return page

    def begin_page(self, page: Page) -> None:
        """Note that a page is about to be rendered."""
        page.begin()
        self.found.home = page

    def run(self, pages: Iterable[Page]) -> None:
        """Run pages, and the docstrings that they have shown in the last build, except those that run already."""
        pages = [each for page in pages for each in (page, *self.found.known_on(page))]
        for page in pages:
            fault = fault_of(page, self.pages, lambda uri: (self.project.docs_dir / uri).is_file())
            if fault and fault not in page.reading.faults:
                page.reading = page.reading._replace(faults=[*page.reading.faults, fault])
        self.runner.start(in_order(pages, self.pages))

    def report(self, page: Page) -> PageReport:
        """Wait for a page that is not rendered, and return its report."""
        self.runner.wait(page)
        page.read_only()
        return page.report()

    def reports(self, page: Page) -> list[PageReport]:
        """Wait for a page that is not rendered, and return its report and those of the pages found on it.

        These are the docstrings that it has shown in the last build, and the blocks that its blocks have printed.
        """
        own = self.report(page)
        found = [*self.found.known_on(page), *self.found.printed_on(page)]
        self.run(found)
        return [own, *map(self.report, found)]

    def leave_out(self, uri: str, name: str, text: str, body: str) -> None:
        """Read a page that MkDocs leaves out of the site: its blocks are wrong, as they would never run."""
        page = self.reader.read(name, text, body)
        if page.blocks and name not in {block.location.file for each in self.pages.values() for block in each.blocks}:
            message = "the block would never run: MkDocs leaves its page out of the site"
            hint = f"if that is as it should be, name {uri} under `exclude_docs` in mkdocs.yml"
            fault = scan.Fault(Failure(page.blocks[0].location, "FenceError", message, (hint,)), 0)
            self.pages[uri] = Page(name, text, body, "", scan.PageReading(faults=[fault]), complete=True)

    # ---- Render ----------------------------------------------------------------------------------------------

    def finish_page(self, page: Page, html: str, report_url: str, downloads: Sequence[str]) -> str:
        """Return a rendered page with the stamp under its title, and the failures that could not be shown in place.

        report_url: the address of the report page, if there is one. downloads: those of its programs.
        """
        found = page.report()
        if found.ran and not found.cached and not self.runner.shows_progress:
            self.log.info(f"{page.name}: {count(len(page.blocks), 'block')} in {page.ran.seconds:.1f} s")
        whole = joined([found, *(each.report() for each in page.met)])
        elsewhere = [text for text in map(fault_html, whole.faults) if text not in html]
        part = report_url + address_of(page.name) if report_url else ""
        stamp = stamp_html(whole, self.commit, part) if self.options.stamp or whole.failures else ""
        below = [stamp, downloads_html(downloads) if downloads else "", *elsewhere]
        return under_title(without_marks(html), "".join(below))

    def downloads_of(self, uri: str, title: str, site_name: str, link: Callable[[str], str]) -> Mapping[str, str]:
        """Return the texts of the downloads of a page, by the endings of their files; none, if it is not offered.

        link: returns the address on the web of a relative link on the page, if it is known.
        """
        page = self.pages[uri]
        is_offered = any(fnmatch(uri, each) for each in self.options.downloads)
        if not is_offered or not page.runnable or page.report().failures:
            return {}
        # Loaded only here: most builds offer no downloads.
        from einsum_doc.pages.build.download import Cell, as_notebook, as_program, cells

        found = cells(page, link)
        if not re.search(r"^# ", page.markdown, re.M):
            found.insert(0, Cell(f"# {title}"))
        if self.options.compatible:
            found.insert(
                0, Cell("On the page, each block without a `session` has a namespace of its own; here, they share one.")
            )
        code = "\n".join(cell.text for cell in found if cell.code)
        imported = set(re.findall(r"^\s*(?:from|import)\s+(\w+)", code, re.M))
        imported |= {"torch" for block in page.blocks if LANGUAGES[block.language].uses_torch}
        versions = {name: version.split("+")[0] for name, version in page.report().packages.items() if name in imported}
        needed = [*filter(imported.__contains__, self.options.library), *map("==".join, versions.items())]
        about = [f"This is {page.name} of “{site_name}”."]
        about += [f"It held with: pip install {' '.join(needed)}"] if needed else []
        notebook = as_notebook([Cell("\n".join(about)), *found])
        return {".py": as_program([title, "", *about], found), ".ipynb": notebook}

    # ---- Judge -----------------------------------------------------------------------------------------------

    def judge(self, *, all_pages: bool = True) -> Sequence[PageReport]:
        """Give the verdict on all pages, and return it; raise BuildFailedError if something is wrong.

        all_pages: whether it is a failure that nothing ran.
        """
        if self.rewriting:
            self._rewrite()
        if all_pages:
            self.found.remember(self.pages.values())
        pages = [page.report() for page in self.pages.values()]
        self.judge_pages(pages, all_pages=all_pages)
        return pages

    def judge_pages(self, pages: Sequence[PageReport], *, all_pages: bool) -> None:
        """Give the verdict on some pages."""
        pages = [*pages, *self._lost()]
        empty = all_pages and not any(page.blocks and page.ran for page in pages)
        if empty and not self.options.allow_empty and not any(page.failures for page in pages):
            pages = [*pages, PageReport((), faults=[report.nothing_ran(self.project.config_file.name)])]
        self._export(pages)
        for note in self.cache_notes(pages):
            self.log.info(note)
        for reason in self.reasons():
            click.echo(f"einsum-doc: {reason}", err=True)  # `--quiet` hides the log
        if any(page.failures for page in pages):
            self._fail(pages, summary(pages))
        else:
            self.log.info(summary(pages))

    def judge_late(self) -> None:
        """Give the verdict on blocks that were rendered after the verdict on the pages, and could not be shown."""
        late = [page.report() for page in self.pages.values() if page.name not in self._reports] + self._lost()
        if late:
            self._export(late)
        if any(page.failures for page in late):
            self._fail(late, summary(late))

    def _lost(self) -> list[PageReport]:
        """Return the failures of fences that are on no page, once."""
        lost, self.fences.lost = self.fences.lost, []
        return [PageReport((), faults=lost)] if lost else []

    def cache_notes(self, pages: Sequence[PageReport] = ()) -> list[str]:
        """Tidy the cache; return its problems, installed copies of the project, and imports worth preloading.

        pages: those with a verdict; that the results of a page are not kept is no news if it fails.
        """
        cache = self.runner.cache
        if cache is None:
            return []
        cache.tidy()
        failed = [page.name for page in pages if page.failures]
        code = "\n".join(block.code for page in self.pages.values() for block in page.blocks)
        notes = [*copies(self.project.root, code), *report.repeated_imports(pages)]
        return [*map(in_line, notes), *(in_line(note) for note, page in cache.notes.items() if page not in failed)]

    def reasons(self) -> list[str]:
        """Return for each page why it ran, or did not, if this is asked for."""
        if self.runner.cache is None or not (self.options.explain or is_set(EXPLAIN)):
            return []
        found = self.runner.cache.reasons.items()
        return [f"{name}: " + (f"ran: {in_line(why)}" if why else "from the cache") for name, why in found]

    def _fail(self, pages: Sequence[PageReport], told: str) -> None:
        # Not through the log: `--quiet` would hide it, its width would break lines, and under `serve`,
        # where a failure is to be seen and mended, `strict: true` would end the server.
        tell_failures(pages)
        if not self.serving:
            raise BuildFailedError(told)
        click.echo(f"einsum-doc: {told}\n", err=True)

    def _export(self, pages: Sequence[PageReport]) -> None:
        """Write these results, and those of earlier calls, for other programs, whether the build fails or not."""
        self._reports |= {page.name: page for page in pages}
        for name, form in ((self.options.junit, junit), (self.options.json, partial(as_json, commit=self.commit))):
            if name:
                path = self.project.root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                write(path, form([*self._reports.values()]))

    def _rewrite(self) -> None:
        """Write the output of blocks into the `expected` fences after them."""
        both = [pair for page in self.pages.values() for pair in zip(page.blocks, page.results, strict=True)]
        held = [(block.expected, result.written) for block, result in both if result.status == "held"]
        rewritten, failures = rewrite(self.project.root, [(expected, output) for expected, output in held if expected])
        for expected in rewritten:
            click.echo(f"{expected.location}: rewritten", err=True)
        self.fences.lost += failures


def tell_failures(pages: Sequence[PageReport]) -> None:
    """Write every failure to the terminal, and, in GitHub's actions, as annotations."""
    # click takes the colours out again where the text does not go to a terminal.
    text = report.failures_text(pages)
    click.echo(f"\n{text if os.environ.get('NO_COLOR') else report.coloured(text)}\n", err=True)
    click.echo(github(pages), nl=False)
