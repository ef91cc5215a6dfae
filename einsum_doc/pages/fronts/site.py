"""mkdocs.yml -> the pages of a site, read as a build reads them, for the fronts that do not render it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mkdocs.config import load_config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import ConfigurationError
from mkdocs.structure.files import File, Files, get_files
from mkdocs.structure.pages import Page as MkDocsPage

from einsum_doc.pages.build.build import Build
from einsum_doc.pages.build.page import Page
from einsum_doc.pages.fronts.mkdocs import EinsumDocPlugin

if TYPE_CHECKING:
    from einsum_doc.pages.engine.pool import Pool


@dataclass(frozen=True)
class Site:
    """A site whose pages have been read."""

    config: MkDocsConfig
    build: Build
    pages: Mapping[str, Page]
    """Its pages, by their files, relative to the folder of mkdocs.yml."""


def load(
    config_file: str | None,
    choose: Callable[[str, File], bool] = lambda name, file: True,
    *,
    options: Mapping[str, Any] | None = None,
    pool: Pool | None = None,
    only_reads: bool = False,
) -> Site:
    """Read the chosen pages of a site: the first half of what `mkdocs build` does, with the same plugins.

    choose: asked about each page, its file relative to the folder of mkdocs.yml, and what MkDocs knows of it.
    options: take the place of those in mkdocs.yml. pool: one whose processes can be used again.
    only_reads: nothing runs yet.

    Raises: ConfigurationError, if mkdocs.yml is not there, is wrong, or does not have the plugin.
    """
    config = load_config(config_file)
    plugin = config.plugins.get("einsum-doc")
    if not isinstance(plugin, EinsumDocPlugin):
        raise ConfigurationError(f"einsum-doc is not among the plugins in {config.config_file_path}")
    plugin.config.update(options or {})
    plugin.pool, plugin.only_reads = pool, only_reads
    config.plugins.on_startup(command="build", dirty=False)
    config = config.plugins.on_config(config)
    chosen, others = {}, []
    for file in get_files(config):
        name = plugin.build.name_of(file.abs_src_path) if file.abs_src_path else ""
        if not file.is_documentation_page() or not name:
            others.append(file)
        elif choose(name, file):
            chosen[name] = file
    files = config.plugins.on_files(Files([*chosen.values(), *others]), config=config)
    for file in chosen.values():
        page = config.plugins.on_pre_page(MkDocsPage(None, file, config), config=config, files=files)
        page.read_source(config)
        config.plugins.on_page_markdown(page.markdown or "", page=page, config=config, files=files)
    read = plugin.build.pages
    pages = {name: read[file.src_uri] for name, file in chosen.items() if file.src_uri in read}
    return Site(config, plugin.build, pages)
