"""The dependencies of a page's code, recorded in its worker by Python's audit events.

Imports, opened and listed files, started processes and variables of the environment are recorded
while blocks run. The time, the network, and files that compiled code opens by itself are not.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import sys
import sysconfig
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import translate
from functools import cache, partial, wraps
from importlib.machinery import ModuleSpec
from types import FrameType
from typing import Any

from einsum_doc.pages.record.messages import Dependencies

PACKAGES = {os.path.realpath(sysconfig.get_path(name)) for name in ("purelib", "platlib")}
"""The folders that distributions are installed in."""

_STANDARD = {os.path.realpath(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")} | (
    {os.path.realpath(sys.prefix)} if sys.prefix != sys.base_prefix else set()
)
_STARTED = {"subprocess.Popen", "os.system", "os.posix_spawn", "os.fork", "os.forkpty", "os.exec", "os.spawn"} | {
    "einsum_doc.spawn"
}
_CHANGED = {"os.remove", "os.rename", "os.link", "os.symlink", "os.truncate", "os.mkdir", "os.rmdir"}
_LISTED = {"os.listdir", "os.scandir"}
ALL_NAMES, _FOLDERS, _DISTRIBUTIONS = r"(?s:.*)", r"(?s:.*)/", r"(?is:.*\.(dist|egg)-info|egg-info)/?"
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


# By reference, so that nothing is looked up that the page may have patched.
_is_a, _anything, _frame = isinstance, Exception, sys._getframe
_join, _working_directory, _decode, _read_link = os.path.join, os.getcwd, os.fsdecode, os.readlink
_PATH = (str, bytes, os.PathLike)
_PATTERN, _PATTERN_IGNORES_CASE = re.Pattern, re.I


class Recorder:
    """Records the dependencies of the code in this process.

    An audit hook cannot be removed: use it in a process that runs one page.
    """

    def __init__(self, root: str) -> None:
        self.root = os.path.realpath(root)
        self.given_root = os.path.abspath(root)
        """The same, perhaps through links, which are no dependencies."""
        self.opened: set[str] = set()
        self.written: set[str] = set()
        self.own: set[str] = set()
        """The files whose whole content the page has written."""
        self.asked: set[str] = set()
        self.listed = defaultdict[str, set[str]](set)
        """The names that were asked for in each folder that was listed, as regular expressions."""
        self.names: set[str] = set()
        self.variables: set[str] = set()
        self.environment = False
        """True if the environment has been read as a whole."""
        self.processes = False
        sys.addaudithook(self._record)
        for name in ("stat", "lstat", "access", "readlink"):  # Python has no audit events for these
            _record_calls(name, partial(self._reads, self.asked))
        self._record_environment()

    def _record_environment(self) -> None:
        """Record the names that are looked up in the environment, and whether it is read as a whole.

        To copy it is to look up every name that it yields. Such a name is that very object, and is not recorded: a
        variable that differs from terminal to terminal is a dependency only of a page that looks it up by itself.
        """
        kind: Any = type(os.environ)
        yielded: dict[Any, Any] = {}
        iterate = kind.__iter__

        def named(function: Any) -> Any:
            def look_up(variables: Any, name: Any) -> Any:
                with contextlib.suppress(_anything):  # it may be no name
                    if yielded.get(name) is not name:
                        self.variables.add(_decode(name))
                return function(variables, name)

            return look_up

        def iterator(variables: Any) -> Iterator[Any]:
            self.environment = True
            return (yielded.setdefault(name, name) for name in iterate(variables))

        def whole(function: Any) -> Any:
            def read(variables: Any) -> Any:
                self.environment = True
                return function(variables)

            return read

        def beneath(variables: Any) -> Any:
            self.environment |= _frame(1).f_globals is not vars(os)
            return vars(variables)["_data"]

        def attribute(name: str) -> Any:
            if name != "environ":
                raise AttributeError(f"module 'posix' has no attribute {name!r}")
            self.environment = True
            return values

        kind.__getitem__, kind.__delitem__, kind.__iter__ = named(kind.__getitem__), named(kind.__delitem__), iterator
        kind.__len__, kind.__repr__ = whole(kind.__len__), whole(kind.__repr__)
        # Dicts, whose readings cannot be told apart.
        kind._data = property(beneath, lambda variables, data: vars(variables).update(_data=data))
        posix: Any = sys.modules["posix"]
        values = posix.__dict__.pop("environ")
        posix.__getattr__ = attribute

    def _record(self, event: str, args: tuple[Any, ...]) -> None:
        try:
            if event == "open":
                path, _, flags = args
                if _is_a(path, _PATH):
                    if flags & os.O_TRUNC:
                        self.own.add(_absolute(path))
                    self._reads(self.opened, path)
                    if flags & _WRITING:
                        self.written.add(_absolute(path))
            elif event == "import":
                self.names.add(args[0].partition(".")[0])
            elif event in _LISTED:
                # Python's own search for modules lists folders too, and is recorded by the modules' names.
                if _frame(1).f_code.co_filename != "<frozen importlib._bootstrap_external>":
                    folder = args[0]
                    if _is_a(folder, int):  # as `shutil.rmtree` opens it, in a temporary folder for one
                        folder = _read_link(f"/proc/self/fd/{folder}") if sys.platform == "linux" else "."
                    self.listed[_absolute(folder or ".")].add(_names_asked(_frame(1)))
            elif event in _CHANGED:
                paths = [_absolute(path) for path in args[:2] if _is_a(path, _PATH)]
                self.written.update(paths)
                if event == "os.rename" and paths[0] in self.own:
                    self.own.add(paths[1])
                elif event == "os.rename" or event == "os.link":
                    self.opened.add(paths[0])
            elif event == "ctypes.dlopen" and _is_a(args[0], _PATH):
                self._reads(self.opened, args[0])
            elif event == "sqlite3.connect" and _is_a(args[0], _PATH):
                self._reads(self.opened, args[0])
                self.written.add(_absolute(args[0]))
            elif event in _STARTED:
                self.processes = True
        except _anything:  # a folder that is gone, a name that is no path: it cannot change
            return

    def _reads(self, kind: set[str], path: Any) -> None:
        """Record a path that is read, unless the page itself has written all of it."""
        path = _absolute(path)
        if path not in self.own:
            kind.add(path)

    def dependencies(self) -> Dependencies:
        """Return the dependencies that have been recorded, and those of the modules that are loaded now."""
        # Copied before links are followed, which asks about files, and would be recorded.
        recorded = [set(paths) for paths in (self.opened, self.written, self.asked)]
        listed = {path: set(names) for path, names in self.listed.items() if path not in self.own}
        loaded = _Loaded()
        loaded.add({name: sys.modules.get(name) for name in sys.modules.keys() - _before.modules})
        links: set[str] = set()
        opened, written, asked, modules = (
            self._followed(paths, links) for paths in (*recorded, loaded.files | _before.files)
        )
        folders = defaultdict[str, set[str]](set)
        for path, names in listed.items():
            for folder in self._followed([path], links):
                folders[folder] |= names
        files = opened | modules
        written |= links & set(map(_entry, recorded[1]))
        modules_named = self.names | loaded.names | _before.names
        return Dependencies(
            files=tuple(sorted(files)),
            written=tuple(sorted(written)),
            asked=tuple(sorted(asked - files)),
            links=tuple(sorted(links)),
            folders={path: tuple(sorted(asked)) for path, asked in sorted(folders.items())},
            names=tuple(sorted(modules_named - {"__main__"})),
            variables=tuple(sorted(self.variables)),
            environment=self.environment,
            packages=tuple(sorted(loaded.packages | _before.packages)),
            processes=self.processes,
        )

    def _followed(self, paths: Iterable[str], links: set[str]) -> set[str]:
        """Return the files that paths lead to, if they may change; the links on the way are added to `links`."""
        files = set()
        for path in map(_source, paths):
            if _within(path, {self.given_root}):
                path = self.root + path.removeprefix(self.given_root)
            file = os.path.realpath(path)
            if self._may_change(file):
                files.add(file)
            if self._may_change(file) or self._may_change(path):
                links |= _links_to(path)
        return files

    def _may_change(self, path: str) -> bool:
        """Return whether a file may change without a change of a version: it is not Python's, nor a package's."""
        if path.startswith(("/proc/", "/sys/", "/dev/")) or _within(path, PACKAGES | _STANDARD):
            return False
        return bool(_within(path, {self.root})) or not _within(path, {sys.base_prefix})


class _Loaded:
    """The files and packages of loaded modules."""

    def __init__(self) -> None:
        self.modules: set[str] = set()
        self.names: set[str] = set()
        """The modules' top-level names, so that a page need not touch the name of each."""
        self.packages: set[str] = set()
        self.files: set[str] = set()

    def add(self, modules: Mapping[str, Any]) -> None:
        """Add modules, by their names.

        Raises: any error of a module that is asked for its file; those that come before it have been added.
        """
        for name, module in modules.items():
            self._add_files(module)
            self.modules.add(name)
            self.names.add(name.partition(".")[0])

    def _add_files(self, module: Any) -> None:
        path = getattr(module, "__file__", None)
        if not isinstance(path, str):
            self.files |= _init_files(getattr(module, "__path__", ()))
            return
        file = _resolved(path)
        installed = _within(file, PACKAGES)
        if installed:
            self.packages.add(os.path.relpath(file, installed).partition(os.sep)[0])
        elif not _within(file, _STANDARD):
            self.files |= {path, file}
            # A package of the module's name would be found before it.
            self.files |= _init_files([os.path.splitext(file)[0]]) if not file.endswith("__init__.py") else set()


_before = _Loaded()


def add_loaded_modules() -> list[str]:
    """Add the modules that are loaded now, so that the processes forked from this one need not.

    torch has two thousand, and to touch each copies a page's share of the memory. The modules of einsum_doc are not
    added but returned, by name: a page that imports them imports them anew.
    """
    own = []
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "einsum_doc":
            own.append(name)
            continue
        with contextlib.suppress(Exception):  # an odd module fails in the page that uses it
            _before.add({name: module})
    return own


def dates_of_loaded_files() -> dict[str, float]:
    """Return when each file of these modules that may change was changed last; 0 if it is not there."""
    return {path: _changed(path) for path in _before.files}


def _changed(path: str) -> float:
    with contextlib.suppress(OSError):
        return os.stat(path).st_ctime
    return 0.0


def is_installed(spec: ModuleSpec | None) -> bool:
    """Return whether a module is of an installed distribution, and not of the project or of Python."""
    return bool(spec and spec.origin and _within(spec.origin, PACKAGES))


def _within(path: str, folders: Iterable[str]) -> str:
    """Return the folder among `folders` that a path is in, or an empty text."""
    return next((folder for folder in folders if path == folder or path.startswith(folder + os.sep)), "")


def _resolved(file: str) -> str:
    """Return a module's file with links followed; to follow those of all packages would take longer than a page.

    Of a package, only its entry in the folder of packages is taken for a link.
    """
    folder = _within(file, PACKAGES)
    linked = bool(folder) and _is_link(os.path.join(folder, os.path.relpath(file, folder).partition(os.sep)[0]))
    return file if _within(file, PACKAGES | _STANDARD) and not linked else os.path.realpath(_source(file))


@cache
def _is_link(path: str) -> bool:
    return os.path.islink(path)


def _links_to(path: str) -> set[str]:
    """Return the symbolic links that are followed on the way to a path."""
    links: set[str] = set()
    paths = [path]
    while paths:
        for link in _upwards(paths.pop()):
            if not _is_link(link):
                continue
            link = _entry(link)
            if link not in links:
                links.add(link)
                paths.append(os.path.join(os.path.dirname(link), os.readlink(link)))
    return links


def _entry(path: str) -> str:
    """Return a path with all links followed but the path itself, if it is one."""
    return os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))


def _upwards(path: str) -> Iterator[str]:
    """Yield a path and the folders that it is in, but for the topmost."""
    while path != os.path.dirname(path):
        yield path
        path = os.path.dirname(path)


def _source(path: str) -> str:
    """Return the source of a compiled module; any other file as it is."""
    if path.endswith(".pyc"):
        with contextlib.suppress(ValueError):
            return importlib.util.source_from_cache(path)
    return path


def _init_files(folders: Iterable[str]) -> set[str]:
    """Return the files that would make packages of folders."""
    with contextlib.suppress(TypeError):
        return {os.path.join(folder, "__init__.py") for folder in folders if isinstance(folder, str)}
    return set()


def _absolute(path: Any) -> str:
    """Return a path from the root on; `..` stays in it, since it may come after a link."""
    return _join(_working_directory(), _decode(path))


def _names_asked(frame: FrameType) -> str:
    """Return a regular expression for the names that a function which lists a folder looks for in it.

    Python's own functions list all names and choose among them: what they look for stands in their frames.
    """
    with contextlib.suppress(_anything):
        while frame.f_back and frame.f_code.co_name in ("_iterdir", "_listdir", "_scandir"):
            frame = frame.f_back
        local = frame.f_locals
        match frame.f_globals["__name__"].partition(".")[0], frame.f_code.co_name:
            case "importlib" | "importlib_metadata", "children":
                return _DISTRIBUTIONS
            case "glob", "_glob1":
                return translate(_decode(local["pattern"]) + ("/" if local["dironly"] else ""))
            case "pathlib", "_iterate_directories":
                return _FOLDERS
            case ("pathlib", "_select_from") | ("glob", "select_wildcard"):
                name = local["match"].__self__ if "match" in local else local["self"].match.__self__
                if _is_a(name, _PATTERN):
                    return ("(?i)" if name.flags & _PATTERN_IGNORES_CASE else "") + str(name.pattern)
    return ALL_NAMES


def _record_calls(name: str, record: Callable[[Any], None]) -> None:
    """Replace a function of `os` by one that records the paths that it is called with."""
    function = getattr(os, name)

    @wraps(function)
    def recorded(path: Any, *args: Any, **kwargs: Any) -> Any:
        if _is_a(path, _PATH):
            with contextlib.suppress(_anything):
                record(path)
        return function(path, *args, **kwargs)

    setattr(os, name, recorded)
    for functions in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks, os.supports_effective_ids):
        if function in functions:
            functions.add(recorded)
