"""MkDocs, and ProperDocs, which builds as it does: its events, each a few lines that call the build.

A page is read in `on_files`, before MkDocs renders anything, and its blocks start to run in the background. It is
read again in `on_page_markdown` if another plugin has changed it by then. While it is rendered, superfences asks
the build for each block, which waits for its result. In `on_env`, when every page has been rendered and none has
been written, the verdict is given.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial
from typing import Any

from mkdocs.config import load_config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import Abort, ConfigurationError
from mkdocs.plugins import BasePlugin, CombinedEvent, event_priority
from mkdocs.structure.files import File, Files, InclusionLevel, get_files
from mkdocs.structure.pages import Page as MkDocsPage
from mkdocs.structure.toc import AnchorLink

from einsum_doc.pages.build.page import Page
from einsum_doc.pages.fronts.config import EinsumDocConfig
from einsum_doc.pages.fronts.site import Site, as_plugin_errors, collect_less
from einsum_doc.pages.html.report_page import contents, report_html
from einsum_doc.pages.html.typeset import folded, unfolded
from einsum_doc.pages.reading.numbering import named, unnamed
from einsum_doc.pages.verdict.report import PageReport

_FIRST, _LAST = 100, -100
_BEFORE_ALL, _AFTER_ALL = 1000, -1000


class EinsumDocPlugin(BasePlugin[EinsumDocConfig]):
    """Runs the executable blocks of a site's pages in workers, and fails the build when one fails."""

    site: Site

    def __init__(self) -> None:
        self.serving = self.dirty = False
        self.only_reads = False
        """True for a front that renders nothing, and runs pages itself."""
        self.left_out: Sequence[str] = ()
        """The pages that MkDocs leaves out of the site by itself, by their paths in docs_dir."""
        self.report_content = ""
        self.formulas: Sequence[str] = ()
        """The formulas of the page that is being made, while other plugins read its words."""

    def on_startup(self, *, command: str, dirty: bool) -> None:
        """Note whether a failure may end the process (under `serve` it must not), and which pages are rendered."""
        self.serving, self.dirty = command == "serve", dirty
        if not self.serving and not self.only_reads:
            collect_less()

    @event_priority(_BEFORE_ALL)  # other plugins keep the options of Markdown's extensions
    def _on_config_first(self, config: MkDocsConfig) -> None:
        """Add an entry to the options of Markdown's extensions: mkdocstrings keeps the object only if it has one."""
        config.mdx_configs.setdefault("pymdownx.superfences", {})

    @event_priority(_LAST)  # other plugins add fences and extensions; superfences asks the last fence first
    def _on_config_last(self, config: MkDocsConfig) -> MkDocsConfig:
        """Set up a build."""
        runnable = config.plugins["markdown-exec"].config.languages if "markdown-exec" in config.plugins else None
        site = Site(config, self.config, runnable, serving=self.serving)
        if hasattr(self, "site"):  # under `serve`, that of the last build
            site.build.runner.follow(self.site.build.runner)
        self.site = site
        return config

    on_config = CombinedEvent(_on_config_first, _on_config_last)

    def on_pre_build(self, *, config: MkDocsConfig) -> None:
        """Begin a build that gives a verdict: fronts that only read the pages do not come here."""
        self.site.build.begin()

    @event_priority(_FIRST)  # before other plugins take pages out
    def _on_files_first(self, files: Files, *, config: MkDocsConfig) -> None:
        """Note which pages MkDocs leaves out of the site by itself."""
        pages = {file.src_uri for file in files.documentation_pages(inclusion=InclusionLevel.is_in_serve)}
        self.site.check_processes({*pages, *self.site.markdown_files()})
        if not self.dirty and not self.only_reads:
            self.left_out = self.site.left_out_of(files)

    @event_priority(_LAST)  # after other plugins have added pages
    def _on_files_last(self, files: Files, *, config: MkDocsConfig) -> Files:
        """Read every page and start to run its blocks; add the assets and the report."""
        site = self.site
        site.files = files
        site.add_assets()
        if not self.dirty:  # a build of some pages leaves the report on all of them as it is
            site.add_report()
        inclusion = InclusionLevel.is_in_serve if self.serving else InclusionLevel.is_included
        for file in files.documentation_pages(inclusion=inclusion):
            if not self.dirty or file.is_modified():
                site.read(file)
        site.add_style_sheet()
        self._run(site.build.pages.values())
        for uri in self.left_out:
            site.leave_out(uri)
        return files

    on_files = CombinedEvent(_on_files_first, _on_files_last)

    def _run(self, pages: Iterable[Page]) -> None:
        if not self.only_reads:
            self.site.run(pages)

    @event_priority(_AFTER_ALL)  # after other plugins have changed the text of the page
    def on_page_markdown(self, markdown: str, *, page: MkDocsPage, config: MkDocsConfig, files: Files) -> str:
        """Read the page again if other plugins have changed it; name it in its Markdown."""
        read = self.site.changed(page.file, markdown)
        self.site.build.begin_page(read)
        self._run([read])
        return named(read.name, markdown)

    @event_priority(_BEFORE_ALL)  # other plugins may quote the Markdown
    def _on_page_content_first(self, html: str, *, page: MkDocsPage, config: MkDocsConfig, files: Files) -> None:
        """Take the name of the page out of its Markdown: other plugins may quote the beginning."""
        page.markdown = unnamed(page.markdown or "")

    @event_priority(_LAST)  # after other plugins have changed the HTML of the page
    def _on_page_content_last(self, html: str, *, page: MkDocsPage, config: MkDocsConfig, files: Files) -> str:
        """Put the stamp under the title, and the failures that could not be shown in place; name the Markdown again."""
        read = self.site.build.pages.get(page.file.src_uri)
        if read is None:
            return html
        page.markdown = named(read.name, page.markdown or "")  # other plugins may render a part of it
        return self.site.finish(page, html)

    on_page_content = CombinedEvent(_on_page_content_first, _on_page_content_last)

    @event_priority(_FIRST)  # before other plugins use the pages
    def on_env(self, env: Any, *, config: MkDocsConfig, files: Files) -> None:
        """Give the verdict: every page has been rendered, and none has been written."""
        site = self.site
        with as_plugin_errors():
            # A dirty build runs only pages that have changed, perhaps none.
            reports = site.build.judge(all_pages=not self.dirty)
        homes = {}
        for file in files.documentation_pages():
            if file.page and file.page.content:
                file.page.content, names = site.with_users(file.page.content, reports, file)
                homes.update(dict.fromkeys(names, file))
        if site.report_file:
            addresses = {name: f"{site.link(file, site.report_file)}#{name}" for name, file in homes.items()}
            self.report_content = self._report(site.report_file, reports, addresses)
        for file in site.downloads:
            files.append(file)
        if not self.serving:
            site.build.runner.dismiss()  # every page of the site has been waited for

    def _report(self, file: File, reports: Sequence[PageReport], addresses: Mapping[str, str]) -> str:
        """Add the parts of the report to the contents of its page; return its HTML.

        addresses: those at which names of the library are explained.
        """
        build, page = self.site.build, file.page
        if page is None or page.content is None:
            return ""
        entries = self.site.entries(reports, file)
        parts = list(contents(entries, build.options.library))
        page.present_anchor_ids = (page.present_anchor_ids or set()) | {anchor for _, anchor in parts}
        top = page.toc.items
        top = top[0].children if top and top[0].level == 1 else top
        top += [AnchorLink(title, anchor, 2) for title, anchor in parts]
        return report_html(entries, build.commit, build.options.library, addresses)

    @event_priority(_FIRST)  # before other plugins render anything for this page
    def _on_page_context_first(self, context: Any, *, page: MkDocsPage, config: MkDocsConfig, nav: Any) -> None:
        """Note which page is being made: other plugins may render parts of other pages on it.

        The search reads words: it is given the text of formulas.
        """
        self.site.build.fences.where = self.site.name_of(page.file)
        if self.site.typesetter and page.content:
            page.content, self.formulas = folded(page.content)

    @event_priority(_LAST)  # when the search has seen the page: nobody looks for the tables of the report
    def _on_page_context_last(self, context: Any, *, page: MkDocsPage, config: MkDocsConfig, nav: Any) -> None:
        """Put the report on its page."""
        if self.site.typesetter and page.content:
            page.content = unfolded(page.content, self.formulas)
        if page.file is self.site.report_file and page.content is not None:
            page.content += self.report_content

    on_page_context = CombinedEvent(_on_page_context_first, _on_page_context_last)

    @event_priority(_LAST)  # other plugins may still render
    def on_post_template(self, output: str, *, template_name: str, config: MkDocsConfig) -> None:
        """Fail for blocks that were rendered after the verdict, and could not be shown."""
        with as_plugin_errors():
            self.site.build.judge_late()

    @event_priority(_LAST)  # other plugins may still render
    def on_post_page(self, output: str, *, page: MkDocsPage, config: MkDocsConfig) -> str:
        """Typeset what was rendered after the page; fail for blocks that were, before this page is written."""
        with as_plugin_errors():
            self.site.build.judge_late()
        return self.site.typeset(output, self.site.name_of(page.file))

    def on_post_build(self, *, config: MkDocsConfig) -> None:
        """Let the workers go; under `serve` the fork server stays for the next build."""
        self.site.write_mathematics()
        if self.site.typesetter:
            self.site.typesetter.close(forget=not self.serving and not self.dirty)
        if not self.serving:
            self.on_shutdown()

    def on_build_error(self, *, error: Exception) -> None:
        """Let the workers go after any failure."""
        if not self.serving:
            self.on_shutdown()

    def on_shutdown(self) -> None:
        """End every process that was started."""
        if hasattr(self, "site"):
            self.site.close()


def _load_config(config_file: str | None) -> MkDocsConfig:
    """Return the configuration of MkDocs; raise what it logs about a wrong one as an error."""
    errors = []

    def take(record: logging.LogRecord) -> bool:
        if record.levelno >= logging.ERROR:
            errors.append(record.getMessage())
        return record.levelno < logging.ERROR

    log = logging.getLogger("mkdocs.config")
    log.addFilter(take)
    try:
        return load_config(config_file)
    except Abort as error:
        raise ConfigurationError("\n".join(errors) or error.format_message()) from None
    finally:
        log.removeFilter(take)


def load(
    config_file: str | None, choose: Callable[[str, File], bool], options: Mapping[str, Any]
) -> tuple[Site, dict[str, Page]]:
    """Read the chosen pages of a site: the first half of what `mkdocs build` does, with the same plugins.

    choose: called with the name of each page, relative to the folder of mkdocs.yml, and its MkDocs file.
    options: take the place of those in mkdocs.yml.

    Returns the site, whose pages do not run yet, and its chosen pages by their files.
    Raises: ConfigurationError, if mkdocs.yml is not there, is wrong, or does not have the plugin.
    """
    config = _load_config(config_file)
    plugin = config.plugins.get("einsum-doc")
    if not isinstance(plugin, EinsumDocPlugin):
        raise ConfigurationError(f"einsum-doc is not among the plugins in {config.config_file_path}")
    plugin.config.update(options)
    plugin.only_reads = True
    config.plugins.on_startup(command="build", dirty=False)
    config = config.plugins.on_config(config)
    found = get_files(config)
    left_out = plugin.site.left_out_of(found)
    chosen, others = {}, []
    for file in found:
        if not file.is_documentation_page() or not file.abs_src_path:
            others.append(file)
        elif file.src_uri not in left_out and choose(name := plugin.site.name_of(file), file):
            chosen[name] = file
    plugin.site.build.reader.unread = cache(partial(plugin.site.unread, [*found]))
    files = config.plugins.on_files(Files([*chosen.values(), *others]), config=config)
    for file in chosen.values():
        page = config.plugins.on_pre_page(MkDocsPage(None, file, config), config=config, files=files)
        page.read_source(config)
        config.plugins.on_page_markdown(page.markdown or "", page=page, config=config, files=files)
    for uri in left_out:
        file = File(uri, config.docs_dir, config.site_dir, config.use_directory_urls)
        if choose(name := plugin.site.name_of(file), file):
            chosen[name] = file
            plugin.site.leave_out(uri)
    pages = plugin.site.build.pages
    return plugin.site, {name: pages[file.src_uri] for name, file in chosen.items() if file.src_uri in pages}
