"""The options of the builder, as mkdocs.yml has them under `einsum-doc`, and where its site is."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Self

from einsum_doc.pages.record.block import Block

NO_CACHE = "EINSUM_DOC_NO_CACHE"
"""The environment variable with which a build runs every page, and keeps nothing."""
REQUIRE_GPU = "EINSUM_DOC_REQUIRE_GPU"
"""The environment variable with which a build fails if a block needs a GPU that is not there."""
EXPLAIN = "EINSUM_DOC_EXPLAIN"
"""The environment variable with which a build says for each page why it ran, or did not."""

LIMITS = ("timeout", "memory", "output_limit")
"""The options that a block may have for itself."""
COMPATIBLE = {"stamp": False, "report": ""}
"""The defaults that `compatible` changes: those by which a site shows more than under markdown-exec alone."""


class OptionError(ValueError):
    """An option, or a variable of the environment, that the builder cannot follow."""


def is_set(variable: str) -> bool:
    """Return whether a variable of the environment is there and not empty."""
    return bool(os.environ.get(variable))


@dataclass(frozen=True)
class Options:
    """The options of the builder. Files and folders are relative to the folder of mkdocs.yml."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """The device that blocks run on: `auto` is the GPU when there is one. `cuda` fails where there is none.

    On a GPU, it is torch's default device, so that a block need not name it."""

    timeout: float = field(default=60, metadata={"above_zero": True})
    """The time limit of a block, in seconds of wall-clock time."""

    memory: float = 0
    """The memory limit of a page's process, in GiB; 0 for three quarters of the machine's."""

    output_limit: float = field(default=64, metadata={"above_zero": True})
    """The limit of a block's standard output, of its standard error, and of its values and figures, in MiB each."""

    allow_empty: bool = False
    """True if a build that executed nothing may succeed: for a site without blocks."""

    docstrings: bool = True
    """True if blocks in docstrings and in the output of other blocks run; else they are left to markdown-exec."""

    stamp: bool = True
    """True if a page on which everything held has a stamp under its title; a page with a failure always has one."""

    bars: bool = False
    """True if a block that held has a bar below it; one that failed, or was skipped, always has one."""

    values: bool = False
    """True if the value of a block's last expression is shown, and `display` shows values as in a notebook."""

    figures: bool = False
    """True if the matplotlib figures that a block leaves open, and has not saved, are drawn below it."""

    stderr: bool = False
    """True if the standard error of a block that held is shown; that of one that failed always is."""

    typeset: str = ""
    """The font in which MathJax typesets formulas at build, such as `stix2`; `""` leaves them to a script of the site.

    The packages `mathjax` and `@mathjax/mathjax-stix2-font` must be in `node_modules`, beside mkdocs.yml."""

    compatible: bool = False
    """True if a site looks as under markdown-exec alone, and blocks without a `session` share no names.

    It turns `stamp` and `report` off, unless mkdocs.yml sets them."""

    preload: Sequence[str] = field(default_factory=list)
    """Modules that are imported once, before the first page runs, instead of by each page that needs them.

    torch need not be named: it is imported once if a page mentions it."""

    jobs: int = 0
    """The number of pages that may run at a time; 0 for one on each core or, if blocks run on GPUs, on each GPU."""

    executor: str = ""
    """The address of a Dask cluster on which pages run instead of on this machine, such as `dask://127.0.0.1:8786`."""

    cache: str = ".cache/einsum-doc"
    """The folder in which results are kept; `""` to keep none."""

    cache_size: float = 256
    """The size limit of that folder, in MiB; the results that were used longest ago are deleted first."""

    explain: bool = False
    """True if a build says for each page why it ran, or did not."""

    processes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The files of the project that the processes of a page may read, as patterns: `page: [files and folders]`.

    Pages are named by their paths in docs_dir. A page that is not named runs again when any file of the project has
    changed."""

    environment: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """With `ignore`, patterns of environment variables that mean nothing to a page that reads all of them."""

    require_gpu: bool = False
    """True if a build fails when a block needs a GPU that is not there."""

    fence_options: Sequence[str] = field(default_factory=list)
    """The names of options that other tools have on fences, which may look like the builder's or stand on blocks."""

    downloads: Sequence[str] = field(default_factory=list)
    """Pages that can be downloaded as a program and as a notebook: patterns such as `posts/*.md`, in docs_dir."""

    assets: Mapping[str, str] = field(default_factory=dict)
    """Files of installed packages to copy into the site: `path in the site: file or folder`."""

    report: str = "report.md"
    """The page, among those in `docs`, with the report of the build; `""` for none.

    If there is a page of that name, the report stands at its end."""

    junit: str = ""
    """A file for the results as JUnit XML; written by a failing build too."""

    json: str = ""
    """The same as JSON."""

    library: Sequence[str] = field(default_factory=list)
    """The packages that the pages are about: the report lists the public names of them that each page uses."""

    def __post_init__(self) -> None:
        """Raise OptionError for an unknown key of an option that has keys."""
        for key in self.environment.keys() - {"ignore"}:
            raise OptionError(f"environment: unknown key {key!r}; the only one is 'ignore'")

    def of(self, block: Block) -> Self:
        """Return these options with the limits that a block has of its own."""
        limits: dict[str, Any] = {name: float(block.options[name]) for name in LIMITS if name in block.options}
        return replace(self, **limits)

    @property
    def output_bytes(self) -> float:
        """The limit of output, in bytes."""
        return self.output_limit * 2**20

    @property
    def ignored_variables(self) -> Sequence[str]:
        """Patterns of environment variables that mean nothing to a page that reads all of them."""
        return self.environment.get("ignore", ())


@dataclass(frozen=True)
class Project:
    """The location of a site."""

    config_file: Path
    """mkdocs.yml, or the file in its place; links are not followed, so that files keep the names that authors use."""
    site_dir: Path
    """The folder that the built site is written to."""
    docs_dir: Path
    """The folder of the pages."""

    @property
    def root(self) -> Path:
        """The folder of mkdocs.yml: the working directory of blocks, and last on their import path."""
        return self.config_file.parent
