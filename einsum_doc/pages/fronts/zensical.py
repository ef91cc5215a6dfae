"""A Markdown extension with which Zensical runs a site's blocks, and fails when one does.

Zensical runs no plugins. It renders page after page with Python-Markdown, and asks this extension for each
of them, so here is the first half of a build by MkDocs, with the same plugin: all pages are read and run
before the first is rendered, and the verdict is given then. While a page is rendered, superfences hands its
blocks to the plugin as it does under MkDocs.
"""

from __future__ import annotations

import atexit
import logging
import posixpath
import secrets
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element

from markdown import Markdown
from markdown.extensions import Extension
from markdown.postprocessors import Postprocessor
from markdown.preprocessors import Preprocessor
from markdown.treeprocessors import Treeprocessor
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, get_files
from mkdocs.structure.pages import Page as MkDocsPage
from pymdownx.superfences import SuperFencesException

from einsum_doc.pages.build.build import Build, BuildFailedError
from einsum_doc.pages.fronts.mkdocs import EinsumDocPlugin, as_plugin_errors
from einsum_doc.pages.fronts.zensical_config import mkdocs_config
from einsum_doc.pages.html.report_page import report_html, with_users
from einsum_doc.pages.reading.numbering import EXTENSION
from einsum_doc.pages.record.result import Failure
from einsum_doc.pages.verdict.report import PageReport

if TYPE_CHECKING:
    from einsum_doc.pages.engine.pool import Pool

NAME = "einsum_doc.pages.extension"
"""What the extension is called in mkdocs.yml."""


class Never:
    """What the option `cache` must be: it makes Zensical render every page in every build.

    Zensical keeps a page's HTML, and does not even load this extension where neither the page nor the
    configuration has changed: a change of the library would go unnoticed. It tells whether the
    configuration has changed by pickling it, and this differs from itself each time.
    """

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (secrets.token_hex(),)

    def __call__(self, *args: Any, **kwargs: Any) -> str:
        """Fail: as the format of a fence it is only named, because zensical.toml has no other way to name an object."""
        raise SuperFencesException(f"{NAME} is not among the Markdown extensions: nothing would be run")


never = Never()


class EinsumDocExtension(Extension):  # type: ignore[misc]  # Python-Markdown has no types
    """Runs, checks and shows blocks under Zensical; under MkDocs it leaves them to the plugin."""

    def __init__(self, **options: Any) -> None:
        self.config = {"cache": ["", f"Zensical's cache of pages; it must be !!python/name:{NAME}.never"]}
        super().__init__(**options)

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
        """Take part in the rendering of a page, if it is Zensical that renders it."""
        if "rendering_context" not in md.preprocessors:
            md.preprocessors.register(_Elsewhere(md), NAME, _FIRST)
            return
        # By this, Zensical tells extensions which page they are on, and how the site is configured.
        context: Any = md.preprocessors["rendering_context"]
        build = _build_of(context.config, self.getConfig("cache"))
        build.add_to(md)
        md.preprocessors.register(_Begin(md, build), NAME, _FIRST)
        md.treeprocessors.register(_Ready(md, build), NAME, _LAST)


makeExtension = EinsumDocExtension  # noqa: N816  # what Python-Markdown looks for
_FIRST, _LAST = 1000, -1000


class _Elsewhere(Preprocessor):  # type: ignore[misc]
    """Sees to it that somebody runs the blocks, where it is not Zensical that renders a page."""

    def run(self, lines: list[str]) -> list[str]:
        if EXTENSION not in self.md.preprocessors:  # which the plugin adds
            raise PluginError(
                f"{NAME} runs blocks under Zensical alone, and the plugin einsum-doc, which runs them under "
                "MkDocs and ProperDocs, is not in use. Add the line\n\n  - einsum-doc\n\nunder `plugins:`."
            )
        return lines


class _Begin(Preprocessor):  # type: ignore[misc]
    def __init__(self, md: Markdown, build: _ZensicalBuild) -> None:
        super().__init__(md)
        self.build = build

    def run(self, lines: list[str]) -> list[str]:
        page = self.md.preprocessors["rendering_context"].page
        return self.build.begin(page.path, page.meta, "\n".join(line.rstrip("\r") for line in lines))


class _Ready(Treeprocessor):  # type: ignore[misc]
    """Adds the one below when the page's tree is ready: the table of contents has all of them run over each heading."""

    def __init__(self, md: Markdown, build: _ZensicalBuild) -> None:
        super().__init__(md)
        self.build = build

    def run(self, root: Element) -> None:
        self.md.postprocessors.register(_End(self.md, self.build), NAME, _LAST)


class _End(Postprocessor):  # type: ignore[misc]
    def __init__(self, md: Markdown, build: _ZensicalBuild) -> None:
        super().__init__(md)
        self.build = build

    def run(self, text: str) -> str:
        return self.build.end(text)


_builds: list[_ZensicalBuild] = []
"""The build that goes on, if any. Under `serve`, each change of the configuration begins another."""


def _build_of(site: dict[str, Any], cache: object) -> _ZensicalBuild:
    """Return the build of a site; Zensical has one configuration for each."""
    if not _builds or _builds[0].site is not site:
        fences = site["mdx_configs"].get("pymdownx.superfences", {}).get("custom_fences", [])
        if never not in [cache, *(fence.get("format") for fence in fences)]:
            raise PluginError(
                f"{NAME} needs to render every page, and Zensical would keep some from an earlier build. "
                f"Write\n\n  - {NAME}:\n      cache: !!python/name:{NAME}.never\n\nunder `markdown_extensions:`."
            )
        _show_log()
        _builds[:] = [_ZensicalBuild(site, _builds[0].build.runner.pool if _builds else None)]
    return _builds[0]


class _ZensicalBuild:
    """One build of a site by Zensical, with a stand-in for the configuration of MkDocs."""

    def __init__(self, site: dict[str, Any], pool: Pool | None) -> None:
        self.site = site
        self.serving = sys.argv[1:2] == ["serve"]
        self.config = mkdocs_config(site, NAME)
        self.plugin: EinsumDocPlugin = self.config.plugins["einsum-doc"]  # type: ignore[assignment]
        self.plugin.pool = pool
        self.failures: set[Failure] = set()
        """Those that have been listed."""
        self.wrong = ""
        """The message with which the build is to fail."""
        plugins = self.config.plugins
        plugins.on_startup(command="serve" if self.serving else "build", dirty=False)
        files = get_files(self.config)
        if files.get_file_from_path(self.plugin.config["report"]) is None:
            self.plugin.config["report"] = ""  # a page that Zensical would not know of
        plugins.on_config(self.config)
        self.build: Build = self.plugin.build
        self.files = plugins.on_files(files, config=self.config)
        for uri in self.plugin.left_out:  # by MkDocs: what Zensical leaves out it never asks for
            self.build.pages.pop(uri, None)
        self.reports = self._judge()
        for file in self.files:
            if file.generated_by and not self.wrong:
                file.copy_file()
            elif file.src_uri in self.build.pages:
                MkDocsPage(None, file, self.config).read_source(self.config)  # for its title

    def _judge(self) -> list[PageReport]:
        """Wait for all pages that have been read, and give the verdict on them before any is rendered."""
        reports = [self.build.report(replace(page)) for page in self.build.pages.values()]
        self.failures = {failure for page in reports for failure in page.failures}
        try:
            self.build.judge_pages(reports, all_pages=True)
        except BuildFailedError as error:
            self.wrong = f"einsum-doc: {error}"
        return reports

    def add_to(self, md: Markdown) -> None:
        """Give the fences of the build to superfences, which may have been set up before the build was."""
        self.build.numbers.extendMarkdown(md)
        if "fenced_code_block" in md.preprocessors:
            md.registerExtensions(["pymdownx.superfences"], self.config.mdx_configs)

    def begin(self, path: str, meta: dict[str, Any], markdown: str) -> list[str]:
        """Return the Markdown of a page that is to be rendered; fail, if there is a failure on any."""
        if self.wrong:
            raise PluginError(self.wrong)
        self.file = self.files.get_file_from_path(path) or self._file(path)
        page = self.build.pages.get(path)
        self.read_again = self.serving and page is not None and page.text != self.file.content_string
        if self.read_again:
            del self.build.pages[path]
            self.build.runner.forget_files()
        elif page is not None:
            page.rendered, page.complete = set(), False  # a page may be rendered more than once
            if page.markdown.strip() == markdown.strip():
                markdown = page.markdown
        self.page = MkDocsPage(None, self.file, self.config)
        self.page.markdown, self.page.meta = markdown, meta
        events = self.config.plugins
        return events.on_page_markdown(markdown, page=self.page, config=self.config, files=self.files).split("\n")

    def end(self, html: str) -> str:
        """Return the HTML of a page with its stamp; fail for what has not reached the page."""
        page = self.build.pages[self.file.src_uri]
        page.rendered_as(html)
        report_file = self.plugin.report_file
        report_url = self._url(report_file) if report_file else ""
        made = self.plugin.make_downloads(self.page, self.config, self.files)
        folder = posixpath.dirname(self.file.src_uri) or "."
        html = self.build.finish_page(page, html, report_url, [posixpath.relpath(uri, folder) for uri in made])
        report = page.report()
        self.reports = [report if each.name == report.name else each for each in self.reports]
        entries = self.plugin.entries(self.reports, self.files, self._url)
        html, _ = with_users(html, self.build.options.library, entries, page.name)
        if self.file is report_file:
            html += report_html(entries, self.build.commit, self.build.options.library, {})
        for uri, text in self.plugin.downloads.items():
            File.generated(self.config, uri, content=text).copy_file()
        self.plugin.downloads.clear()
        is_news = not self.failures.issuperset(report.failures)
        if is_news or self.build.fences.lost or (self.read_again and report.blocks):
            with as_plugin_errors():
                self.build.judge_pages([report], all_pages=False)
        return html

    def _url(self, to: File) -> str:
        """Return the link to a page from this one: in HTML too, Zensical changes links to Markdown files."""
        return posixpath.relpath(to.src_uri, posixpath.dirname(self.file.src_uri) or ".")

    def _file(self, path: str) -> File:
        """Return a page that MkDocs would have left out, such as a README.md beside an index.md."""
        config = self.config
        return File(path, config.docs_dir, config.site_dir, config.use_directory_urls)


def _show_log() -> None:
    """Write the log to the terminal: it is that of MkDocs, which nobody listens to."""
    log = logging.getLogger("mkdocs.plugins.einsum_doc")
    if not log.handlers:
        log.addHandler(logging.StreamHandler())
        log.setLevel(logging.INFO)
        atexit.register(_close)


def _close() -> None:
    """End every process that was started."""
    for build in _builds:
        build.build.runner.close()
