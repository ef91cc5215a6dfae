"""The configuration of Zensical -> that of MkDocs, and the options of the builder."""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import markdown_exec
import yaml
from mkdocs.config.base import Config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.utils.yaml import get_yaml_loader, yaml_load

from einsum_doc.pages.fronts.config import EinsumDocConfig


def mkdocs_config(settings: dict[str, Any], extension: str) -> MkDocsConfig:
    """Return the configuration of MkDocs that agrees with Zensical's about the site and its Markdown.

    extension: the name of our own Markdown extension, which the reader of pages must not meet.
    """
    config = MkDocsConfig(config_file_path=str(_config_file(Path(settings["root_dir"]))))
    same = ("site_name", "site_url", "docs_dir", "site_dir", "use_directory_urls", "exclude_docs", "draft_docs")
    _load(config, {name: settings[name] for name in same} | {"plugins": []})
    others = [each for each in settings["markdown_extensions"] if not str(each).startswith(extension)]
    config.markdown_extensions, config.mdx_configs = others, settings["mdx_configs"]
    config.plugins.on_startup(command="build", dirty=False)  # MkDocs can make files when an event is over
    return config


def builder_options(file: Path) -> EinsumDocConfig:
    """Return the options that a file has for einsum-doc under `plugins`, which Zensical does not pass on."""
    loader: Any = get_yaml_loader(yaml.SafeLoader)
    loader.add_multi_constructor("", lambda *_: None)  # other tags than !ENV name objects
    with file.open(encoding="utf-8-sig") as text:
        facts = tomllib.loads(text.read()) if file.suffix == ".toml" else yaml_load(text, loader)
    plugins = facts.get("project", facts).get("plugins") or {}
    if isinstance(plugins, list):
        named = [{each: {}} if isinstance(each, str) else each for each in plugins]
        plugins = {name: options for each in named for name, options in each.items()}
    options = EinsumDocConfig()
    _load(options, plugins.get("einsum-doc") or {})
    return options


def languages(settings: dict[str, Any]) -> Sequence[str] | None:
    """Return the languages that Zensical has configured markdown-exec for; None, if it is not among the plugins."""
    if "markdown-exec" not in settings["plugins"]:
        return None
    given = settings["plugins"]["markdown-exec"]["config"].get("languages")
    return [*markdown_exec.formatters] if given is None else given


def _load(config: Config, values: dict[str, Any]) -> None:
    """Fill in and validate a configuration.

    Raises: PluginError, for a wrong value.
    """
    config.load_dict(values)
    errors, _ = config.validate()
    if errors:
        raise PluginError("einsum-doc: " + "; ".join(f"{name}: {error}" for name, error in errors))


def _config_file(root: Path) -> Path:
    """Return the file that Zensical has read: it tells extensions its folder alone, so the command line is read too."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("-f", "--config-file")
    given = parser.parse_known_args(sys.argv[1:])[0].config_file
    names = [given] if given else ["zensical.toml", "mkdocs.yml", "mkdocs.yaml"]
    return next((path for path in (root / Path(name).name for name in names) if path.is_file()), root / "mkdocs.yml")
