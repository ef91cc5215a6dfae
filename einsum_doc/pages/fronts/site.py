"""mkdocs.yml -> the pages of a site, read as a build reads them, for those who do not build it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mkdocs.config import load_config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import ConfigurationError
from mkdocs.structure.files import File, Files, get_files
from mkdocs.structure.pages import Page

from einsum_doc.pages.build.page import Run
from einsum_doc.pages.fronts.mkdocs import EinsumDocPlugin
from einsum_doc.pages.verdict.report import PageReport

if TYPE_CHECKING:
    from einsum_doc.pages.engine.pool import Pool


@dataclass(frozen=True)
class Site:
    """A site whose pages have been read."""

    config: MkDocsConfig
    plugin: EinsumDocPlugin
    runs: Mapping[str, Run]
    """Its pages, by their files, relative to the folder of mkdocs.yml."""

    def start(self, names: list[str]) -> None:
        """Have pages run that have only been read."""
        self.plugin.waits = False
        self.plugin.start([self.runs[name] for name in names if not self.runs[name].is_started], self.config)

    def report(self, name: str) -> PageReport:
        """What became of a page, waited for."""
        run = self.runs[name]
        self.plugin.wait_for(run)
        run.complete, run.rendered = True, {block.number for block in run.blocks}
        return run.report()

    def close(self) -> None:
        """End every process that was started."""
        self.plugin.on_shutdown()


def load(
    config_file: str | None,
    choose: Callable[[str, File], bool] = lambda name, file: True,
    *,
    options: Mapping[str, Any] | None = None,
    pool: Pool | None = None,
    waits: bool = False,
) -> Site:
    """Read the chosen pages of a site: the first half of what `mkdocs build` does, with the same plugins.

    `choose` is asked about each page: its file relative to the folder of mkdocs.yml, and what
    MkDocs knows of it. `options` take the place of those in mkdocs.yml; a `pool` is one whose
    processes can be used again. With `waits`, nothing runs yet.

    Raises: ConfigurationError, if mkdocs.yml is not there, is wrong, or does not have the plugin.
    """
    config = load_config(config_file)
    plugin = config.plugins.get("einsum-doc")
    if not isinstance(plugin, EinsumDocPlugin):
        raise ConfigurationError(f"einsum-doc is not among the plugins in {config.config_file_path}")
    plugin.config.update(options or {})
    plugin.pool, plugin.waits = pool, waits
    config.plugins.on_startup(command="build", dirty=False)
    config = config.plugins.on_config(config)
    root = Path(config.config_file_path).parent
    chosen = {}
    others = []
    for file in get_files(config):
        if not file.is_documentation_page() or not file.abs_src_path:
            others.append(file)
            continue
        name = Path(os.path.relpath(file.abs_src_path, root)).as_posix()
        if choose(name, file):
            chosen[name] = file
    files = config.plugins.on_files(Files([*chosen.values(), *others]), config=config)
    for file in chosen.values():
        page = config.plugins.on_pre_page(Page(None, file, config), config=config, files=files)
        page.read_source(config)
        config.plugins.on_page_markdown(page.markdown or "", page=page, config=config, files=files)
    runs = {name: plugin.runs[file.src_uri] for name, file in chosen.items() if file.src_uri in plugin.runs}
    return Site(config, plugin, runs)
