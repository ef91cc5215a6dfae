"""A site as the files of MkDocs, with the build of its pages: the part that MkDocs and Zensical share."""

from __future__ import annotations

import gc
import os
import posixpath
import re
import shutil
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatch
from functools import partial
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from markupsafe import Markup
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.plugins import get_plugin_logger
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page as MkDocsPage
from mkdocs.utils import get_relative_url, markdown_extensions, meta

from einsum_doc.pages.build.build import Build, BuildFailedError
from einsum_doc.pages.build.page import Page
from einsum_doc.pages.fronts.config import EinsumDocConfig, options_from
from einsum_doc.pages.html import render
from einsum_doc.pages.html.report_page import Entry, with_users
from einsum_doc.pages.html.typeset import STYLE_SHEET as MATHEMATICS
from einsum_doc.pages.html.typeset import TypesetError, Typesetter
from einsum_doc.pages.record.options import OptionError, Project
from einsum_doc.pages.record.text import in_line
from einsum_doc.pages.verdict.report import PageReport

STYLE_SHEET = f"assets/{render.STYLE_SHEET.name}"
"""The path of the style sheet in the site; a file of the site at this path takes its place."""
_log = get_plugin_logger("einsum-doc")


@contextmanager
def as_plugin_errors() -> Iterator[None]:
    """Raise errors that end a build as `PluginError`, which MkDocs shows in one line, without a traceback."""
    try:
        yield
    except (OptionError, BuildFailedError, TypesetError) as error:
        raise PluginError(f"einsum-doc: {error}") from None


def collect_less() -> None:
    """Run the garbage collector less often, in a process that ends with the build: it frees little memory."""
    gc.freeze()
    gc.set_threshold(50_000)


class Site:
    """A site as MkDocs has it, and the build of its pages.

    config: the build adds its own Markdown extensions to it. options: the builder's, validated.
    runnable: the languages that markdown-exec is configured for; None, if it is not among the plugins.
    serving: a failure does not end the build.
    Raises: PluginError, if an option, or a variable of the environment, cannot be followed.
    """

    def __init__(
        self, config: MkDocsConfig, options: EinsumDocConfig, runnable: Sequence[str] | None, *, serving: bool
    ) -> None:
        if runnable is None:
            raise PluginError(
                "einsum-doc runs the fences of markdown-exec, which is not in mkdocs.yml. "
                "Add the line\n\n  - markdown-exec\n\nunder `plugins:`, above `- einsum-doc`."
            )
        self.config = config
        config_file = Path(os.path.abspath(config.config_file_path or "mkdocs.yml"))
        project = Project(config_file, Path(config.site_dir), Path(config.docs_dir))
        # markdown-exec has it as it was written on the command line, perhaps relative to another folder.
        os.environ["MKDOCS_CONFIG_DIR"] = str(project.root)
        extensions, configs = config.markdown_extensions, config.mdx_configs
        with as_plugin_errors():
            self.build = Build(project, options_from(options), extensions, configs, runnable, _log, serving=serving)
            font, cache = self.build.options.typeset, self.build.runner.cache_folder
            self.typesetter = Typesetter(project.root, font, cache and cache / "mathematics") if font else None
        self.files = Files([])
        """Its files, when they are known."""
        self.report_file: File | None = None
        self.downloads: list[File] = []
        """The programs of pages that can be downloaded."""

    def close(self) -> None:
        """End every process that was started."""
        self.build.runner.close()
        if self.typesetter:
            self.typesetter.close(forget=False)

    def name_of(self, file: File) -> str:
        """Return the name of a file in messages: its path relative to the folder of mkdocs.yml."""
        return self.build.name_of(file.abs_src_path) if file.abs_src_path else file.src_uri

    def link(self, to: File, seen_from: File) -> str:
        """Return the link from one page to another."""
        return get_relative_url(to.url, seen_from.url)

    def folder_of(self, file: File) -> str:
        """Return the folder that links on a page are relative to, within the site."""
        return posixpath.dirname(file.dest_uri) or "."

    # ---- Files -----------------------------------------------------------------------------------------------

    def markdown_files(self) -> list[str]:
        """Return the paths of all Markdown in docs_dir, whether it becomes a page or not."""
        found = []
        for folder, inner, names in os.walk(self.config.docs_dir, followlinks=True):
            inner[:] = [name for name in inner if not name.startswith(".")]  # of tools
            pages = [name for name in names if os.path.splitext(name)[1].lower() in markdown_extensions]
            found += [os.path.relpath(os.path.join(folder, name), self.config.docs_dir) for name in pages]
        return [path.replace(os.sep, "/") for path in found]

    def left_out_of(self, files: Files) -> list[str]:
        """Return the paths of Markdown in docs_dir that becomes no page, although the author does not exclude it."""
        pages = {file.src_uri for file in files.documentation_pages(inclusion=InclusionLevel.is_in_serve)}
        told = [spec for spec in (self.config.exclude_docs, self.config.draft_docs) if spec]
        others = [uri for uri in self.markdown_files() if uri not in pages]
        return [uri for uri in others if not any(spec.match_file(uri) for spec in told)]

    def check_processes(self, pages: Collection[str]) -> None:
        """Check the patterns of pages in the option `processes`.

        Raises: PluginError, if one matches no page.
        """
        for pattern in self.build.options.processes:
            if not any(fnmatch(uri, pattern) for uri in pages):
                raise PluginError(f"einsum-doc: processes: there is no page {pattern}")

    def add_assets(self) -> None:
        """Add the files of installed packages that the option `assets` names.

        Raises: PluginError, if one is not there.
        """
        for destination, written in self.build.options.assets.items():
            source = self.build.project.root / written
            if not source.exists():
                raise PluginError(
                    f"einsum-doc: assets: {written} does not exist. If it comes from a package, "
                    "that has still to be installed: with `npm ci`, if it is in node_modules."
                )
            for path in sorted(source.rglob("*")) if source.is_dir() else [source]:
                if path.is_file():
                    uri = destination if path == source else f"{destination}/{path.relative_to(source).as_posix()}"
                    self.files.append(File.generated(self.config, uri, abs_src_path=str(path)))

    def add_style_sheet(self) -> None:
        """Add the builder's style sheet before those of the site, if anything on the pages that were read needs it."""
        if self.build.adds_to_pages:
            if self.files.get_file_from_path(STYLE_SHEET) is None:
                self.files.append(File.generated(self.config, STYLE_SHEET, abs_src_path=str(render.STYLE_SHEET)))
            self.config.extra_css.insert(0, STYLE_SHEET)
        if self.typesetter:
            self.files.append(File.generated(self.config, MATHEMATICS, content=""))  # until the pages are typeset
            self.config.extra_css.insert(0, MATHEMATICS)

    def add_report(self) -> None:
        """Add the page that is to hold the report, unless the author has one at its path.

        Raises: PluginError, if a file of its name is no page.
        """
        name = self.build.options.report
        if not name:
            return
        text = "---\nsearch:\n  exclude: true\n---\n\n# Report\n"
        new = File.generated(self.config, name, content=text, inclusion=InclusionLevel.NOT_IN_NAV)
        if not new.is_documentation_page():
            raise PluginError(f"einsum-doc: report: {name} is no page; one is called report.md, say")
        pages = self.files.documentation_pages(inclusion=lambda _: True)
        self.report_file = next((page for page in pages if page.dest_uri == new.dest_uri), new)
        if self.report_file is new:
            self.files.append(new)
        elif not self.report_file.inclusion.is_included():
            self.report_file = None

    # ---- Pages -----------------------------------------------------------------------------------------------

    def read(self, file: File) -> Page:
        """Read a page."""
        text = file.content_string
        body, facts = meta.get_data(text)
        return self.build.read(file.src_uri, self.name_of(file), text, body, facts)

    def unread(self, files: Iterable[File]) -> list[Page]:
        """Read the pages among files that have not been read, without adding them to the build."""
        rest = [file for file in files if file.is_documentation_page() and file.src_uri not in self.build.pages]
        paths = {self.name_of(file): Path(file.abs_src_path) for file in rest if file.abs_src_path}
        texts = {name: path.read_text("utf-8-sig", errors="replace") for name, path in paths.items()}
        return [self.build.reader.read(name, text, meta.get_data(text)[0]) for name, text in texts.items()]

    def leave_out(self, uri: str) -> None:
        """Read a page that MkDocs leaves out of the site: its blocks are wrong, as they would never run."""
        path = Path(self.config.docs_dir, uri)
        text = path.read_text("utf-8-sig", errors="replace")
        self.build.leave_out(uri, self.build.name_of(str(path)), text, meta.get_data(text)[0])

    def run(self, pages: Iterable[Page]) -> None:
        """Run pages in the background, those in the navigation first and in its order.

        Raises: PluginError, if an option names something that does not exist.
        """
        with as_plugin_errors():
            places = {uri: place for place, uri in enumerate(_paths_in(self.config.nav))}
            ranks = {id(page): places.get(uri, len(places)) for uri, page in self.build.pages.items()}
            self.build.run(sorted(pages, key=lambda page: ranks.get(id(page), len(places))))

    def changed(self, file: File, markdown: str) -> Page:
        """Return a page with the changes of other plugins, read again if they have changed or added it."""
        if file.src_uri not in self.build.pages:
            self.read(file)
        return self.build.changed(file.src_uri, markdown)

    def finish(self, page: MkDocsPage, html: str) -> str:
        """Return a rendered page with the stamp under its title, and the failures that could not be shown in place."""
        file = page.file
        read = self.build.pages[file.src_uri]
        read.rendered_as(html)
        report_url = self.link(self.report_file, file) if self.report_file else ""
        link = partial(self._address_on_the_web, seen_from=file)
        made = self.build.downloads_of(file.src_uri, str(page.title), self.config.site_name, link)
        stem = posixpath.join(posixpath.dirname(file.dest_uri), posixpath.splitext(posixpath.basename(file.src_uri))[0])
        self.downloads += [File.generated(self.config, stem + end, content=text) for end, text in made.items()]
        links = [posixpath.relpath(stem + ending, self.folder_of(file)) for ending in made]
        return self.typeset(self.build.finish_page(read, html, report_url, links), read.name)

    def typeset(self, html: str, name: str) -> str:
        """Return a page with its formulas typeset, if the site asks for it; warn of those that MathJax cannot read."""
        if not self.typesetter:
            return html
        with as_plugin_errors():
            html = self.typesetter.typeset(html)
        for tex, error in self.typesetter.errors:
            _log.warning(f"{name}: MathJax cannot read {tex!r}: {error}")
        return html

    def write_mathematics(self) -> None:
        """Write the style sheet of the formulas, and its fonts, when their pages have been typeset."""
        if self.typesetter:
            path, sheet = Path(self.config.site_dir, MATHEMATICS), self.typesetter.style_sheet()
            fonts = path.with_suffix("")
            fonts.mkdir(parents=True, exist_ok=True)
            path.write_text(sheet, "utf-8")
            for name in set(re.findall(r"[\w-]+\.woff2", sheet)):
                shutil.copyfile(self.typesetter.fonts / name, fonts / name)

    def _address_on_the_web(self, target: str, seen_from: File) -> str:
        """Return the address of a relative link on a page; "", if it is not known where the site will be."""
        if not self.config.site_url:
            return ""
        path, mark, anchor = target.partition("#")
        uri = posixpath.normpath(posixpath.join(posixpath.dirname(seen_from.src_uri), path))
        file = self.files.get_file_from_path(uri) if path else seen_from
        return urljoin(self.config.site_url, file.url) + mark + anchor if file else ""

    def entries(self, reports: Sequence[PageReport], seen_from: File) -> list[Entry]:
        """Return the pages that have been run, each with its link from one of them, and what was found on each."""
        by_name = {report.name: report for report in reports}
        found = []
        for uri, page in self.build.pages.items():
            file = self.files.get_file_from_path(uri)
            if file and file.page and page.name in by_name:
                title = escape(in_line(Markup(file.page.title or page.name).striptags()))
                link = self.link(file, seen_from)
                found.append(Entry(by_name[page.name], title, link))
                shown = [by_name[each.name] for each in page.met if each.name in by_name]
                found += [Entry(each, f"<code>{escape(each.name)}</code>", link) for each in shown]
        return found

    def with_users(self, html: str, reports: Sequence[PageReport], file: File) -> tuple[str, set[str]]:
        """Return a page with, below each name of the library, links to the pages that use it; and these names."""
        library = self.build.options.library
        if not any(f'id="{package}.' in html for package in library):
            return html, set()  # most pages explain no name, and need no links to all others
        pages = [entry for entry in self.entries(reports, file) if entry.report.kind == "page"]
        return with_users(html, library, pages, self.name_of(file))


def _paths_in(nav: Any) -> Iterator[str]:
    """Yield the paths in a navigation, in order."""
    if isinstance(nav, str):
        yield nav
    for each in nav.values() if isinstance(nav, dict) else nav if isinstance(nav, list) else ():
        yield from _paths_in(each)
