"""A Markdown extension with which Zensical runs a site's blocks, and fails when one does.

Zensical runs no plugins. It renders page after page with Python-Markdown, and asks this extension for each
of them. So all pages are read and run before the first is rendered, and the verdict is given then. While a
page is rendered, superfences hands its blocks to the build as it does under MkDocs. Zensical tells an
extension nothing about its files and pages, so those of MkDocs stand in for them.
"""

from __future__ import annotations

import atexit
import logging
import posixpath
import re
import secrets
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from markdown import Markdown
from markdown.extensions import Extension
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, InclusionLevel, get_files
from mkdocs.structure.pages import Page as MkDocsPage
from pymdownx.superfences import SuperFencesException

from einsum_doc.pages.build.build import BuildFailedError
from einsum_doc.pages.fronts.site import Site, as_plugin_errors, collect_less
from einsum_doc.pages.fronts.zensical_config import builder_options, languages, mkdocs_config
from einsum_doc.pages.html.report_page import report_html
from einsum_doc.pages.reading.numbering import EXTENSION, named
from einsum_doc.pages.record.result import Failure

NAME = "einsum_doc.pages.extension"
"""The name of the extension in mkdocs.yml."""


class Never:
    """The value that the option `cache` must have: it makes Zensical render every page in every build.

    Zensical keeps a page's HTML, and does not even load this extension where neither the page nor the
    configuration has changed: a change of the library would go unnoticed. It tells whether the
    configuration has changed by pickling it, and this differs from itself each time.
    """

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (secrets.token_hex(),)

    def __call__(self, *args: Any, **kwargs: Any) -> str:
        """Fail: it is the format of a fence only because zensical.toml has no other way to name an object."""
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
            md.preprocessors.register(_Processor(partial(_check_plugin, md)), NAME, _FIRST)
            return
        sys.excepthook = _show_error
        # By this, Zensical tells extensions which page they are on, and how the site is configured.
        context: Any = md.preprocessors["rendering_context"]
        site = _site_of(context.config, self.getConfig("cache"))
        site.add_to(md)
        md.preprocessors.register(_Processor(partial(site.begin, context.page, md)), NAME, _FIRST)


makeExtension = EinsumDocExtension  # noqa: N816  # what Python-Markdown looks for
_FIRST, _LAST = 1000, -1000


class _Processor(NamedTuple):
    """A step in the rendering of a page by Python-Markdown."""

    run: Callable[[Any], Any]


def _check_plugin(md: Markdown, lines: list[str]) -> list[str]:
    """Return the lines of a page that MkDocs renders.

    Raises: PluginError, if nobody runs its blocks.
    """
    if EXTENSION not in md.preprocessors:  # which the plugin adds
        raise PluginError(
            f"{NAME} runs blocks under Zensical alone, and the plugin einsum-doc, which runs them under "
            "MkDocs and ProperDocs, is not in use. Add the line\n\n  - einsum-doc\n\nunder `plugins:`."
        )
    return lines


def _show_error(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Show an error that ends Zensical: ours without the traceback, which Zensical makes part of its text."""
    ours = re.match(r"Python error: PluginError: (.*?)\nTraceback \(most recent call last\)", str(error), re.DOTALL)
    if ours:
        print(ours[1], file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


_sites: list[_ZensicalSite] = []
"""The site that is built, if any. Under `serve`, each change of the configuration begins another build."""


def _site_of(settings: dict[str, Any], cache: object) -> _ZensicalSite:
    """Return the site with these settings, which are Zensical's; there is one object of them for each build."""
    if not _sites or _sites[0].settings is not settings:
        fences = settings["mdx_configs"].get("pymdownx.superfences", {}).get("custom_fences", [])
        if never not in [cache, *(fence.get("format") for fence in fences)]:
            raise PluginError(
                f"{NAME} needs to render every page, and Zensical would keep some from an earlier build. "
                f"Write\n\n  - {NAME}:\n      cache: !!python/name:{NAME}.never\n\nunder `markdown_extensions:`; "
                f'or, in zensical.toml, add\n\n  {{ name = "einsum", class = "einsum", format = "{NAME}.never" }}\n\n'
                "to the `custom_fences` of pymdownx.superfences."
            )
        _show_log()
        site = _ZensicalSite(settings)
        if _sites:
            site.build.runner.follow(_sites[0].build.runner)
        site.start()
        _sites[:] = [site]
    return _sites[0]


class _ZensicalSite(Site):
    """A site that Zensical builds."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        config = mkdocs_config(settings, NAME)
        options = builder_options(Path(config.config_file_path))
        super().__init__(config, options, languages(settings), serving=sys.argv[1:2] == ["serve"])
        self.failures: set[Failure] = set()
        """The failures that have been reported."""
        self.wrong = ""
        """The message with which the build is to fail."""

    def start(self) -> None:
        """Read and run all pages, and give the verdict on them before any is rendered."""
        build, config = self.build, self.config
        build.begin()
        if not build.serving:
            collect_less()
        self.files = get_files(config)
        self.check_processes({*self.markdown_files()})
        self.add_assets()
        if self.files.get_file_from_path(build.options.report):  # Zensical does not know of a page that is added
            self.add_report()
        inclusion = InclusionLevel.is_in_serve if build.serving else InclusionLevel.is_included
        for file in self.files.documentation_pages(inclusion=inclusion):
            self.read(file)
            MkDocsPage(None, file, config).read_source(config)  # for its title
        self.add_style_sheet()
        self.run(build.pages.values())
        self.reports = {page.name: build.report(page) for page in build.pages.values()}
        self.failures = {failure for report in self.reports.values() for failure in report.failures}
        try:
            build.judge_pages([*self.reports.values()], all_pages=True)
        except BuildFailedError as error:
            self.wrong = f"einsum-doc: {error}"
            return
        for file in self.files:
            if file.generated_by:
                file.copy_file()

    def add_to(self, md: Markdown) -> None:
        """Give the fences of the build to superfences, which may have been set up before the build was."""
        self.build.numbers.extendMarkdown(md)
        if "fenced_code_block" in md.preprocessors:
            md.registerExtensions(["pymdownx.superfences"], self.config.mdx_configs)

    def begin(self, context: Any, md: Markdown, lines: list[str]) -> list[str]:
        """Return the Markdown of a page that is to be rendered; fail, if any page has a failure.

        context: the page as Zensical has it.
        """
        if self.wrong:
            raise PluginError(self.wrong)
        if "mkdocstrings_ids" in md.treeprocessors:
            return lines  # a docstring, for which mkdocstrings has a Markdown of its own
        end = _Processor(self.end)
        # It is added when the tree is ready: the table of contents has all postprocessors run over each heading.
        md.treeprocessors.register(_Processor(lambda tree: md.postprocessors.register(end, NAME, _LAST)), NAME, _LAST)
        markdown = "\n".join(line.rstrip("\r") for line in lines)
        config = self.config
        file = self.files.get_file_from_path(context.path)
        if file is None:  # a new page, or one that MkDocs leaves out, such as a README.md beside an index.md
            file = File(context.path, config.docs_dir, config.site_dir, config.use_directory_urls)
            self.files.append(file)
        page = self.build.pages.get(context.path)
        self.read_again = self.build.serving and page is not None and page.text != file.content_string
        if page is None or self.read_again:
            if self.build.serving:
                self.build.runner.forget_files()
            self.read(file)
        page = self.changed(file, markdown)
        self.build.begin_page(page)
        self.run([page])
        self.page = MkDocsPage(None, file, config)
        self.page.markdown, self.page.meta = markdown, context.meta
        return named(page.name, markdown).split("\n")

    def end(self, html: str) -> str:
        """Return the HTML of a page with its stamp; fail for blocks that have not reached the page."""
        build, file = self.build, self.page.file
        html = self.finish(self.page, html)
        page = build.pages[file.src_uri]
        build.found.remember([page])
        told = [each.report() for each in (page, *page.met)]
        self.reports |= {report.name: report for report in told}
        reports = [*self.reports.values()]
        html, _ = self.with_users(html, reports, file)
        if file is self.report_file:
            html += report_html(self.entries(reports, file), build.commit, build.options.library, {})
        while self.downloads:
            self.downloads.pop().copy_file()
        self.write_mathematics()
        for sheet in self.config.extra_css:  # that of the builder: Zensical has read its own list by now
            html = f'<link rel="stylesheet" href="{posixpath.relpath(sheet, self.folder_of(file))}">\n{html}'
        is_news = any(not self.failures.issuperset(report.failures) for report in told)
        if is_news or build.fences.lost or (self.read_again and page.blocks):
            with as_plugin_errors():
                build.judge_pages(told, all_pages=False)
        return html

    def link(self, to: File, seen_from: File) -> str:
        """Return the link from one page to another: in HTML too, Zensical changes links to Markdown files."""
        return posixpath.relpath(to.src_uri, self.folder_of(seen_from))

    def folder_of(self, file: File) -> str:
        """Return the folder that links on a page are relative to."""
        return posixpath.dirname(file.src_uri) or "."


def _show_log() -> None:
    """Write the log of MkDocs to the terminal: under Zensical it has no handler."""
    log = logging.getLogger("mkdocs.plugins.einsum-doc")
    if not log.handlers:
        log.addHandler(logging.StreamHandler())
        log.setLevel(logging.INFO)
        atexit.register(_close)


def _close() -> None:
    """End every process that was started."""
    for site in _sites:
        site.close()
