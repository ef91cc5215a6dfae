"""A Markdown extension with which Zensical runs a site's blocks, and fails when one does.

Zensical runs no plugins. It renders page after page with Python-Markdown, and asks this extension for each
of them, so here is the first half of a build by MkDocs, with the same plugin: all pages are read and run
before the first is rendered, and the verdict is given then. While a page is rendered, superfences hands its
blocks to the plugin as it does under MkDocs.
"""

from __future__ import annotations

import argparse
import atexit
import logging
import secrets
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element

import yaml
from markdown import Markdown
from markdown.extensions import Extension
from markdown.postprocessors import Postprocessor
from markdown.preprocessors import Preprocessor
from markdown.treeprocessors import Treeprocessor
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, get_files
from mkdocs.structure.pages import Page
from pymdownx.superfences import SuperFencesException
from yaml_env_tag import construct_env_tag

from einsum_doc.pages.fronts.mkdocs import EinsumDocPlugin
from einsum_doc.pages.reading.scan import HyphenatedOptions
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
        build.fences(md)
        md.preprocessors.register(_Begin(md, build), NAME, _FIRST)
        md.treeprocessors.register(_Ready(md, build), NAME, _LAST)


makeExtension = EinsumDocExtension  # noqa: N816  # what Python-Markdown looks for
_FIRST, _LAST = 1000, -1000


class _Elsewhere(Preprocessor):  # type: ignore[misc]
    """Sees to it that somebody runs the blocks, where it is not Zensical that renders a page."""

    def run(self, lines: list[str]) -> list[str]:
        if "einsum_doc_options" not in self.md.preprocessors:  # which the plugin adds
            raise PluginError(
                f"{NAME} runs blocks under Zensical alone, and the plugin einsum-doc, which runs them under "
                "MkDocs and ProperDocs, is not in use. Add the line\n\n  - einsum-doc\n\nunder `plugins:`."
            )
        return lines


class _Begin(Preprocessor):  # type: ignore[misc]
    def __init__(self, md: Markdown, build: _Build) -> None:
        super().__init__(md)
        self.build = build

    def run(self, lines: list[str]) -> list[str]:
        page = self.md.preprocessors["rendering_context"].page
        return self.build.begin(page.path, page.meta, "\n".join(line.rstrip("\r") for line in lines))


class _Ready(Treeprocessor):  # type: ignore[misc]
    """Adds the one below when the page's tree is ready: the table of contents has all of them run over each heading."""

    def __init__(self, md: Markdown, build: _Build) -> None:
        super().__init__(md)
        self.build = build

    def run(self, root: Element) -> None:
        self.md.postprocessors.register(_End(self.md, self.build), NAME, _LAST)


class _End(Postprocessor):  # type: ignore[misc]
    def __init__(self, md: Markdown, build: _Build) -> None:
        super().__init__(md)
        self.build = build

    def run(self, text: str) -> str:
        return self.build.end(text)


_builds: list[_Build] = []
"""The build that goes on, if any. Under `serve`, each change of the configuration begins another."""


def _build_of(site: dict[str, Any], cache: object) -> _Build:
    """The build of a site; Zensical has one configuration for each."""
    if not _builds or _builds[0].site is not site:
        fences = site["mdx_configs"].get("pymdownx.superfences", {}).get("custom_fences", [])
        if never not in [cache, *(fence.get("format") for fence in fences)]:
            raise PluginError(
                f"{NAME} needs to render every page, and Zensical would keep some from an earlier build. "
                f"Write\n\n  - {NAME}:\n      cache: !!python/name:{NAME}.never\n\nunder `markdown_extensions:`."
            )
        _hear()
        _builds[:] = [_Build(site, _builds[0].plugin.pool if _builds else None)]
    return _builds[0]


class _Build:
    """One build of a site by Zensical: the plugin's, with a stand-in for the configuration of MkDocs."""

    def __init__(self, site: dict[str, Any], pool: Pool | None) -> None:
        self.site = site
        self.serving = sys.argv[1:2] == ["serve"]
        self.config = _mkdocs_config(site)
        self.plugin: EinsumDocPlugin = self.config.plugins["einsum-doc"]  # type: ignore[assignment]
        self.plugin.pool = pool
        self.plugin.links_from_source = True  # in HTML too, Zensical changes them to start at the page's address
        self.told: set[Failure] = set()
        """The failures that have been listed."""
        self.wrong = ""
        """With which words the build is to fail."""
        self.read_again = False
        """Whether the page that is being rendered has been edited since the site was read."""
        plugins = self.config.plugins
        plugins.on_startup(command="serve" if self.serving else "build", dirty=False)
        plugins.on_config(self.config)
        plugins.on_pre_build(config=self.config)
        files = get_files(self.config)
        if files.get_file_from_path(self.plugin.config.report) is None:
            self.plugin.config.report = ""  # a page that Zensical would not know of
        self.files = plugins.on_files(files, config=self.config)
        self.pages: list[PageReport] = []
        """What has been found, page by page."""
        for uri in self.plugin.left_out:  # by MkDocs: what Zensical leaves out it never asks for
            self.plugin.runs.pop(uri, None)
        self._judge()
        for file in self.files:
            if file.generated_by and not self.wrong:
                file.copy_file()
            elif file.src_uri in self.plugin.runs:
                Page(None, file, self.config).read_source(self.config)  # for its title

    def _judge(self) -> None:
        """Wait for all pages that have been read, and give the verdict on them before any is rendered."""
        pages = []
        for run in self.plugin.runs.values():
            self.plugin.wait_for(run)
            pages.append(replace(run, complete=True, rendered={block.number for block in run.blocks}).report())
        self.pages = pages
        self.told = {failure for page in pages for failure in page.failures}
        try:
            self.plugin.judge(pages, self.config)
        except PluginError as error:
            self.wrong = str(error)

    def fences(self, md: Markdown) -> None:
        """Give the plugin's fences to superfences, which may have been set up before the plugin was."""
        HyphenatedOptions().extendMarkdown(md)
        if "fenced_code_block" in md.preprocessors:
            md.registerExtensions(["pymdownx.superfences"], self.config.mdx_configs)

    def begin(self, path: str, meta: dict[str, Any], markdown: str) -> list[str]:
        """Note which page is being rendered; fail, if there is a failure on any."""
        if self.wrong:
            raise PluginError(self.wrong)
        file = self.files.get_file_from_path(path) or self._file(path)
        run = self.plugin.runs.get(path)
        self.read_again = self.serving and run is not None and run.text != file.content_string
        if self.read_again:
            del self.plugin.runs[path]
            self.plugin.cache = None  # which knows the project's files as they were
        elif run is not None:
            run.rendered, run.seen = set(), set()  # a page may be rendered more than once
            if run.markdown.strip() == markdown.strip():
                markdown = run.markdown
        self.page = Page(None, file, self.config)
        self.page.markdown, self.page.meta = markdown, meta
        events = self.config.plugins
        return events.on_page_markdown(markdown, page=self.page, config=self.config, files=self.files).split("\n")

    def end(self, html: str) -> str:
        """Add what belongs under the title; fail for what has not reached the page."""
        run = self.plugin.run
        html = self.config.plugins.on_page_content(html, page=self.page, config=self.config, files=self.files)
        if run is not None:  # which may have been edited since the site was read
            found = run.report()
            self.pages = [found if page.name == found.name else page for page in self.pages]
        html, _ = self.plugin.with_users(html, self.page.file, self.pages, self.files)
        if self.page.file is self.plugin.report_file:
            entries = self.plugin.entries(self.pages, self.page.file, self.files)
            html += self.plugin.report_on(entries, {})
        for uri, text in self.plugin.downloads.items():
            File.generated(self.config, uri, content=text).copy_file()
        self.plugin.downloads.clear()
        if run is not None:
            page = run.report()
            if (self.read_again and page.blocks) or self.plugin.lost or not self.told.issuperset(page.failures):
                self.plugin.judge([page], self.config, all_pages=False)
        return html

    def _file(self, path: str) -> File:
        """A page that MkDocs would have left out, such as a README.md beside an index.md."""
        config = self.config
        return File(path, config.docs_dir, config.site_dir, config.use_directory_urls)


def _mkdocs_config(site: dict[str, Any]) -> MkDocsConfig:
    """What MkDocs would make of Zensical's configuration, as far as the plugin has to know."""
    file = _config_file(Path(site["root_dir"]))
    plugins = [{"einsum-doc": _options(file)}]
    if "markdown-exec" in site["plugins"]:
        plugins.insert(0, {"markdown-exec": site["plugins"]["markdown-exec"]["config"]})
    config = MkDocsConfig(config_file_path=str(file))
    same = ("site_name", "site_url", "docs_dir", "site_dir", "use_directory_urls", "exclude_docs", "draft_docs")
    config.load_dict({name: site[name] for name in same} | {"plugins": plugins})
    errors, _ = config.validate()
    if errors:
        raise PluginError("einsum-doc: " + "; ".join(f"{name}: {error}" for name, error in errors))
    # The plugin changes how Markdown is read. It must not meet this extension when it reads a page itself.
    config.markdown_extensions = [each for each in site["markdown_extensions"] if not str(each).startswith(NAME)]
    config.mdx_configs = site["mdx_configs"]
    return config


def _config_file(root: Path) -> Path:
    """The file that Zensical has read. It tells extensions only the folder, so its command line is read as it does."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("-f", "--config-file")
    given = parser.parse_known_args(sys.argv[1:])[0].config_file
    names = [given] if given else ["zensical.toml", "mkdocs.yml", "mkdocs.yaml"]
    return next((path for path in (root / Path(name).name for name in names) if path.is_file()), root / "mkdocs.yml")


def _options(file: Path) -> dict[str, Any]:
    """What the file says of einsum-doc under `plugins`, or the one that it inherits from: Zensical does not tell."""
    text = file.read_text("utf-8-sig")
    facts = tomllib.loads(text) if file.suffix == ".toml" else yaml.load(text, _Loader)
    facts = facts.get("project", facts)
    plugins = facts.get("plugins") or {}
    if isinstance(plugins, list):
        named = [{each: {}} if isinstance(each, str) else each for each in plugins]
        plugins = {name: options for each in named for name, options in each.items()}
    if "einsum-doc" not in plugins and "INHERIT" in facts:
        return _options(file.parent / facts["INHERIT"])
    return plugins.get("einsum-doc") or {}


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """Reads options: environment variables are put in, and other tags, which name objects of others, are let alone."""


_Loader.add_constructor("!ENV", construct_env_tag)
_Loader.add_multi_constructor("", lambda loader, suffix, node: None)


def _hear() -> None:
    """Have what the plugin says shown: it says it to the log of MkDocs, which nobody listens to."""
    log = logging.getLogger("mkdocs.plugins.einsum_doc")
    if not log.handlers:
        log.addHandler(logging.StreamHandler())
        log.setLevel(logging.INFO)
        atexit.register(_close)


def _close() -> None:
    """End every process that was started."""
    for build in _builds:
        build.plugin.on_shutdown()
