"""What a page's code has depended on: noted in its worker, as Python's audit events tell it.

A cached result may be used again only if nothing that it came from has changed. What a page
imports, opens, lists and starts is heard here while its blocks run; what is not heard (the
time, the network, a file whose existence alone was asked for) cannot be kept watch over.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import sysconfig
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_STARTED = {"subprocess.Popen", "os.system", "os.posix_spawn", "os.fork", "os.forkpty", "os.exec", "os.spawn"}
_CHANGED = {"os.remove", "os.rename", "os.link", "os.symlink", "os.truncate", "os.mkdir", "os.rmdir"}
_LISTED = {"os.listdir", "os.scandir"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


@dataclass(frozen=True)
class Footprint:
    """What the blocks of a page have depended on, beside their own text; paths are absolute."""

    files: tuple[str, ...] = ()
    """Modules of the project that were imported, and files that were opened, whether they were there or not."""
    written: tuple[str, ...] = ()
    """Those among them that the page itself has written or removed."""
    folders: tuple[str, ...] = ()
    """Folders of which the page has read what is in them."""
    names: tuple[str, ...] = ()
    """Modules that were asked for and are not the project's: one of its files would come before them."""
    packages: tuple[str, ...] = ()
    """What was loaded out of the folders of installed packages: files and folders there, by name."""
    processes: bool = False
    """Whether it started a process, which may read any file of the project."""
    memory: int = 0
    """The most memory that its process has held, in bytes."""


def footprint_from(facts: Mapping[str, Any]) -> Footprint:
    """The Footprint of which `facts` is the JSON."""
    values: dict[str, Any] = {name: tuple(fact) if isinstance(fact, list) else fact for name, fact in facts.items()}
    return Footprint(**values)


class Listener:
    """Hears what the code of this process opens, imports, lists and starts.

    It cannot be taken off again: it belongs in a process that runs one page.
    """

    def __init__(self, root: str) -> None:
        self.root = os.path.realpath(root)
        self.opened: set[str] = set()
        self.written: set[str] = set()
        self.listed: set[str] = set()
        self.asked: set[str] = set()
        self.processes = False

    def listen(self) -> None:
        """Begin."""
        # By reference, so that nothing which the page patches is asked on the way.
        sys.addaudithook(_hearer(self, sys._getframe))

    def footprint(self) -> Footprint:
        """What has been heard so far, and what is loaded now."""
        import resource

        files = {path for path in map(_source, self.opened) if self._is_evidence(path)}
        files |= self.written
        packages, names = set(), set(self.asked)
        for name, module in list(sys.modules.items()):
            names.add(name.partition(".")[0])
            file = getattr(module, "__file__", None)
            if not isinstance(file, str):
                files |= _inits(getattr(module, "__path__", ()))
                continue
            file = os.path.realpath(_source(file))
            installed = _within(file, _PACKAGES)
            if installed:
                packages.add(os.path.relpath(file, installed).partition(os.sep)[0])
            elif self._is_evidence(file):
                files.add(file)
                # A package of the module's name would be found before it.
                files |= _inits([os.path.splitext(file)[0]]) if not file.endswith("__init__.py") else set()
        own = {os.path.relpath(path, self.root).partition(os.sep)[0].partition(".")[0] for path in files}
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return Footprint(
            tuple(sorted(path for path in files if self._is_evidence(path))),
            tuple(sorted(self.written)),
            tuple(sorted(path for path in self.listed if self._is_evidence(path))),
            tuple(sorted(names - own - {"__main__"})),
            tuple(sorted(packages)),
            self.processes,
            peak * (1 if sys.platform == "darwin" else 1024),
        )

    def _is_evidence(self, path: str) -> bool:
        """Whether a file may change and no version tell of it: it is not Python's own, nor a package's."""
        if path.startswith(("/proc/", "/sys/", "/dev/")) or _within(path, _PACKAGES | _STANDARD):
            return False
        return bool(_within(path, {self.root})) or not _within(path, {sys.base_prefix})


_PATHS = {os.path.realpath(path) for path in sysconfig.get_paths().values()}
_PACKAGES = {os.path.realpath(sysconfig.get_path(name)) for name in ("purelib", "platlib")}
_STANDARD = {os.path.realpath(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")} | (
    {os.path.realpath(sys.prefix)} if sys.prefix != sys.base_prefix else set()
)


def _within(path: str, folders: Iterable[str]) -> str:
    """The folder of `folders` that a path is in, if it is in one."""
    return next((folder for folder in folders if path == folder or path.startswith(folder + os.sep)), "")


def _source(path: str) -> str:
    """The source of a compiled module; any other file as it is."""
    if path.endswith(".pyc"):
        with contextlib.suppress(ValueError):
            return importlib.util.source_from_cache(path)
    return path


def _inits(folders: Iterable[str]) -> set[str]:
    """The files that would make packages of these folders."""
    with contextlib.suppress(TypeError):
        return {os.path.realpath(os.path.join(folder, "__init__.py")) for folder in folders if isinstance(folder, str)}
    return set()


def _hearer(heard: Listener, frame: Callable[[int], Any]) -> Callable[[str, tuple[Any, ...]], None]:
    opened, written, listed, asked = heard.opened, heard.written, heard.listed, heard.asked
    resolve, decode, is_a, is_path = os.path.realpath, os.fsdecode, isinstance, (str, bytes, os.PathLike)
    anything = Exception

    def place(path: Any) -> str:
        return resolve(decode(path))

    def hear(event: str, args: tuple[Any, ...]) -> None:
        try:
            if event == "open":
                path, _, flags = args
                if is_a(path, is_path):
                    found = place(path)
                    opened.add(found)
                    if flags & _WRITING:
                        written.add(found)
            elif event == "import":
                asked.add(args[0].partition(".")[0])
            elif event in _LISTED:
                # Python's own search for modules lists folders too; what it is after is in `names`.
                if frame(1).f_code.co_filename != "<frozen importlib._bootstrap_external>":
                    listed.add(place(args[0] if is_a(args[0], is_path) else "."))
            elif event in _CHANGED:
                written.update(place(path) for path in args[:2] if is_a(path, is_path))
            elif event == "sqlite3.connect" and is_a(args[0], is_path):
                opened.add(place(args[0]))
                written.add(place(args[0]))
            elif event in _STARTED:
                heard.processes = True
        except anything:  # a folder that is gone, a name that is no path: nothing that could be watched
            return

    return hear
