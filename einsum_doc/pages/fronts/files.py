"""The files that the build adds to a site of MkDocs: assets of packages, and the report page."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urljoin

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page as MkDocsPage
from mkdocs.structure.toc import AnchorLink

from einsum_doc.pages.build.build import Build
from einsum_doc.pages.html.report_page import Entry, contents, report_html


def add_assets(assets: Mapping[str, str], root: Path, files: Files, config: MkDocsConfig) -> None:
    """Add files of installed packages to the site.

    Raises: PluginError, if one is not there.
    """
    for destination, written in assets.items():
        source = root / written
        if not source.exists():
            raise PluginError(
                f"einsum-doc: assets: {written} does not exist. "
                "If it comes from a package, that has still to be installed: with `npm ci`, if it is in node_modules."
            )
        for path in sorted(source.rglob("*")) if source.is_dir() else [source]:
            if path.is_file():
                uri = destination if path == source else f"{destination}/{path.relative_to(source).as_posix()}"
                files.append(File.generated(config, uri, abs_src_path=str(path)))


def add_report(name: str, files: Files, config: MkDocsConfig) -> File | None:
    """Return the page that is to hold the report: the author's, if there is one at its path, or a new one.

    Raises: PluginError, if a file of this name is no page.
    """
    if not name:
        return None
    text = "---\nsearch:\n  exclude: true\n---\n\n# Report\n"
    new = File.generated(config, name, content=text, inclusion=InclusionLevel.NOT_IN_NAV)
    if not new.is_documentation_page():
        raise PluginError(f"einsum-doc: report: {name} is no page; one is called report.md, say")
    for file in files.documentation_pages(inclusion=lambda _: True):
        if file.dest_uri == new.dest_uri:
            return file if file.inclusion.is_included() else None
    files.append(new)
    return new


def fill_report(file: File, entries: Sequence[Entry], build: Build, addresses: Mapping[str, str]) -> str:
    """Add the parts of the report to the contents of its page; return its HTML.

    addresses: those at which names of the library are explained.
    """
    library, page = build.options.library, file.page
    if page is None or page.content is None:
        return ""
    parts = list(contents(entries, library))
    page.present_anchor_ids = (page.present_anchor_ids or set()) | {anchor for _, anchor in parts}
    top = page.toc.items
    top = top[0].children if top and top[0].level == 1 else top
    top += [AnchorLink(title, anchor, 2) for title, anchor in parts]
    return report_html(entries, build.commit, library, addresses)


def address_on_the_web(target: str, page: MkDocsPage, config: MkDocsConfig, files: Files) -> str:
    """Return the address of a relative link on a page; "", if it is not known where the site will be."""
    if not config.site_url:
        return ""
    path, mark, anchor = target.partition("#")
    uri = posixpath.normpath(posixpath.join(posixpath.dirname(page.file.src_uri), path))
    file = files.get_file_from_path(uri) if path else page.file
    return urljoin(config.site_url, file.url) + mark + anchor if file else ""
