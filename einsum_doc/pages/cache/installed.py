"""The installed distributions: their versions, and the packages that belong to them."""

from __future__ import annotations

import contextlib
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

from einsum_doc.pages.worker.recorder import PACKAGES


class Installed:
    """The installed distributions; each folder of theirs is read once."""

    @cached_property
    def versions(self) -> Mapping[str, str]:
        """The version of each by its name, from the names of their folders: the files in them take too long to read."""
        return {name: version for _, name, version in _distributions()}

    def owners(self, packages: Iterable[str]) -> dict[str, str]:
        """Return the distributions that these files and folders of site-packages belong to, and their versions."""
        found = set()
        for package in packages:
            name = package.partition(".")[0]
            found |= {_normal(name)} if _normal(name) in self.versions else self._owners.get(name, set())
        return {name: self.versions.get(name, "") for name in sorted(found)}  # the page may have installed one

    @cached_property
    def _owners(self) -> Mapping[str, set[str]]:
        """The distributions that have installed each package or module."""
        owners = defaultdict(set)
        for folder, name, _ in _distributions():
            for package in _packages_of(folder):
                owners[package].add(name)
        return owners


def names_in(folder: str) -> list[str]:
    """Return the names in a folder; none, if it cannot be read."""
    with contextlib.suppress(OSError):
        return os.listdir(folder)
    return []


def modules_in(folder: Path) -> set[str]:
    """Return the names of the modules that can be imported from a folder."""
    found = set()
    for entry in names_in(str(folder)):
        name, _, ending = entry.partition(".")
        if ending.endswith(("py", "pyc", "so")) or (folder / entry / "__init__.py").is_file():
            found.add(name)
    return found


def installed_names() -> set[str]:
    """Return the names of what is in the folders of installed packages and in PYTHONPATH, modules among them."""
    folders = {*PACKAGES, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))}
    return {entry.partition(".")[0] for folder in folders for entry in names_in(folder)}


def copies(root: Path, code: str) -> Iterator[str]:
    """Yield a note on each module that code imports from an installed copy although the project has its source."""
    imports = re.findall(r"^[ \t]*(?:from|import)[ \t]+(\w[\w., \t]*)", code, re.M)
    names = {part.split()[0].partition(".")[0] for each in imports for part in each.split(",") if part.split()}
    for name in sorted(names & installed_names()):
        source = next((folder for folder in (root, root / "src") if name in modules_in(folder)), None)
        spec = find_spec(name) if source else None
        file = os.path.realpath(spec.origin) if spec and spec.origin else ""
        if source and any(file.startswith(folder + os.sep) for folder in PACKAGES):
            where = os.path.relpath(source / name, root)
            yield f"{name} is imported from an installed copy, which may be older than {where} in the project: {file}"


def _distributions() -> Iterator[tuple[Path, str, str]]:
    """Yield the folder of each distribution, and the name and version that it is named by."""
    for packages in PACKAGES:
        for folder in names_in(packages):
            stem, ending = os.path.splitext(folder)
            name, dash, version = stem.rpartition("-")
            if dash and ending == ".dist-info":
                yield Path(packages, folder), _normal(name), version


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name).lower()


def _packages_of(distribution: Path) -> set[str]:
    """Return the packages and modules that a distribution has installed: `importlib.metadata` reads far more."""
    found: set[str] = set()
    with contextlib.suppress(OSError):
        found = set((distribution / "top_level.txt").read_text("utf-8", "replace").split())
    if not found:
        with contextlib.suppress(OSError):
            lines = (distribution / "RECORD").read_text("utf-8", "replace").splitlines()
            found = {re.split(r"[/.,]", line, maxsplit=1)[0] for line in lines}
    return found
