"""MkDocs events, each a few lines that call the files beside this one.

A page is read in `on_files`, before MkDocs renders anything, and its blocks start to run in
the background. It is read again in `on_page_markdown`, and run again if another plugin has
changed its blocks by then. While it is rendered, superfences hands each block to `_format`,
which waits for its result. In `on_env`, when every page has been rendered and none has been
written, the verdict is given.
"""

from __future__ import annotations

import gc
import os
import posixpath
import re
import subprocess
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatch
from functools import partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import click
import markdown_exec
from markdown import Markdown
from markupsafe import Markup
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.plugins import BasePlugin, CombinedEvent, event_priority, get_plugin_logger
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page as MkDocsPage
from mkdocs.structure.toc import AnchorLink
from mkdocs.utils import get_relative_url, markdown_extensions, meta

from einsum_doc.pages.build.page import Run
from einsum_doc.pages.cache.cache import Cache
from einsum_doc.pages.engine.progress import awaited
from einsum_doc.pages.fronts.config import EinsumDocConfig
from einsum_doc.pages.html.formatting import Converters, format_block
from einsum_doc.pages.html.render import downloads_html, fault_html, stamp_html, under_title
from einsum_doc.pages.html.report_page import Entry, address_of, anchors_on, contents, report_html, used_in
from einsum_doc.pages.reading import fence, scan
from einsum_doc.pages.reading.locations import reached, read, trace
from einsum_doc.pages.record.block import Location
from einsum_doc.pages.record.messages import Job, WorkerSettings
from einsum_doc.pages.record.result import Failure
from einsum_doc.pages.record.text import count
from einsum_doc.pages.verdict import report
from einsum_doc.pages.verdict.export import as_json, github, junit
from einsum_doc.pages.verdict.judging import judged_kept
from einsum_doc.pages.verdict.rewriting import REWRITE, rewrite

if TYPE_CHECKING:
    from einsum_doc.pages.engine.pool import Pool  # what runs pages is not loaded where none has to run

NO_CACHE = "EINSUM_DOC_NO_CACHE"
"""The environment variable with which a build runs every page, and keeps nothing."""
REQUIRE_GPU = "EINSUM_DOC_REQUIRE_GPU"
"""The environment variable with which a build fails if a block needs a GPU that is not there."""
EXPLAIN = "EINSUM_DOC_EXPLAIN"
"""The environment variable with which a build says for each page why it ran, or did not."""

_log = get_plugin_logger("einsum_doc")


class EinsumDocPlugin(BasePlugin[EinsumDocConfig]):
    """Runs the executable blocks of a site's pages in workers, and fails the build when one fails."""

    def __init__(self) -> None:
        self.serving = self.dirty = False
        self.waits = False
        """Whether pages are only read, until somebody starts them."""
        self.links_from_source = False
        """Whether a relative link in a page's HTML starts at its Markdown file: who builds the site changes it then."""
        self.pool: Pool | None = None
        self.cache: Cache | None = None
        self.runs: dict[str, Run] = {}
        self.run: Run | None = None
        self.again: tuple[Sequence[str], Run | None] = ((), None)
        self.lost: list[Failure] = []
        self.left_out: list[str] = []
        self.downloads: dict[str, str] = {}
        """What is to be downloaded, by its path in the site."""
        self.markdown: Markdown | None = None
        self.converters = Converters()
        self.report_file: File | None = None
        self.report_content = ""
        self.reports: dict[str, report.PageReport] = {}
        self._commit: str | None = None

    def on_startup(self, *, command: str, dirty: bool) -> None:
        """Learn whether a failure may end the process (under `serve` it must not), and which pages are rendered."""
        self.serving = command == "serve"
        self.dirty = dirty
        if not self.serving and not self.waits:
            # What has been loaded by now stays, and a build makes little that it does not keep: the garbage collector
            # need not look through it again and again.
            gc.freeze()
            gc.set_threshold(50_000)

    @event_priority(-100)
    def on_config(self, config: MkDocsConfig) -> MkDocsConfig:
        """Put our fences behind markdown-exec's: superfences asks the last ones first."""
        if "markdown-exec" not in config.plugins:
            raise PluginError(
                "einsum-doc runs the fences of markdown-exec, which is not in mkdocs.yml. "
                "Add the line\n\n  - markdown-exec\n\nunder `plugins:`, above `- einsum-doc`."
            )
        unknown = sorted(self.config.keys() - EinsumDocConfig.names())
        if unknown:
            known = ", ".join(sorted(EinsumDocConfig.names()))
            raise PluginError(f"einsum-doc: unknown option {unknown[0]!r} in mkdocs.yml; there are: {known}")
        # Not resolved: a docs folder that is a link is called what its author calls it.
        self.root = Path(os.path.abspath(config.config_file_path or "mkdocs.yml")).parent
        target = os.environ.get(REWRITE, "")
        self.rewriting = bool(target)
        if target and os.path.realpath(target) != os.path.realpath(config.site_dir):
            raise PluginError(
                f"einsum-doc: {REWRITE} is set, with which a build compares no output. "
                "It is for `python -m einsum_doc.pages.expected` alone, which sets it itself: unset it."
            )
        self.requires_gpu = self.config.require_gpu or bool(os.environ.get(REQUIRE_GPU))
        fences = config.mdx_configs.setdefault("pymdownx.superfences", {}).setdefault("custom_fences", [])
        runnable = config.plugins["markdown-exec"].config.languages
        self.languages = scan.Languages(
            runnable=frozenset(runnable),
            always=frozenset(filter(None, markdown_exec.MARKDOWN_EXEC_AUTO)),
            foreign=frozenset(each["name"] for each in fences) - set(runnable) - fence.OURS,
        )
        ours = dict.fromkeys(runnable, (self._validate, self._format))
        for language in (fence.DERIVATION, fence.EINSUM):
            ours[language] = (self._validate_ours, self._format)
        ours[fence.EXPECTED] = (lambda *_: True, self._format_expected)
        for language, (validate, format_) in ours.items():
            fences.append({"name": language, "class": language, "validator": validate, "format": format_})
        config.markdown_extensions.append(scan.HyphenatedOptions())
        # A snippet that is missing is a failure of ours, with its line, and not the end of the build.
        snippets = config.mdx_configs.setdefault("pymdownx.snippets", {})
        self.checks_snippets = snippets.pop("check_paths", True)
        # What is appended to each page would be appended to the output of its own blocks, and so on for ever.
        inner = {**config.mdx_configs, "pymdownx.snippets": {**snippets, "auto_append": self._without_blocks(snippets)}}
        markdown_exec.markdown_config.save(config.markdown_extensions, inner)
        self.runs, self.run, self.markdown, self._commit = {}, None, None, None
        self.cache = None
        self.converters = Converters()
        self.again, self.lost, self.downloads, self.reports = ((), None), [], {}, {}
        self.where = Path(config.config_file_path or "mkdocs.yml").name
        return config

    def on_pre_build(self, *, config: MkDocsConfig) -> None:
        """Take away what the last build has told other programs: this one may not get that far."""
        for name in filter(None, (self.config.junit, self.config.json)):
            (self.root / name).unlink(missing_ok=True)

    @event_priority(100)
    def _on_files_first(self, files: Files, *, config: MkDocsConfig) -> None:
        """Note which pages MkDocs leaves out of the site by itself, before plugins take out others."""
        there = {file.src_uri for file in files.documentation_pages(inclusion=InclusionLevel.is_in_serve)}
        told = [spec for spec in (config.exclude_docs, config.draft_docs) if spec]
        self.left_out = []
        pages = list(there)
        for folder, inner, names in os.walk(config.docs_dir, followlinks=True):
            inner[:] = [name for name in inner if not name.startswith(".")]  # of tools
            here = _relative(folder, config.docs_dir)
            for name in names:
                if os.path.splitext(name)[1].lower() not in markdown_extensions:
                    continue
                uri = posixpath.normpath(posixpath.join(here, name))
                pages.append(uri)
                if uri not in there and not any(spec.match_file(uri) for spec in told):
                    self.left_out.append(uri)
        for pattern in self.config.processes:
            if not any(fnmatch(uri, pattern) for uri in pages):
                raise PluginError(f"einsum-doc: processes: there is no page {pattern}")

    @event_priority(-100)
    def _on_files_last(self, files: Files, *, config: MkDocsConfig) -> Files:
        """Read every page and start to run its blocks; add the assets."""
        for destination, source in self.config.assets.items():
            self._add_asset(destination, source, files, config)
        self.report_file = self._add_report(files, config)
        inclusion = InclusionLevel.is_in_serve if self.serving else InclusionLevel.is_included
        for file in files.documentation_pages(inclusion=inclusion):
            if self.dirty and not file.is_modified():
                continue
            self.runs[file.src_uri] = self._read(self._name(file), file.content_string, config)
        self.start(list(self.runs.values()), config)
        used = {block.location.file for run in self.runs.values() for block in run.blocks}  # as snippets
        for uri in [] if self.dirty else self.left_out:
            path = os.path.join(config.docs_dir, uri)
            name = _relative(path, self.root)
            text = Path(path).read_text("utf-8-sig", errors="replace")
            run = self._read(name, text, config)
            if run.blocks and name not in used:
                message = "the block would never run: MkDocs leaves its page out of the site"
                hint = f"if that is as it should be, name {uri} under `exclude_docs` in mkdocs.yml"
                fault = scan.Fault(None, Failure(run.blocks[0].location, "FenceError", message, (hint,)), 0)
                self.runs[uri] = Run(name, text, "", scan.Reading(faults=[fault]), complete=True)
        return files

    on_files = CombinedEvent(_on_files_first, _on_files_last)

    @event_priority(-100)
    def on_page_markdown(self, markdown: str, *, page: MkDocsPage, config: MkDocsConfig, files: Files) -> None:
        """Note which page is being rendered; read it again if other plugins have changed it."""
        run = self.runs.get(page.file.src_uri)
        if run is None or run.markdown != markdown:
            text = run.text if run else page.file.content_string
            again = self._read(self._name(page.file), text, config, markdown)
            self.runs[page.file.src_uri] = again
            if run is not None and _asked(again) == _asked(run):
                again.kept, again.future = run.kept, run.future
            else:
                self.start([again], config)
            run = again
        self.run = run

    @event_priority(-100)
    def on_page_content(self, html: str, *, page: MkDocsPage, config: MkDocsConfig, files: Files) -> str:
        """Put the stamp under the title, and with it what could not be shown in its place."""
        run, self.run = self.run, None
        if run is None:
            return html
        # A fence in an indented code block is formatted, and then given back as text.
        run.rendered = {number for number in run.rendered if f'data-block="{number}"' in html}
        run.complete = True
        found = run.report()
        if found.ran and not found.cached and self.pool is not None and not self.pool.progress.is_shown:
            _log.info(f"{run.name}: {count(len(run.blocks), 'block')} in {run.ran.seconds:.1f} s")
        elsewhere = [fault_html(failure) for failure in found.faults if fault_html(failure) not in html]
        there = self.report_file
        part = self._url(there, page.file) + address_of(run.name) if there else ""
        stamp = stamp_html(run.blocks, run.ran, len(found.faults), self.commit, part)
        downloads = ""
        if run.runnable and not found.failures and any(fnmatch(page.file.src_uri, it) for it in self.config.downloads):
            start = posixpath.dirname(page.file.src_uri if self.links_from_source else page.file.dest_uri)
            made = self._make_downloads(run, page, config, files)
            downloads = downloads_html([posixpath.relpath(uri, start or ".") for uri in made])
        return under_title(html, stamp + downloads + "".join(elsewhere))

    @event_priority(100)
    def on_env(self, env: Any, *, config: MkDocsConfig, files: Files) -> None:
        """Give the verdict: every page has been rendered, and none has been written."""
        if self.rewriting:
            both = [pair for run in self.runs.values() for pair in zip(run.blocks, run.results, strict=True)]
            held = [(block.expected, result.written) for block, result in both if result.status == "held"]
            rewritten, failures = rewrite(self.root, [(fence, output) for fence, output in held if fence])
            for expected in rewritten:
                click.echo(f"{expected.location}: rewritten", err=True)
            self.lost += failures
        pages = [run.report() for run in self.runs.values()]
        self._tell(pages, files)
        # A dirty build looks at what has changed alone, which may be nothing.
        self.judge(pages, config, all_pages=not self.dirty)
        for uri, text in self.downloads.items():
            files.append(File.generated(config, uri, content=text))
        if self.pool is not None and not self.serving:
            self.pool.dismiss()  # every page of the site has been waited for

    def judge(self, pages: Sequence[report.PageReport], config: MkDocsConfig, *, all_pages: bool = True) -> None:
        """Say what has become of pages; fail, if something is wrong."""
        if self.lost:
            pages = [*pages, report.PageReport((), (), self.lost)]
            self.lost = []
        empty = all_pages and not any(page.blocks and page.ran for page in pages)
        if empty and not self.config.allow_empty and not any(page.failures for page in pages):
            name = Path(config.config_file_path or "mkdocs.yml").name
            pages = [*pages, report.PageReport((), (), [report.nothing_ran(name)])]
        self._export(pages)
        if self.cache is not None:
            self.cache.tidy()
            for note in self.cache.notes:
                _log.info(note)
            explain = _log.info if os.environ.get(EXPLAIN) else _log.debug
            for name, reason in self.cache.reasons.items():
                explain(f"{name}: " + (f"ran: {reason}" if reason else "from the cache"))
        if any(page.failures for page in pages):
            self._fail(pages, report.summary(pages))
        else:
            _log.info(report.summary(pages))

    def _fail(self, pages: Sequence[report.PageReport], summary: str) -> None:
        # Not through the log: `--quiet` would hide it, its width would break lines, and under `serve`,
        # where a failure is to be seen and mended, `strict: true` would make an end of the server.
        # click takes the colours out again where the text does not go to a terminal.
        text = report.failures_text(pages)
        click.echo(f"\n{text if os.environ.get('NO_COLOR') else report.coloured(text)}\n", err=True)
        click.echo(github(pages), nl=False)
        if not self.serving:
            raise PluginError(f"einsum-doc: {summary}")
        click.echo(f"einsum-doc: {summary}\n", err=True)

    def _export(self, pages: Sequence[report.PageReport]) -> None:
        """Write these results for other programs, beside those that there are; whether the build fails or not."""
        self.reports |= {page.name: page for page in pages}
        for name, form in ((self.config.junit, junit), (self.config.json, partial(as_json, commit=self.commit))):
            if name:
                (self.root / name).parent.mkdir(parents=True, exist_ok=True)
                (self.root / name).write_text(form([*self.reports.values()]), "utf-8")

    def _tell(self, pages: Sequence[report.PageReport], files: Files) -> None:
        """Fill the report page, and say on the pages that explain the library where its names are used."""
        homes = {}
        for file in files.documentation_pages():
            if file.page and file.page.content:
                file.page.content, names = self.with_users(file.page.content, file, pages, files)
                homes.update(dict.fromkeys(names, file))
        page = self.report_file and self.report_file.page
        if self.report_file and page and page.content is not None:
            addresses = {name: f"{self._url(file, self.report_file)}#{name}" for name, file in homes.items()}
            entries = self.entries(pages, self.report_file, files)
            self.report_content = self.report_on(entries, addresses)
            parts = list(contents(entries, self.config.library))
            page.present_anchor_ids = (page.present_anchor_ids or set()) | {anchor for _, anchor in parts}
            top = page.toc.items
            top = top[0].children if top and top[0].level == 1 else top
            top += [AnchorLink(title, anchor, 2) for title, anchor in parts]

    def with_users(
        self, content: str, file: File, pages: Sequence[report.PageReport], files: Files
    ) -> tuple[str, set[str]]:
        """A page with links, below each name of the library that it explains, to the pages that use it; those names."""
        roots = tuple(f"{package}." for package in self.config.library)
        anchors = [anchor for anchor in anchors_on(content) if anchor.startswith(roots)] if roots else []
        users = report.users(pages) if anchors else {}
        here = users.keys() & set(anchors)
        if not here:
            return content, set()
        links = {entry.report.name: entry.link for entry in self.entries(pages, file, files)}
        links.pop(self._name(file), None)
        return used_in(content, {name: [*filter(None, map(links.get, users[name]))] for name in here}), here

    def report_on(self, entries: Sequence[Entry], addresses: Mapping[str, str]) -> str:
        """What stands on the report page; `addresses` are those at which names of the library are explained."""
        return report_html(entries, self.commit, self.config.library, addresses)

    def _url(self, to: File, seen_from: File) -> str:
        """The address of a page, as it is linked to from another."""
        if self.links_from_source:
            return posixpath.relpath(to.src_uri, posixpath.dirname(seen_from.src_uri) or ".")
        return get_relative_url(to.url, seen_from.url)

    def entries(self, pages: Sequence[report.PageReport], seen_from: File, files: Files) -> list[Entry]:
        """The pages of the site that have been run, each as it is linked to from one of them."""
        reports = {page.name: page for page in pages}
        found = []
        for uri, run in self.runs.items():
            file = files.get_file_from_path(uri)
            if file and file.page and run.name in reports:
                title = escape(Markup(file.page.title or run.name).striptags())
                found.append(Entry(reports[run.name], title, self._url(file, seen_from)))
        return found

    @event_priority(100)
    def _on_page_context_first(self, context: Any, *, page: MkDocsPage, config: MkDocsConfig, nav: Any) -> None:
        """Note which page is being made: other plugins may render parts of other pages on it."""
        self.where = self._name(page.file)

    @event_priority(-100)
    def _on_page_context_last(self, context: Any, *, page: MkDocsPage, config: MkDocsConfig, nav: Any) -> None:
        """Put the report on its page, when the search has seen it: nobody looks for its tables."""
        if page.file is self.report_file and page.content is not None:
            page.content += self.report_content

    on_page_context = CombinedEvent(_on_page_context_first, _on_page_context_last)

    @event_priority(-100)
    def on_post_template(self, output: str, *, template_name: str, config: MkDocsConfig) -> None:
        """Fail for what was rendered after the verdict, and could not be shown."""
        self._fail_for_what_is_lost()

    @event_priority(-100)
    def on_post_page(self, output: str, *, page: MkDocsPage, config: MkDocsConfig) -> None:
        """Fail for what was rendered after the verdict, before this page is written."""
        self._fail_for_what_is_lost()

    def _fail_for_what_is_lost(self) -> None:
        lost, self.lost = self.lost, []
        if lost:
            more = report.PageReport((), (), lost)
            self._export([more])
            self._fail([more], count(len(lost), "failure"))

    def on_post_build(self, *, config: MkDocsConfig) -> None:
        """Let the workers go; under `serve` the fork server stays for the next build."""
        if not self.serving:
            self.on_shutdown()

    def on_build_error(self, *, error: Exception) -> None:
        """Let the workers go, whatever it was that failed."""
        if not self.serving:
            self.on_shutdown()

    def on_shutdown(self) -> None:
        """End every process that was started."""
        if self.pool is not None:
            self.pool.close()
            self.pool = None

    def _name(self, file: File) -> str:
        """A page's file, relative to the folder of mkdocs.yml."""
        return _relative(file.abs_src_path, self.root) if file.abs_src_path else file.src_uri

    def _read(self, name: str, text: str, config: MkDocsConfig, changed: str | None = None) -> Run:
        """Read a page: what superfences will be given of it, and the blocks and faults in that.

        changed: what other plugins have made of its text without the front matter, if they have.
        """
        body: str = meta.get_data(text)[0]  # as MkDocs takes off the front matter
        markdown = body if changed is None else changed
        faults = scan.in_metadata(text.removesuffix(body), name, self.languages)
        try:
            lines, locations = read(name, text, markdown, self._reader(config))
        except Exception as error:
            if type(error).__name__ != "SnippetMissingError":  # whose module is not loaded unless a site uses it
                raise
            location = reached(error) or Location(name, 1)
            faults.append(scan.Fault(None, Failure(location, "SnippetMissingError", str(error)), 0))
            lines, locations = read(name, text, markdown, self._reader(config, checks_snippets=False))
        reading = scan.read(lines, locations, self.languages)
        # What else is wrong with a page of which something is missing may come from that.
        return Run(name, text, markdown, reading._replace(faults=faults or reading.faults), lines)

    def _reader(self, config: MkDocsConfig, *, checks_snippets: bool | None = None) -> Markdown:
        """The site's Markdown, for what it does before superfences."""
        if self.markdown is None:
            self.markdown = Markdown(extensions=config.markdown_extensions, extension_configs=config.mdx_configs)
            trace(self.markdown, self.root)
        self.markdown.reset()
        if "snippet" in self.markdown.preprocessors:
            checks = self.checks_snippets if checks_snippets is None else checks_snippets
            self.markdown.preprocessors["snippet"].check_paths = checks
        return self.markdown

    def _without_blocks(self, snippets: Mapping[str, Any]) -> list[str]:
        """The files that are appended to each page, but for those with fences in them."""
        folders = snippets.get("base_path", ["."])
        found = []
        for name in snippets.get("auto_append", []):
            paths = [Path(folder, name) for folder in ([folders] if isinstance(folders, str) else folders)]
            text = next((path.read_text("utf-8", errors="replace") for path in paths if path.is_file()), "")
            if not scan.scan(text.split("\n"), unasked=self.languages.unasked):
                found.append(name)
        return found

    def start(self, runs: Sequence[Run], config: MkDocsConfig) -> None:
        """Have the blocks of these pages run in the background, if no results of theirs are kept.

        Where somebody else is to say when, nothing happens.
        """
        runs = [run for run in runs if run.runnable]
        if not runs or self.waits:
            return
        if self.cache is None:
            self.cache = self._open_cache(config)
        for run in runs:
            kept = self.cache.find(run.name, run.runnable)
            compares, requires_gpu = not self.rewriting, self.requires_gpu
            run.kept = kept and judged_kept(run.runnable, kept, compares=compares, requires_gpu=requires_gpu)
        missing = [run for run in runs if run.kept is None]
        if missing:
            self._submit(missing, self.cache)

    def _submit(self, runs: Sequence[Run], cache: Cache) -> None:
        """Have the blocks of these pages run."""
        from einsum_doc.pages.engine.executor import ExecutorError
        from einsum_doc.pages.engine.pool import Pool, PoolSettings

        options = self.config
        settings = PoolSettings(
            WorkerSettings(
                str(self.root),
                options.device,
                float(options.timeout),
                int(options.memory * 2**30),
                tuple(options.library),
            ),
            tuple(options.preload),
            int(options.jobs),
            options.executor,
            compares=not self.rewriting,
            requires_gpu=self.requires_gpu,
        )
        if self.pool is None or self.pool.settings != settings:
            self.on_shutdown()  # under `serve`, mkdocs.yml may have changed since the last build
            self.pool = Pool(settings)
        jobs = [Job(run.name, run.runnable, self.sources(run)) for run in runs]
        try:
            futures = self.pool.submit(jobs, cache)
        except ExecutorError as error:
            raise PluginError(f"einsum-doc: executor: {error}") from None
        for run, future in zip(runs, futures, strict=True):
            run.future = future

    def wait_for(self, run: Run) -> None:
        """Wait until a page has been run, if it is, showing on a terminal how far that is."""
        if run.future is not None and self.pool is not None:
            awaited(run.future, self.pool.progress)

    def _open_cache(self, config: MkDocsConfig) -> Cache:
        options = self.config
        keep = options.cache and not os.environ.get(NO_CACHE)
        cache = Cache(
            self.root / options.cache if keep else None,
            self.root,
            {name: options[name] for name in ("device", "timeout", "memory", "preload", "executor", "library")},
            limit=int(options.cache_size * 2**20),
            ignored=[Path(config.site_dir), *(self.root / name for name in (options.junit, options.json) if name)],
            reads=self._reads(),
        )
        for pattern in cache.unread():
            raise PluginError(f"einsum-doc: processes: there is no file {pattern} in the project")
        return cache

    def _reads(self) -> dict[str, list[str]]:
        """For each page that `processes` names, the patterns of what its processes may read."""
        named: dict[str, list[str]] = defaultdict(list)
        for pattern, files in self.config.processes.items():
            for name in [run.name for uri, run in self.runs.items() if fnmatch(uri, pattern)]:
                named[name] += [posixpath.normpath(file) for file in files]
        return {name: [] if "." in files else files for name, files in named.items()}

    def sources(self, run: Run) -> Mapping[str, list[str]]:
        """The lines of each file that the page's code stands in."""
        sources = {run.name: run.text.split("\n")}
        locations = {location for block in run.blocks for location in (block.location, *block.locations)}
        for name in {location.file for location in locations} - sources.keys():
            path = self.root / name
            sources[name] = path.read_text("utf-8-sig", errors="replace").split("\n") if path.is_file() else []
        return sources

    def _validate(
        self, language: str, inputs: dict[str, str], options: dict[str, Any], attrs: dict[str, Any], md: Markdown
    ) -> bool:
        """superfences asks whether a fence is ours: it is if it is executed, or wrong."""
        if self._is_fault(language, inputs, options, md):
            return True
        written = dict(inputs)
        for name in fence.OUR_OPTIONS:
            inputs.pop(name, None)
        if markdown_exec.validator(language, inputs, options, attrs, md):
            options["written"] = written
            return True
        for name in fence.EXEC_OPTIONS:
            inputs.pop(name, None)  # `exec="off" source="above"` is shown as code, not as raw text
        return False

    def _validate_ours(
        self, language: str, inputs: dict[str, str], options: dict[str, Any], attrs: dict[str, Any], md: Markdown
    ) -> bool:
        if not self._is_fault(language, inputs, options, md):
            options["written"] = dict(inputs)
        return True

    def _is_fault(self, language: str, inputs: Mapping[str, str], options: dict[str, Any], md: Markdown) -> bool:
        run = self._run_of(md)
        asked = (language, {name: value for name, value in inputs.items() if value is not None})
        for fault in run.reading.faults if run else ():
            if fault.header and (fault.header.language, fault.header.options) == asked:
                options["fault"] = fault
                return True
        return False

    def _format(
        self, source: str, language: str, css_class: str, options: dict[str, Any], md: Markdown, **kwargs: Any
    ) -> str:
        """superfences asks for the HTML of a fence. It swallows exceptions, so none may leave here."""
        if "fault" in options:
            return fault_html(options["fault"].failure)
        run = self._run_of(md)
        try:
            written = options.pop("written")
            if run is None and language not in fence.SHOWN_ONLY:
                run = self._only_run_with(language, written, source)
            asked = run.asked_for(language, written, source) if run else None
            if isinstance(asked, scan.Fence):
                return f"<pre>{escape(source)}</pre>"
            if language in fence.SHOWN_ONLY:
                show: Any = markdown_exec.formatters[language]
                return str(show(code=source, md=md, **options))
            if run is None or asked is None:
                raise fence.FenceError(
                    "a block that stands on no page, or is changed after the page was read, is not run"
                )
            self.wait_for(run)
            return format_block(asked, run.results[asked.number - 1], md, options, self.converters)
        except Exception as error:
            location = Location(run.name if run else self.where, 1)
            failure = Failure(
                location, type(error).__name__, str(error), (f"in the block that begins: {source[:80]!r}",)
            )
            (run.lost if run else self.lost).append(failure)
            return fault_html(failure)

    def _run_of(self, md: Markdown) -> Run | None:
        """The run of the page that is being rendered.

        Where another plugin renders a page once more, as a blog does for its excerpts, it is a copy of that page's.
        """
        if self.run is not None:
            return self.run
        lines = getattr(md, "_original_md", md).lines  # of the page, when the output of a block is rendered
        if self.again[0] is not lines:
            text = _text(lines)
            holds = [
                run
                for run in self.runs.values()
                if run.blocks and (_text(run.lines) in text or text in _text(run.lines))
            ]
            run = max(holds, key=lambda run: len(run.lines), default=None)
            self.again = lines, run and replace(run, rendered=set(), seen=set(), lost=self.lost)
        return self.again[1]

    def _only_run_with(self, language: str, options: Mapping[str, str], code: str) -> Run | None:
        """The run that a block was taken from; of several, any, if it makes no difference."""
        found = [(run, block) for run in self.runs.values() for block in run.equal_to(language, options, code)]
        if len({replace(run.results[block.number - 1], seconds=0) for run, block in found}) > 1:
            raise fence.FenceError("the block stands on several pages, where its outcomes differ")
        return found[0][0] if found else None

    def _format_expected(self, source: str, *args: Any, **kwargs: Any) -> str:
        return f'<pre class="expected">{escape(source)}</pre>'

    def _make_downloads(self, run: Run, page: MkDocsPage, config: MkDocsConfig, files: Files) -> list[str]:
        """Make what a page can be downloaded as; its paths in the site."""
        # With it comes all that knows einsums, which many a build does not need.
        from einsum_doc.pages.build.download import Cell, as_notebook, as_program, cells

        found = cells(run.lines, run.blocks, run.results, _link(page, config, files))
        if not re.search(r"^# ", run.markdown, re.M):
            found.insert(0, Cell(f"# {page.title}"))
        about = [str(page.title), "", f"This is {run.name} of “{config.site_name}” as a program."]
        versions = {f"torch {result.torch.split('+')[0]}" for result in run.results if result.torch}
        about += [f"It held with {', '.join(sorted(versions))}."] if versions else []
        stem = posixpath.splitext(posixpath.basename(page.file.src_uri))[0]
        folder = posixpath.dirname(page.file.dest_uri)
        made = {".py": as_program(about, found), ".ipynb": as_notebook(found)}
        uris = {ending: posixpath.join(folder, stem + ending) for ending in made}
        self.downloads |= {uris[ending]: text for ending, text in made.items()}
        return list(uris.values())

    def _add_report(self, files: Files, config: MkDocsConfig) -> File | None:
        """The page that is to hold the report: the author's, if there is one at its place, or a new one."""
        if not self.config.report or self.dirty:  # a build of some pages leaves the report on all of them as it is
            return None
        text = "---\nsearch:\n  exclude: true\n---\n\n# Report\n"
        new = File.generated(config, self.config.report, content=text, inclusion=InclusionLevel.NOT_IN_NAV)
        if not new.is_documentation_page():
            raise PluginError(f"einsum-doc: report: {self.config.report} is no page; one is called report.md, say")
        for file in files.documentation_pages(inclusion=lambda _: True):
            if file.dest_uri == new.dest_uri:
                return file if file.inclusion.is_included() else None
        files.append(new)
        return new

    def _add_asset(self, destination: str, written: str, files: Files, config: MkDocsConfig) -> None:
        source = self.root / written
        if not source.exists():
            raise PluginError(
                f"einsum-doc: assets: {written} does not exist. "
                "If it comes from a package, that has still to be installed: with `npm ci`, if it is in node_modules."
            )
        for path in sorted(source.rglob("*")) if source.is_dir() else [source]:
            if path.is_file():
                uri = destination if path == source else f"{destination}/{path.relative_to(source).as_posix()}"
                files.append(File.generated(config, uri, abs_src_path=str(path)))

    @property
    def commit(self) -> str:
        """The commit that is being built, and whether files have been changed since; empty outside of git."""
        if self._commit is None:
            commit = _git(self.root, "rev-parse", "--short", "HEAD") if _may_be_in_repository(self.root) else ""
            changed = commit and _git(self.root, "status", "--porcelain")
            self._commit = f"{commit}, modified" if changed else commit
        return self._commit


def _link(page: MkDocsPage, config: MkDocsConfig, files: Files) -> Callable[[str], str]:
    """Where a page's relative links lead on the web, if it is known where the site will be."""

    def link(target: str) -> str:
        if not config.site_url:
            return ""
        path, mark, anchor = target.partition("#")
        uri = posixpath.normpath(posixpath.join(posixpath.dirname(page.file.src_uri), path))
        file = files.get_file_from_path(uri) if path else page.file
        return urljoin(config.site_url, file.url) + mark + anchor if file else ""

    return link


def _asked(run: Run) -> list[tuple[Any, ...]]:
    """What is to be run of a page, and what must come out."""
    return [
        (block.language, block.code, block.options, block.expected and (block.expected.text, block.expected.tolerance))
        for block in run.runnable
    ]


def _text(lines: Sequence[str]) -> str:
    return "\n".join(lines).strip()


def _relative(path: str, folder: str | Path) -> str:
    """A path as it is called from a folder, with `/` between its parts."""
    return os.path.relpath(path, folder).replace(os.sep, "/")


def _may_be_in_repository(folder: Path) -> bool:
    """Whether it is worth starting git to ask."""
    folder = Path(os.path.realpath(folder))
    return "GIT_DIR" in os.environ or any((each / ".git").exists() for each in (folder, *folder.parents))


def _git(folder: Path, *args: str) -> str:
    try:
        told = subprocess.run(["git", *args], cwd=folder, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return told.stdout.strip() if told.returncode == 0 else ""
