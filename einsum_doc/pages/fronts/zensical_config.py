"""The configuration of Zensical -> that of MkDocs, which the plugin reads."""

from __future__ import annotations

import argparse
import sys
import tomllib
from pathlib import Path
from typing import Any

import yaml
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from yaml_env_tag import construct_env_tag


def mkdocs_config(site: dict[str, Any], extension: str) -> MkDocsConfig:
    """Return what MkDocs would make of Zensical's configuration, as far as the plugin has to know.

    extension: the name of our own Markdown extension, which the reader of pages must not meet.
    """
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
    config.markdown_extensions = [each for each in site["markdown_extensions"] if not str(each).startswith(extension)]
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
