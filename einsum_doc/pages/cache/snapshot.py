"""The state of files, links, folders, packages and variables now, as digests to be compared with later ones."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import platform
import re
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any

from einsum_doc.pages.cache.installed import Installed, names_in
from einsum_doc.pages.record.messages import Dependencies

Evidence = dict[str, Any] | str
"""The state of a page's dependencies, as digests and versions; or, in words, why it is not known."""


class Snapshot:
    """The state of the dependencies of pages now; each is read once."""

    def __init__(self, root: Path, ignored: Sequence[Path]) -> None:
        self.root = root
        self.ignored = set(map(str, ignored))
        self._installed = Installed()
        # As they were when they were first read; `evidence` reads them anew, since pages run meanwhile.
        self._file_once, self._listing_once = cache(_digest_of_file), cache(self._listing)
        self._modules_once = cache(_modules_in)
        self._sources_once = cache(lambda reads: self._digest_of_all(self.sources(reads)))

    def evidence(self, used: Dependencies, written: list[str], since: float, reads: Sequence[str]) -> Evidence:
        """Return the state of a page's dependencies.

        written: the locations that its output names. since: when it began to run. reads: the patterns of the files
        that its processes may have read, if not all.
        """
        files = {self._short(path): _digest_of_file(path) for path in used.files}
        sources = list(self.sources(reads)) if used.processes else []
        for path in {*used.files, *sources} - {*used.written}:
            with contextlib.suppress(OSError):
                if os.stat(path).st_mtime >= since:
                    # The page may have read the text before the change, or the one after it.
                    return f"{self._short(path)} was changed while it ran"
        return {
            "files": files,
            "asked": {self._short(path): _kind_of(path) for path in used.asked},
            "links": {self._short(path): _target_of(path) for path in used.links},
            "folders": {self._short(path): self._listing(path) for path in used.folders},
            "names": [*used.names],
            "modules": sorted(_modules_in(self.root) & set(used.names)),
            "unloaded": {name: _is_installed(name) for name in used.unloaded},
            "variables": {name: _variable(name) for name in used.variables},
            "packages": self._installed.owners(used.packages),
            "project": self._digest_of_all(sources) if used.processes else "",
            "environment": _environment(self.root) if used.processes or used.environment else "",
            "written": written,
        }

    def change(self, evidence: Mapping[str, Any], written: list[str], reads: Sequence[str]) -> str:
        """Return the first difference between the state of a page's dependencies then and now, in words."""
        return next(self._changes(evidence, written, reads), "")

    def _changes(self, evidence: Mapping[str, Any], written: list[str], reads: Sequence[str]) -> Iterator[str]:
        yield from self._changed_paths(evidence)
        shadows = sorted(self._modules_once(self.root) & set(evidence["names"]))
        if shadows != evidence["modules"]:
            yield "the project has other modules: " + ", ".join(sorted({*shadows} ^ {*evidence["modules"]}))
        for name, was_there in evidence["unloaded"].items():
            if _is_installed(name) != was_there:
                yield f"{name} is {'not ' if was_there else ''}installed now"
        for name, value in evidence["variables"].items():
            if _variable(name) != value:
                yield f"the variable {name} has changed"
        for name, version in evidence["packages"].items():
            here = self._installed.versions.get(name, "")
            if here != version:
                yield f"{name} is {here or 'not installed'}, and was {version}"
        if evidence["project"] and self._sources_once(tuple(reads)) != evidence["project"]:
            which = "that they may read" if reads else "of the project"
            yield f"it starts processes, and a file {which} has changed"
        if evidence["environment"] and _environment(self.root) != evidence["environment"]:
            reason = "it starts processes, and their environment" if evidence["project"] else "the environment"
            yield f"{reason} has changed"
        if written != evidence["written"]:
            yield "its lines have moved, and what it wrote names them"

    def _changed_paths(self, evidence: Mapping[str, Any]) -> Iterator[str]:
        for name, target in evidence["links"].items():
            now = _target_of(os.path.join(self.root, name))
            if now != target:
                yield f"{name} is a link to {now} now" if now else f"{name} is no link any more"
        for name, content in evidence["files"].items():
            now = self._file_once(os.path.join(self.root, name))
            if now != content:
                yield f"{name} " + _change_in_words(content, now)
        for name, kind in evidence["asked"].items():
            now = _kind_of(os.path.join(self.root, name))
            if now != kind:
                yield f"{name} " + _change_in_words(kind, now)
        for name, listing in evidence["folders"].items():
            if self._listing_once(str(self.root / name)) != listing:  # the root itself is a dot
                yield f"what is in {name} has changed"

    def _short(self, path: str) -> str:
        return os.path.relpath(path, self.root) if Path(path).is_relative_to(self.root) else path

    def _listing(self, path: str) -> str:
        """Return the digest of the names in a folder, without those of tools and of the built site."""
        names: list[str] = []
        with contextlib.suppress(OSError):
            names = sorted(name for name in os.listdir(path) if self._is_source(path, name))
        return digest_of(*names)

    def sources(self, reads: Sequence[str] = ()) -> Iterator[str]:
        """Yield the files of the project, which is the repository if it is in one, but for installed and built ones.

        reads: only those that one of these patterns names, or that are in a folder that one names.
        """
        project = next((folder for folder in (self.root, *self.root.parents) if (folder / ".git").exists()), self.root)
        for folder, inner, files in os.walk(project):
            inner[:] = sorted(name for name in inner if self._is_source(folder, name))
            paths = (os.path.join(folder, name) for name in sorted(files))
            yield from (path for path in paths if path not in self.ignored and self._is_read(path, reads))

    def _is_read(self, path: str, reads: Sequence[str]) -> bool:
        name = Path(os.path.relpath(path, self.root)).as_posix() if reads else ""
        return not reads or any(fnmatch(name, each) or fnmatch(name, f"{each}/*") for each in reads)

    def _digest_of_all(self, paths: Iterable[str]) -> str:
        return digest_of(*(f"{self._short(path)} {_digest_of_file(path)}" for path in paths))

    def _is_source(self, folder: str, name: str) -> bool:
        path = os.path.join(folder, name)
        if name in (".git", ".cache", "node_modules", "__pycache__") or path in self.ignored:
            return False
        # Virtual environments and the caches of tools have these marks.
        return not any(os.path.exists(os.path.join(path, mark)) for mark in ("pyvenv.cfg", "CACHEDIR.TAG"))


def _change_in_words(before: str, now: str) -> str:
    return "is gone" if not now else "has changed" if before else "is there now"


def digest_of(*texts: str) -> str:
    return hashlib.blake2b("\0".join(texts).encode("utf-8", "surrogatepass"), digest_size=20).hexdigest()


def _target_of(link: str) -> str:
    """Return the target of a symbolic link; empty if it is none."""
    with contextlib.suppress(OSError):
        return os.readlink(link)
    return ""


def _digest_of_file(path: str) -> str:
    """Return the digest of a file's content; empty for a folder or a file that is not there."""
    with contextlib.suppress(OSError), open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=20)).hexdigest()
    return ""


def _kind_of(path: str) -> str:
    """Return whether a path is a file, with its size, or a folder; empty if nothing is there."""
    with contextlib.suppress(OSError):
        found = os.stat(path)
        return f"file of {found.st_size} bytes" if stat.S_ISREG(found.st_mode) else "folder"
    return ""


def _is_installed(name: str) -> bool:
    """Return whether a module can be found."""
    with contextlib.suppress(ValueError, ImportError):
        return importlib.util.find_spec(name) is not None
    return False


def _variable(name: str) -> str:
    """Return the digest of a variable, whose value may be a secret."""
    return digest_of(os.environ[name]) if name in os.environ else ""


def python_variables() -> dict[str, str]:
    """Return the variables that Python itself reads when it starts."""
    return {name: value for name, value in sorted(os.environ.items()) if name.startswith("PYTHON")}


def _environment(root: Path) -> str:
    """Return the digest of all variables, but for those that differ from terminal to terminal."""
    own = re.compile(r"_|PWD|OLDPWD|SHLVL|COLUMNS|LINES|DISPLAY|(TERM|WINDOW|TMUX|SSH_|XDG_SESSION).*")
    given = (f"{name}={value}" for name, value in sorted(os.environ.items()) if not own.fullmatch(name))
    return digest_of(*(each.replace(str(root), ".") for each in given))


def _modules_in(folder: Path) -> set[str]:
    """Return the names of the modules that can be imported from a folder."""
    found = set()
    for entry in names_in(str(folder)):
        name, _, ending = entry.partition(".")
        if ending.endswith(("py", "pyc", "so")) or (folder / entry / "__init__.py").is_file():
            found.add(name)
    return found


def builder_digest(folder: Path) -> str:
    """Return the digest of every source of the builder, which is in `folder` and the folders in it."""
    return digest_of(*(_digest_of_file(str(path)) for path in sorted(folder.rglob("*.py"))))


MACHINE = {
    # Computed when it is loaded: a server that still runs the old text must not sign with the new one.
    "builder": builder_digest(Path(__file__).parents[1]),
    "python": sys.version,
    "machine": f"{platform.system()} {platform.machine()}",
}


def gpu_drivers() -> list[str]:
    """Return the GPUs of this machine, as its driver describes them: torch takes too long to load."""
    drivers = Path("/proc/driver/nvidia")
    texts = [os.environ.get("CUDA_VISIBLE_DEVICES", "")]
    for path in (drivers / "version", *sorted(drivers.glob("gpus/*/information"))):
        with contextlib.suppress(OSError):
            texts.append(path.read_text())
    return texts
