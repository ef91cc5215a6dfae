"""MkDocs, and ProperDocs, which builds as it does: its events, each a few lines that call the build.

A page is read in `on_files`, before MkDocs renders anything, and its blocks start to run in the background. It is
read again in `on_page_markdown` if another plugin has changed it by then. While it is rendered, superfences asks
the build for each block, which waits for its result. In `on_env`, when every page has been rendered and none has
been written, the verdict is given.
"""

from __future__ import annotations

import gc
import os
import posixpath
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatch
from functools import partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.plugins import BasePlugin, CombinedEvent, event_priority, get_plugin_logger
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page as MkDocsPage
from mkdocs.utils import get_relative_url, markdown_extensions, meta

from einsum_doc.pages.build.build import Build, BuildFailedError
from einsum_doc.pages.build.options import OptionError, Project
from einsum_doc.pages.fronts.config import EinsumDocConfig, options_from
from einsum_doc.pages.fronts.files import add_assets, add_report, address_on_the_web, fill_report
from einsum_doc.pages.html.report_page import Entry, with_users
from einsum_doc.pages.reading.numbering import named
from einsum_doc.pages.verdict.report import PageReport

if TYPE_CHECKING:
    from einsum_doc.pages.engine.pool import Pool

_FIRST, _LAST = 100, -100
_log = get_plugin_logger("einsum_doc")


@contextmanager
def as_plugin_errors() -> Iterator[None]:
    """Raise what ends a build as MkDocs expects it of a plugin: one line, without a traceback."""
    try:
        yield
    except (OptionError, BuildFailedError) as error:
        raise PluginError(f"einsum-doc: {error}") from None


class EinsumDocPlugin(BasePlugin[EinsumDocConfig]):
    """Runs the executable blocks of a site's pages in workers, and fails the build when one fails."""

    build: Build

    def __init__(self) -> None:
        self.serving = self.dirty = False
        self.only_reads = False
        """Whether pages are not rendered, and run when somebody starts them."""
        self.pool: Pool | None = None
        """That of an earlier build by another plugin, whose processes can be used again."""
        self.left_out: list[str] = []
        """The pages that MkDocs leaves out of the site by itself, by their paths in docs_dir."""
        self.downloads: dict[str, str] = {}
        """The programs of pages that can be downloaded, by their paths in the site."""
        self.report_file: File | None = None
        self.report_content = ""

    def on_startup(self, *, command: str, dirty: bool) -> None:
        """Learn whether a failure may end the process (under `serve` it must not), and which pages are rendered."""
        self.serving, self.dirty = command == "serve", dirty
        if not self.serving and not self.only_reads:
            # What has been loaded by now stays, and a build makes little that it does not keep: the garbage collector
            # need not look through it again and again.
            gc.freeze()
            gc.set_threshold(50_000)

    @event_priority(_LAST)  # other plugins add fences and extensions; superfences asks the last fence first
    def on_config(self, config: MkDocsConfig) -> MkDocsConfig:
        """Begin a build."""
        if "markdown-exec" not in config.plugins:
            raise PluginError(
                "einsum-doc runs the fences of markdown-exec, which is not in mkdocs.yml. "
                "Add the line\n\n  - markdown-exec\n\nunder `plugins:`, above `- einsum-doc`."
            )
        project = Project(Path(os.path.abspath(config.config_file_path or "mkdocs.yml")), Path(config.site_dir))
        runnable = config.plugins["markdown-exec"].config.languages
        pool = self.build.runner.pool if hasattr(self, "build") else self.pool
        with as_plugin_errors():
            self.build = Build(
                project,
                options_from(self.config),
                config.markdown_extensions,
                config.mdx_configs,
                runnable,
                _log,
                serving=self.serving,
                only_reads=self.only_reads,
                pool=pool,
            )
        self.downloads = {}
        return config

    @event_priority(_FIRST)  # before other plugins take pages out
    def _on_files_first(self, files: Files, *, config: MkDocsConfig) -> None:
        """Note which pages MkDocs leaves out of the site by itself."""
        there = {file.src_uri for file in files.documentation_pages(inclusion=InclusionLevel.is_in_serve)}
        told = [spec for spec in (config.exclude_docs, config.draft_docs) if spec]
        self.left_out = []
        pages = list(there)
        for folder, inner, names in os.walk(config.docs_dir, followlinks=True):
            inner[:] = [name for name in inner if not name.startswith(".")]  # of tools
            for name in names:
                if os.path.splitext(name)[1].lower() in markdown_extensions:
                    uri = os.path.relpath(os.path.join(folder, name), config.docs_dir).replace(os.sep, "/")
                    pages.append(uri)
                    if uri not in there and not any(spec.match_file(uri) for spec in told):
                        self.left_out.append(uri)
        for pattern in self.build.options.processes:
            if not any(fnmatch(uri, pattern) for uri in pages):
                raise PluginError(f"einsum-doc: processes: there is no page {pattern}")

    @event_priority(_LAST)  # after other plugins have added pages
    def _on_files_last(self, files: Files, *, config: MkDocsConfig) -> Files:
        """Read every page and start to run its blocks; add the assets."""
        add_assets(self.build.options.assets, self.build.project.root, files, config)
        # A build of some pages leaves the report on all of them as it is.
        self.report_file = None if self.dirty else add_report(self.build.options.report, files, config)
        inclusion = InclusionLevel.is_in_serve if self.serving else InclusionLevel.is_included
        for file in files.documentation_pages(inclusion=inclusion):
            if not self.dirty or file.is_modified():
                self._read(file)
        with as_plugin_errors():
            self.build.start([*self.build.pages.values()])
        for uri in [] if self.dirty else self.left_out:
            path = Path(config.docs_dir, uri)
            text = path.read_text("utf-8-sig", errors="replace")
            self.build.leave_out(uri, self.build.name_of(str(path)), text, meta.get_data(text)[0])
        return files

    on_files = CombinedEvent(_on_files_first, _on_files_last)

    @event_priority(_LAST)  # what the page is rendered from is what other plugins have made of it
    def on_page_markdown(self, markdown: str, *, page: MkDocsPage, config: MkDocsConfig, files: Files) -> str:
        """Read the page again if other plugins have changed it; name it in its Markdown."""
        uri = page.file.src_uri
        with as_plugin_errors():
            if uri not in self.build.pages:  # a page that another plugin has made since
                self._read(page.file)
                self.build.start([self.build.pages[uri]])
            self.build.changed(uri, markdown)
        return named(self.build.pages[uri].name, markdown)

    @event_priority(_LAST)  # what the stamp says is of the page as it will be
    def on_page_content(self, html: str, *, page: MkDocsPage, config: MkDocsConfig, files: Files) -> str:
        """Put the stamp under the title, and with it what could not be shown in its place."""
        read = self.build.pages.get(page.file.src_uri)
        if read is None:
            return html
        read.rendered_as(html)
        report_url = _url(self.report_file, page.file) if self.report_file else ""
        made = self.make_downloads(page, config, files)
        folder = posixpath.dirname(page.file.dest_uri) or "."
        return self.build.finish_page(read, html, report_url, [posixpath.relpath(uri, folder) for uri in made])

    @event_priority(_FIRST)  # before other plugins use the pages
    def on_env(self, env: Any, *, config: MkDocsConfig, files: Files) -> None:
        """Give the verdict: every page has been rendered, and none has been written."""
        with as_plugin_errors():
            # A dirty build looks at what has changed alone, which may be nothing.
            pages = self.build.judge(all_pages=not self.dirty)
        homes = {}
        for file in files.documentation_pages():
            if file.page and file.page.content:
                entries = self.entries(pages, files, partial(_url, seen_from=file))
                used = with_users(file.page.content, self.build.options.library, entries, self._name(file))
                file.page.content, names = used
                homes.update(dict.fromkeys(names, file))
        if self.report_file:
            entries = self.entries(pages, files, partial(_url, seen_from=self.report_file))
            addresses = {name: f"{_url(file, self.report_file)}#{name}" for name, file in homes.items()}
            self.report_content = fill_report(self.report_file, entries, self.build, addresses)
        for uri, text in self.downloads.items():
            files.append(File.generated(config, uri, content=text))
        if not self.serving:
            self.build.runner.dismiss()  # every page of the site has been waited for

    @event_priority(_FIRST)
    def _on_page_context_first(self, context: Any, *, page: MkDocsPage, config: MkDocsConfig, nav: Any) -> None:
        """Note which page is being made: other plugins may render parts of other pages on it."""
        self.build.fences.where = self._name(page.file)

    @event_priority(_LAST)  # when the search has seen the page: nobody looks for the tables of the report
    def _on_page_context_last(self, context: Any, *, page: MkDocsPage, config: MkDocsConfig, nav: Any) -> None:
        """Put the report on its page."""
        if page.file is self.report_file and page.content is not None:
            page.content += self.report_content

    on_page_context = CombinedEvent(_on_page_context_first, _on_page_context_last)

    @event_priority(_LAST)  # other plugins may still render
    def on_post_template(self, output: str, *, template_name: str, config: MkDocsConfig) -> None:
        """Fail for what was rendered after the verdict, and could not be shown."""
        with as_plugin_errors():
            self.build.judge_late()

    @event_priority(_LAST)  # other plugins may still render
    def on_post_page(self, output: str, *, page: MkDocsPage, config: MkDocsConfig) -> None:
        """Fail for what was rendered after the verdict, before this page is written."""
        with as_plugin_errors():
            self.build.judge_late()

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
        if hasattr(self, "build"):
            self.build.runner.close()

    def _name(self, file: File) -> str:
        return self.build.name_of(file.abs_src_path) if file.abs_src_path else file.src_uri

    def _read(self, file: File) -> None:
        text = file.content_string
        self.build.read(file.src_uri, self._name(file), text, meta.get_data(text)[0])

    def make_downloads(self, page: MkDocsPage, config: MkDocsConfig, files: Files) -> list[str]:
        """Make what a page can be downloaded as; return the paths in the site."""
        link = partial(address_on_the_web, page=page, config=config, files=files)
        made = self.build.downloads_of(page.file.src_uri, str(page.title), config.site_name, link)
        stem = posixpath.splitext(posixpath.basename(page.file.src_uri))[0]
        folder = posixpath.dirname(page.file.dest_uri)
        texts = {posixpath.join(folder, stem + ending): text for ending, text in made.items()}
        self.downloads |= texts
        return list(texts)

    def entries(self, pages: Sequence[PageReport], files: Files, url: Callable[[File], str]) -> list[Entry]:
        """Return the pages that have been run, each as it is linked to by the address that `url` returns."""
        reports = {page.name: page for page in pages}
        found = []
        for uri, page in self.build.pages.items():
            file = files.get_file_from_path(uri)
            if file and file.page and page.name in reports:
                title = escape(Markup(file.page.title or page.name).striptags())
                found.append(Entry(reports[page.name], title, url(file)))
        return found


def _url(to: File, seen_from: File) -> str:
    return get_relative_url(to.url, seen_from.url)
