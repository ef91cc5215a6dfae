"""What a page's code has depended on: noted in its worker, as Python's audit events tell it.

A cached result may be used again only if nothing that it came from has changed. What a page
imports, opens, lists and starts is heard here while its blocks run, and so are the variables
of the environment that it reads; what is not heard (the time, the network, what compiled code
does by itself) cannot be kept watch over.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import sysconfig
from collections.abc import Callable, Iterable, Mapping
from functools import cache, wraps
from typing import Any

from einsum_doc.pages.record.dependencies import Dependencies
from einsum_doc.pages.worker.installed import PACKAGES

_STARTED = {"subprocess.Popen", "os.system", "os.posix_spawn", "os.fork", "os.forkpty", "os.exec", "os.spawn"}
_CHANGED = {"os.remove", "os.rename", "os.link", "os.symlink", "os.truncate", "os.mkdir", "os.rmdir"}
_LISTED = {"os.listdir", "os.scandir"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Listener:
    """Hears what the code of this process opens, imports, lists and starts.

    It cannot be taken off again: it belongs in a process that runs one page.
    """

    def __init__(self, root: str) -> None:
        self.root = os.path.realpath(root)
        self.opened: set[str] = set()
        self.written: set[str] = set()
        self.asked: set[str] = set()
        self.listed: set[str] = set()
        self.names: set[str] = set()
        self.variables: set[str] = set()
        self.processes = False

    def listen(self) -> None:
        """Begin."""
        # By reference, so that nothing which the page patches is asked on the way.
        sys.addaudithook(_hearer(self, sys._getframe))
        for name in ("stat", "lstat", "access"):  # of which Python tells nobody
            _overhear(name, self.asked)
        heard = _Heard(os.environ._data, self.variables)  # type: ignore[attr-defined]
        os.environ._data = os.environb._data = heard  # type: ignore[attr-defined]

    def footprint(self) -> Dependencies:
        """What has been heard so far, and what is loaded now."""
        import resource

        # Links are followed only now: to follow one is to ask about files, which would be heard.
        opened, written, asked, listed = map(self._evidence, (self.opened, self.written, self.asked, self.listed))
        loaded = _Loaded()
        loaded.see({name: sys.modules.get(name) for name in sys.modules.keys() - _before.modules})
        files = opened | written | {file for file in loaded.files | _before.files if self._is_evidence(file)}
        packages = loaded.packages | _before.packages
        names = self.names | loaded.names | _before.names
        own = {os.path.relpath(path, self.root).partition(os.sep)[0].partition(".")[0] for path in files}
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return Dependencies(
            tuple(sorted(files)),
            tuple(sorted(written)),
            tuple(sorted(asked - files)),
            tuple(sorted(listed)),
            tuple(sorted(names - own - {"__main__"})),
            tuple(sorted(self.variables)),
            tuple(sorted(packages)),
            self.processes,
            peak * (1 if sys.platform == "darwin" else 1024),
        )

    def _evidence(self, heard: set[str]) -> set[str]:
        resolved = {os.path.realpath(_source(path)) for path in list(heard)}
        return {path for path in resolved if self._is_evidence(path)}

    def _is_evidence(self, path: str) -> bool:
        """Whether a file may change and no version tell of it: it is not Python's own, nor a package's."""
        if path.startswith(("/proc/", "/sys/", "/dev/")) or _within(path, PACKAGES | _STANDARD):
            return False
        return bool(_within(path, {self.root})) or not _within(path, {sys.base_prefix})


class _Loaded:
    """What modules have been loaded, and from where."""

    def __init__(self) -> None:
        self.modules: set[str] = set()
        self.names: set[str] = set()
        """Those of the packages and modules that these are, or belong to; a page need not touch each name to tell."""
        self.packages: set[str] = set()
        self.files: set[str] = set()

    def see(self, modules: Mapping[str, Any]) -> None:
        """Add modules, by their names.

        Raises: whatever a module raises when it is asked for its file; those that come before it have been added.
        """
        for name, module in modules.items():
            self._see(module)
            self.modules.add(name)
            self.names.add(name.partition(".")[0])

    def _see(self, module: Any) -> None:
        file = getattr(module, "__file__", None)
        if not isinstance(file, str):
            self.files |= _inits(getattr(module, "__path__", ()))
            return
        file = _followed(file)
        installed = _within(file, PACKAGES)
        if installed:
            self.packages.add(os.path.relpath(file, installed).partition(os.sep)[0])
        elif not _within(file, _STANDARD):
            self.files.add(file)
            # A package of the module's name would be found before it.
            self.files |= _inits([os.path.splitext(file)[0]]) if not file.endswith("__init__.py") else set()


_before = _Loaded()


def look_before_fork() -> list[str]:
    """Look at the modules that are loaded now, so that the processes forked from this one need not.

    torch has two thousand, and to touch each copies a page's share of the memory. The library's own are not among
    them, and returned: a page that imports it imports it anew.
    """
    own = []
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "einsum_doc":
            own.append(name)
            continue
        with contextlib.suppress(Exception):  # a page meets what is odd about it
            _before.see({name: module})
    return own


_STANDARD = {os.path.realpath(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")} | (
    {os.path.realpath(sys.prefix)} if sys.prefix != sys.base_prefix else set()
)


def _within(path: str, folders: Iterable[str]) -> str:
    """The folder of `folders` that a path is in, if it is in one."""
    return next((folder for folder in folders if path == folder or path.startswith(folder + os.sep)), "")


def _followed(file: str) -> str:
    """Where a module's file is, once links are followed; to follow each takes longer than to run a page.

    Of what is installed, only the entry in the folder of packages is taken for a link that may lead elsewhere.
    """
    folder = _within(file, PACKAGES)
    linked = bool(folder) and _is_link(os.path.join(folder, os.path.relpath(file, folder).partition(os.sep)[0]))
    return file if _within(file, PACKAGES | _STANDARD) and not linked else os.path.realpath(_source(file))


@cache
def _is_link(path: str) -> bool:
    return os.path.islink(path)


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


class _Heard(dict[bytes, bytes]):
    """The variables of the environment, and which of them have been looked for."""

    def __init__(self, variables: Mapping[bytes, bytes], names: set[str]) -> None:
        super().__init__(variables)
        self.names, self.decode = names, os.fsdecode

    def __getitem__(self, name: bytes) -> bytes:
        self.names.add(self.decode(name))
        return super().__getitem__(name)


def _overhear(name: str, asked: set[str]) -> None:
    """Put in the place of a function of `os` one that notes for which path it is called."""
    function = getattr(os, name)
    whole, decode, is_a = os.path.abspath, os.fsdecode, isinstance
    is_path, anything = (str, bytes, os.PathLike), Exception

    @wraps(function)
    def overheard(path: Any, *args: Any, **kwargs: Any) -> Any:
        if is_a(path, is_path):
            with contextlib.suppress(anything):
                asked.add(whole(decode(path)))
        return function(path, *args, **kwargs)

    setattr(os, name, overheard)
    for functions in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks, os.supports_effective_ids):
        if function in functions:
            functions.add(overheard)


def _hearer(heard: Listener, frame: Callable[[int], Any]) -> Callable[[str, tuple[Any, ...]], None]:
    opened, written, listed, names = heard.opened, heard.written, heard.listed, heard.names
    whole, decode, is_a = os.path.abspath, os.fsdecode, isinstance
    is_path, anything = (str, bytes, os.PathLike), Exception

    def place(path: Any) -> str:
        return whole(decode(path))

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
                names.add(args[0].partition(".")[0])
            elif event in _LISTED:
                # Python's own search for modules lists folders too; what it is after is in `names`.
                if frame(1).f_code.co_filename != "<frozen importlib._bootstrap_external>":
                    listed.add(place(args[0] if is_a(args[0], is_path) else "."))
            elif event in _CHANGED:
                written.update(place(path) for path in args[:2] if is_a(path, is_path))
            elif event == "ctypes.dlopen" and is_a(args[0], is_path):
                opened.add(place(args[0]))
            elif event == "sqlite3.connect" and is_a(args[0], is_path):
                opened.add(place(args[0]))
                written.add(place(args[0]))
            elif event in _STARTED:
                heard.processes = True
        except anything:  # a folder that is gone, a name that is no path: nothing that could be watched
            return

    return hear
