"""Results kept on disk, each with what it depended on, and given back only if none of that has changed.

A page's *question* is all that is known before it runs: its blocks, the options, the
versions of Python and of this builder, the GPUs. What it turned out to depend on (modules,
files, packages: its dependencies) is its *evidence*. An entry is one file that holds both, with
the results of the page's blocks; only pages of which everything held are kept. Whatever is
wrong with an entry or with its folder, the page is run instead.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import re
import stat
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from einsum_doc.pages.record.block import Block
from einsum_doc.pages.record.codec import from_facts
from einsum_doc.pages.record.dependencies import Dependencies
from einsum_doc.pages.record.result import PageResults, Result
from einsum_doc.pages.worker.installed import Installed, names_in

FORMAT = 1
"""The version of an entry's own form."""

_AROUND = 0.02
"""How much the dates of files may lag behind the clock, in seconds."""


Evidence = dict[str, Any] | str
"""What a page has depended on, with digests and versions; or in words why that is not known."""


class Cache:
    """The folder of kept results, as one build sees it: no file is read twice.

    `settings` are the options that a result depends on. `ignored` are folders and files of the project
    that are no sources, as the built site. `reads` has for some pages the patterns of what the processes that they
    start may read of the project; of others these may read all. With no `folder`, nothing is kept.
    """

    def __init__(
        self,
        folder: Path | None,
        root: Path,
        settings: Mapping[str, Any],
        *,
        limit: int = 256 * 2**20,
        ignored: Sequence[Path] = (),
        reads: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.folder = folder
        self.reads = reads or {}
        self.limit = limit
        self.reasons: dict[str, str] = {}
        """For each page that was asked for, why its blocks had to run; empty if they had not."""
        self._names: dict[str, list[str]] | None = None
        """The files in the folder, by the page that they belong to."""
        self.notes: list[str] = []
        """What is wrong with the folder or with an entry in it."""
        self._settings = {"format": FORMAT, **MACHINE, "gpus": _gpus(), "variables": _python_variables(), **settings}
        self._now = _Snapshot(Path(os.path.realpath(root)), [Path(os.path.realpath(each)) for each in ignored])

    def find(self, page: str, blocks: Sequence[Block]) -> PageResults | None:
        """The results of a page's blocks, if they were kept and nothing has changed since; `reasons` says what has."""
        question = self._question(page, blocks)
        changes = []
        for path, entry in self._entries(page):
            changes.append(self._change(question, entry, blocks))
            if not changes[-1]:
                with contextlib.suppress(OSError):
                    os.utime(path)  # the folder is emptied from its oldest end
                self.reasons[page] = ""
                return PageResults(
                    [from_facts(Result, each) for each in entry["results"]],
                    entry["when"],
                    entry["seconds"],
                    cached=True,
                    packages=entry["evidence"]["packages"],
                    used=entry["used"],
                )
        self.reasons[page] = changes[0] if changes else "no result of it is kept"
        return None

    def unread(self) -> Iterator[str]:
        """Of the patterns of what processes may read, those that name no file of the project."""
        for each in dict.fromkeys(each for patterns in self.reads.values() for each in patterns):
            if next(self._now.sources([each]), None) is None:
                yield each

    def last(self, page: str) -> PageResults:
        """How long the page took when it last held, and how much memory; 0 if that is not known."""
        for _, entry in self._entries(page):
            return PageResults((), seconds=entry["seconds"], memory=entry["memory"])
        return PageResults(())

    def evidence(
        self, page: str, blocks: Sequence[Block], ran: PageResults, dependencies: Dependencies | None
    ) -> Evidence:
        """What a page has depended on, as it is now; or why nobody can say."""
        if dependencies is None:
            return "what it has depended on is not known"
        told = _told(blocks, ran.results)
        return self._now.evidence(dependencies, told, ran.when - _AROUND, self.reads.get(page, ()))

    def keep(self, page: str, blocks: Sequence[Block], ran: PageResults, evidence: Evidence) -> None:
        """Keep the results of a page, if everything on it held and what they depended on is known."""
        if self.folder is None or any(result.status not in ("held", "skipped") for result in ran.results):
            return
        if isinstance(evidence, str):
            self._note(f"the results of {page} are not kept: {evidence}")
            return
        entry = {
            "question": self._question(page, blocks),
            "evidence": evidence,
            "results": [asdict(result) for result in ran.results],
            "when": ran.when,
            "seconds": ran.seconds,
            "memory": ran.memory,
            "used": ran.used,
        }
        text = json.dumps(entry, sort_keys=True)
        name = f"{_digest(page)[:16]}-{_digest(json.dumps([entry['question'], evidence], sort_keys=True))[:32]}.json"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._write(self.folder / name, f"{_digest(text)}\n{text}\n")
            self._names = None
        except OSError as error:
            self._note(f"the cache cannot be written ({error.strerror}): what has run now will be run again")

    def tidy(self) -> None:
        """Take out what was used longest ago, until the rest is within the limit."""
        if self.folder is None:
            return
        found = []
        with contextlib.suppress(OSError), os.scandir(self.folder) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):  # another build may be tidying up
                    there = entry.stat()
                    found.append((there.st_mtime, there.st_size, entry.path))
        size = sum(length for _, length, _ in found)
        for _, length, path in sorted(found):
            if size <= self.limit:
                break
            with contextlib.suppress(OSError):
                os.unlink(path)
            size -= length

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def _write(self, path: Path, text: str) -> None:
        """Write a file so that another build sees all of it or nothing."""
        part = path.with_suffix(f".{os.getpid()}.part")
        try:
            part.write_text(text, "utf-8")
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise

    def _entries(self, page: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """The entries of a page that can be read, the latest used first."""
        if self.folder is None:
            return
        dated = []
        names = self._names
        if names is None:
            names = self._names = defaultdict(list)
            for name in names_in(str(self.folder)):
                names[name[:16]].append(name)
        for name in names[_digest(page)[:16]]:
            path = os.path.join(self.folder, name)
            if name.endswith(".json"):
                with contextlib.suppress(OSError):
                    dated.append((os.stat(path).st_mtime_ns, path))
        for _, path in sorted(dated, reverse=True):
            entry = self._read(path)
            if entry is not None:
                yield path, entry

    def _read(self, path: str) -> dict[str, Any] | None:
        with contextlib.suppress(FileNotFoundError):  # another build may be tidying up
            name = os.path.basename(path)
            try:
                with open(path, encoding="utf-8") as file:
                    digest, text = file.read().split("\n", 1)
                if digest != _digest(text.removesuffix("\n")):
                    raise ValueError
                entry: dict[str, Any] = json.loads(text)
                if entry["question"]["format"] == FORMAT:
                    return entry
                self._note(f"{name} in the cache is of another version, and ignored")
            except (OSError, ValueError):
                self._note(f"{name} in the cache is damaged, and ignored")
        return None

    def _question(self, page: str, blocks: Sequence[Block]) -> dict[str, Any]:
        asked = [[block.language, block.code, dict(block.options)] for block in blocks]
        return {**self._settings, "page": page, "blocks": asked, "reads": [*self.reads.get(page, ())]}

    def _change(self, question: Mapping[str, Any], entry: Mapping[str, Any], blocks: Sequence[Block]) -> str:
        """In words, the first thing that has changed since an entry was kept; empty if nothing has."""
        old = entry["question"]
        if old["blocks"] != question["blocks"]:
            both = zip(old["blocks"], question["blocks"], strict=False)
            same = next((number for number, (one, other) in enumerate(both) if one != other), None)
            if same is None:
                return f"it has {len(question['blocks'])} blocks, and had {len(old['blocks'])}"
            return f"block {same + 1} has changed"
        for name in sorted(question.keys() | old.keys()):
            if old.get(name) != question.get(name):
                return f"{_NAMES.get(name, name)} has changed"
        told = _told(blocks, [from_facts(Result, result) for result in entry["results"]])
        return self._now.change(entry["evidence"], told, question["reads"])


_NAMES = {
    "builder": "the builder itself",
    "python": "the version of Python",
    "gpus": "the GPU",
    "variables": "a variable of Python's",
    "reads": "what its processes may read",
}


def _told(blocks: Sequence[Block], results: Sequence[Result]) -> list[str]:
    """The places of the blocks, if what they wrote names their file: a warning says its line."""
    locations = [location for block in blocks for location in (block.location, *block.locations)]
    files = {location.file for location in locations}
    said = [text for result in results for text in (result.written, result.errors, result.raised)]
    said += [shown.text for result in results for shown in result.shown]
    if any(file in text for text in said for file in files):
        return list(map(str, locations))
    return []


class _Snapshot:
    """The files, folders and packages that pages depend on, as they are now; each is looked at once."""

    def __init__(self, root: Path, ignored: Sequence[Path]) -> None:
        self.root = root
        self.ignored = set(map(str, ignored))
        self._files: dict[str, str] = {}
        self._listings: dict[str, str] = {}
        self._installed = Installed()
        self._modules: set[str] | None = None
        self._projects: dict[tuple[str, ...], str] = {}

    def evidence(self, dependencies: Dependencies, told: list[str], since: float, reads: Sequence[str]) -> Evidence:
        """What a page has depended on, as it is now; `reads` is what its processes may have read, if not all."""
        files = {self._short(path): _digest_of_file(path) for path in dependencies.files}
        sources = list(self.sources(reads)) if dependencies.processes else []
        for path in {*dependencies.files, *sources} - {*dependencies.written}:
            with contextlib.suppress(OSError):
                if os.stat(path).st_mtime >= since:
                    # Nobody knows which of the two texts it read.
                    return f"{self._short(path)} was changed while it ran"
        return {
            "files": files,
            "asked": {self._short(path): _kind_of(path) for path in dependencies.asked},
            "folders": {self._short(path): self._listing(path) for path in dependencies.folders},
            "names": [*dependencies.names],
            "modules": sorted(_modules_in(self.root) & set(dependencies.names)),
            "variables": {name: _variable(name) for name in dependencies.variables},
            "packages": self._installed.owners(dependencies.packages),
            "project": self._digest_of_all(sources) if dependencies.processes else "",
            "environment": _environment(self.root) if dependencies.processes else "",
            "told": told,
        }

    def change(self, evidence: Mapping[str, Any], told: list[str], reads: Sequence[str]) -> str:
        """In words, the first difference between what a page depended on and what there is now."""
        for name, digest in evidence["files"].items():
            path = os.path.join(self.root, name)
            if path not in self._files:
                self._files[path] = _digest_of_file(path)
            if self._files[path] != digest:
                return f"{name} " + _happened(digest, self._files[path])
        for name, kind in evidence["asked"].items():
            now = _kind_of(os.path.join(self.root, name))
            if now != kind:
                return f"{name} " + _happened(kind, now)
        for name, digest in evidence["folders"].items():
            path = str(self.root / name)  # of the root itself, whose name is a dot, as of any other
            if path not in self._listings:
                self._listings[path] = self._listing(path)
            if self._listings[path] != digest:
                return f"what is in {name} has changed"
        if self._modules is None:
            self._modules = _modules_in(self.root)
        shadows = sorted(self._modules & set(evidence["names"]))
        if shadows != evidence["modules"]:
            return "the project has other modules: " + ", ".join(sorted({*shadows} ^ {*evidence["modules"]}))
        for name, digest in evidence["variables"].items():
            if _variable(name) != digest:
                return f"the variable {name} has changed"
        for name, version in evidence["packages"].items():
            here = self._installed.versions.get(name, "")
            if here != version:
                return f"{name} is {here or 'not installed'}, and was {version}"
        if evidence["project"]:
            key = tuple(reads)
            if key not in self._projects:
                self._projects[key] = self._digest_of_all(self.sources(reads))
            if self._projects[key] != evidence["project"]:
                which = "that they may read" if reads else "of the project"
                return f"it starts processes, and a file {which} has changed"
            if _environment(self.root) != evidence["environment"]:
                return "it starts processes, and their environment has changed"
        if told != evidence["told"]:
            return "its lines have moved, and what it wrote names them"
        return ""

    def _short(self, path: str) -> str:
        return os.path.relpath(path, self.root) if Path(path).is_relative_to(self.root) else path

    def _listing(self, path: str) -> str:
        """The digest of the names in a folder, but for what is hidden or built."""
        names: list[str] = []
        with contextlib.suppress(OSError):
            names = sorted(name for name in os.listdir(path) if self._is_source(path, name))
        return _digest(*names)

    def sources(self, reads: Sequence[str] = ()) -> Iterator[str]:
        """Every file of the project, which is the repository if it is in one, but for what is installed or built.

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
        return _digest(*(f"{self._short(path)} {_digest_of_file(path)}" for path in paths))

    def _is_source(self, folder: str, name: str) -> bool:
        path = os.path.join(folder, name)
        if name in (".git", ".cache", "node_modules", "__pycache__") or path in self.ignored:
            return False
        # A virtual environment, and the caches of tools, which say so themselves.
        return not any(os.path.exists(os.path.join(path, mark)) for mark in ("pyvenv.cfg", "CACHEDIR.TAG"))


def _happened(before: str, now: str) -> str:
    return "is gone" if not now else "has changed" if before else "is there now"


def _digest(*texts: str) -> str:
    return hashlib.blake2b("\0".join(texts).encode("utf-8", "surrogatepass"), digest_size=20).hexdigest()


def _digest_of_file(path: str) -> str:
    """The digest of a file's content; of a folder or of what is not there, nothing."""
    with contextlib.suppress(OSError), open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=20)).hexdigest()
    return ""


def _kind_of(path: str) -> str:
    """Whether there is a file or a folder, and how large a file."""
    with contextlib.suppress(OSError):
        found = os.stat(path)
        return f"file of {found.st_size} bytes" if stat.S_ISREG(found.st_mode) else "folder"
    return ""


def _variable(name: str) -> str:
    """The digest of a variable: its value may be a secret."""
    return _digest(os.environ[name]) if name in os.environ else ""


def _python_variables() -> dict[str, str]:
    """The variables that Python itself reads when it starts."""
    return {name: value for name, value in sorted(os.environ.items()) if name.startswith("PYTHON")}


def _environment(root: Path) -> str:
    """The digest of the variables that a process is given, but for those that every terminal has its own of."""
    own = re.compile(r"_|PWD|OLDPWD|SHLVL|COLUMNS|LINES|DISPLAY|(TERM|WINDOW|TMUX|SSH_|XDG_SESSION).*")
    given = (f"{name}={value}" for name, value in sorted(os.environ.items()) if not own.fullmatch(name))
    return _digest(*(each.replace(str(root), ".") for each in given))


def _modules_in(folder: Path) -> set[str]:
    """The names that can be imported from a folder."""
    found = set()
    for entry in names_in(str(folder)):
        name, _, ending = entry.partition(".")
        if ending.endswith(("py", "pyc", "so")) or (folder / entry / "__init__.py").is_file():
            found.add(name)
    return found


def builder_digest(folder: Path) -> str:
    """Return the digest of every source of the builder, which is in `folder` and the folders in it."""
    return _digest(*(_digest_of_file(str(path)) for path in sorted(folder.rglob("*.py"))))


MACHINE = {
    # As it is when it is loaded: a server that is still running the old text must not sign with the new.
    "builder": builder_digest(Path(__file__).parents[1]),
    "python": sys.version,
    "machine": f"{platform.system()} {platform.machine()}",
}


def _gpus() -> list[str]:
    """The GPUs of this machine as its driver tells of them: torch, which would know, takes too long to load."""
    drivers = Path("/proc/driver/nvidia")
    texts = [os.environ.get("CUDA_VISIBLE_DEVICES", "")]
    for path in (drivers / "version", *sorted(drivers.glob("gpus/*/information"))):
        with contextlib.suppress(OSError):
            texts.append(path.read_text())
    return texts
