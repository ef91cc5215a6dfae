"""The installed distributions: their versions, and the packages that belong to them."""

from __future__ import annotations

import contextlib
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
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
