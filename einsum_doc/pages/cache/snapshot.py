"""The state of files, links, folders, packages and variables now, as digests to be compared with later ones."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import re
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatch, fnmatchcase
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

from einsum_doc.pages.cache.installed import Installed, installed_names, modules_in
from einsum_doc.pages.record.messages import Dependencies

Evidence = dict[str, Any] | str
"""The state of a page's dependencies, as digests and versions; or, in words, why it is not known."""

IGNORED_VARIABLES = (
    *("_", "PWD", "OLDPWD", "SHLVL", "COLUMNS", "LINES", "DISPLAY", "GPG_TTY"),
    *("TERM*", "COLORTERM", "WINDOW*", "TMUX*", "STY", "SSH_*", "XDG_SESSION_*", "DBUS_*", "VSCODE_*"),
    *("GITHUB_*", "RUNNER_*", "ACTIONS_*", "CI_*", "BUILD_*", "CIRCLE_*", "TRAVIS_*", "BUILDKITE_*"),
    *("EINSUM_DOC_*", "PYTEST_*"),
)
"""The variables that differ between terminals or between runs of CI, or that set the builder or a test, as patterns."""


class Snapshot:
    """The state of the dependencies of pages now; each is read once."""

    def __init__(self, root: Path, ignored: Sequence[Path], ignored_variables: Sequence[str] = ()) -> None:
        self.root = root
        self.ignored = set(map(str, ignored))
        self.ignored_variables = (*IGNORED_VARIABLES, *ignored_variables)
        self._installed = Installed()
        # As they were when they were first read; `evidence` reads them anew, since pages run meanwhile.
        self._file_once, self._listing_once = cache(_digest_of_file), cache(self._listing)
        self._modules_once, self._installed_once = cache(modules_in), cache(installed_names)
        self._sources_once = cache(lambda reads: self._digest_of_all(self.sources(reads)))

    def evidence(self, used: Dependencies, written: list[str], since: float, reads: Sequence[str]) -> dict[str, Any]:
        """Return the state of a page's dependencies.

        written: the locations that its output names. since: when it began to run. reads: the patterns of the files
        that its processes may have read, if not all.
        """
        files = {self._short(path): _digest_of_file(path) for path in used.files}
        sources = list(self.sources(reads)) if used.processes else []
        # The page may have read the text before the change, or the one after it.
        changed = (path for path in {*used.files, *used.links, *sources} - {*used.written} if _date_of(path) >= since)
        unsettled = next((f"{self._short(path)} was changed while it ran" for path in changed), "")
        return {
            "unsettled": unsettled,
            "files": files,
            "made": {self._short(path): _digest_of_file(path) for path in {*used.written} - {*used.files}},
            "asked": {self._short(path): _kind_of(path) for path in used.asked},
            "links": {self._short(path): _target_of(path) for path in used.links},
            "folders": {
                self._short(path): {"asked": [*asked], "names": self._listing(path, asked)}
                for path, asked in used.folders.items()
            },
            "names": [*used.names],
            "modules": sorted(modules_in(self.root) & set(used.names)),
            "installed": sorted(installed_names() & set(used.names)),
            "variables": {name: _variable(name) for name in used.variables},
            "packages": self._installed.owners(used.packages),
            "project": self._digest_of_all(sources) if used.processes else "",
            "environment": self._environment() if used.processes or used.environment else "",
            "written": written,
        }

    def change(
        self,
        evidence: Mapping[str, Any],
        written: list[str],
        reads: Sequence[str],
        needs: Callable[[str], bool] = lambda path: True,
    ) -> str:
        """Return the first difference between the state of a page's dependencies then and now, in words.

        needs: asked about each file that the page has written, and that is no longer as it was.
        """
        lost = self._changed(evidence["made"], self._file_once, needs)
        return next(chain(self._changes(evidence, written, reads), lost), "")

    def _changed(
        self,
        before: Mapping[str, str],
        state: Callable[[str], str],
        counts: Callable[[str], bool] = lambda path: True,
    ) -> Iterator[str]:
        """Yield the paths that are not in the same state as before, in words; those that count."""
        for name, old in before.items():
            path = os.path.join(self.root, name)
            now = state(path)
            if now != old and counts(path):
                yield f"{name} " + ("is gone" if not now else "has changed" if old else "is there now")

    def has_read(self, path: str, evidence: Mapping[str, Any], question: Mapping[str, Any]) -> bool:
        """Return whether a page with this evidence and question has read a file, or may have by a process."""
        name = self._short(path)
        listed = evidence["folders"].get(self._short(os.path.dirname(path)), {"asked": ()})
        if name in {*evidence["files"], *evidence["asked"]} or _is_asked(os.path.basename(path), listed["asked"]):
            return True
        return bool(evidence["project"]) and self._is_read(path, question["reads"])

    def _changes(self, evidence: Mapping[str, Any], written: list[str], reads: Sequence[str]) -> Iterator[str]:
        yield from self._changed_paths(evidence)
        shadows = sorted(self._modules_once(self.root) & set(evidence["names"]))
        if shadows != evidence["modules"]:
            yield "the project has other modules: " + ", ".join(sorted({*shadows} ^ {*evidence["modules"]}))
        for name, value in evidence["variables"].items():
            if _variable(name) != value:
                yield f"the variable {name} has changed"
        for name, version in evidence["packages"].items():
            here = self._installed.versions.get(name, "")
            if here != version:
                yield f"{name} is {here or 'not installed'}, and was {version}"
        for name in sorted({*evidence["installed"]} ^ self._installed_once() & {*evidence["names"]}):
            yield f"{name} is " + ("installed no more" if name in evidence["installed"] else "installed now")
        if evidence["project"] and self._sources_once(tuple(reads)) != evidence["project"]:
            which = "that they may read" if reads else "of the project"
            yield f"it starts processes, and a file {which} has changed"
        if evidence["environment"] and self._environment() != evidence["environment"]:
            reason = "it starts processes, and their environment" if evidence["project"] else "the environment"
            yield f"{reason} has changed"
        if written != evidence["written"]:
            yield "its lines have moved, and what it wrote names them"

    def _changed_paths(self, evidence: Mapping[str, Any]) -> Iterator[str]:
        for name, target in evidence["links"].items():
            now = _target_of(os.path.join(self.root, name))
            if now != target:
                yield f"{name} is a link to {now} now" if now else f"{name} is no link any more"
        for kind, state in (("files", self._file_once), ("asked", _kind_of)):
            yield from self._changed(evidence[kind], state)
        for folder, listed in evidence["folders"].items():
            names, before = self._listing_once(str(self.root / folder), tuple(listed["asked"])), listed["names"]
            for name in sorted({*names} ^ {*before}):
                path = os.path.normpath(os.path.join(folder, name))
                yield f"{path} is " + ("there now" if name in names else "gone") + ", in a folder that it listed"

    def _short(self, path: str) -> str:
        return os.path.relpath(path, self.root) if Path(path).is_relative_to(self.root) else path

    def _listing(self, path: str, asked: Sequence[str]) -> list[str]:
        """Return the names in a folder that were asked for, with their kinds and the targets of links.

        Those of tools and of the built site are left out.
        """
        found: list[str] = []
        with contextlib.suppress(OSError), os.scandir(path) as entries:
            for each in entries:
                name = each.name + ("/" if each.is_dir() else "")
                if _is_asked(name, asked) and self._is_source(path, each.name):
                    found.append(name + (f" -> {_target_of(each.path)}" if each.is_symlink() else ""))
        return sorted(found)

    def ignores(self, variable: str) -> bool:
        """Return whether a variable is left out where the environment is read as a whole."""
        return any(fnmatchcase(variable, each) for each in self.ignored_variables)

    def _environment(self) -> str:
        """Return the digest of all variables, but for the ignored ones."""
        given = (f"{name}={value}" for name, value in sorted(os.environ.items()) if not self.ignores(name))
        return digest_of(*(each.replace(str(self.root), ".") for each in given))

    def sources(self, reads: Sequence[str] = ()) -> Iterator[str]:
        """Yield the files of the project, which is the repository if it is in one, but for installed and built ones.

        reads: only those that one of these patterns names, or that are in a folder that one names. Links to folders
        are yielded like files; without patterns, which may name them, they are not followed.
        """
        project = next((folder for folder in (self.root, *self.root.parents) if (folder / ".git").exists()), self.root)
        for folder, inner, files in os.walk(project, followlinks=bool(reads)):
            inner[:] = sorted(name for name in inner if self._is_source(folder, name))
            links = [name for name in inner if os.path.islink(os.path.join(folder, name))]
            paths = (os.path.join(folder, name) for name in sorted([*files, *links]))
            yield from (path for path in paths if path not in self.ignored and self._is_read(path, reads))
            for name in links:
                if reads and not self._may_follow(os.path.join(folder, name), reads):
                    inner.remove(name)

    def _is_read(self, path: str, reads: Sequence[str]) -> bool:
        name = Path(os.path.relpath(path, self.root)).as_posix() if reads else ""
        return not reads or any(fnmatch(name, each) or fnmatch(name, f"{each}/*") for each in reads)

    def _may_follow(self, link: str, reads: Sequence[str]) -> bool:
        """Return whether a pattern may name something in a linked folder, which is not one that the link is in."""
        name = f"{os.path.relpath(link, self.root)}/"
        starts = [re.split(r"[*?[]", each)[0] for each in reads]
        is_named = any(name.startswith(start) or start.startswith(name) for start in starts)
        return is_named and not Path(os.path.realpath(os.path.dirname(link))).is_relative_to(os.path.realpath(link))

    def _digest_of_all(self, paths: Iterable[str]) -> str:
        return digest_of(*(f"{self._short(path)} {_target_of(path)} {_digest_of_file(path)}" for path in paths))

    def _is_source(self, folder: str, name: str) -> bool:
        path = os.path.join(folder, name)
        if name in (".git", ".cache", "node_modules", "__pycache__") or path in self.ignored:
            return False
        # Virtual environments and the caches of tools have these marks.
        return not any(os.path.exists(os.path.join(path, mark)) for mark in ("pyvenv.cfg", "CACHEDIR.TAG"))


def _is_asked(name: str, asked: Iterable[str]) -> bool:
    """Return whether one of these regular expressions matches a name, with or without the `/` of a folder."""
    return any(re.fullmatch(each, name) or re.fullmatch(each, name.removesuffix("/")) for each in asked)


def digest_of(*texts: str) -> str:
    return hashlib.blake2b("\0".join(texts).encode("utf-8", "surrogatepass"), digest_size=20).hexdigest()


def _date_of(path: str) -> float:
    """Return the time of the last change of a file, or of a link to it; of a link to a folder, only of the link."""
    with contextlib.suppress(OSError):
        return max(os.lstat(path).st_mtime, os.path.isfile(path) and os.stat(path).st_mtime)
    return 0.0


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


def _variable(name: str) -> str:
    """Return the digest of a variable, whose value may be a secret."""
    return digest_of(os.environ[name]) if name in os.environ else ""


def python_variables() -> dict[str, str]:
    """Return the variables that Python itself reads when it starts."""
    return {name: value for name, value in sorted(os.environ.items()) if name.startswith("PYTHON")}


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
