"""Modules: a missing one, and functions that are called with one when it is loaded, before anything can use it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from time import perf_counter
from types import ModuleType
from typing import Any

from einsum_doc.pages.worker.recorder import is_installed

SLOW = 0.1
"""The time from which an import is worth mentioning, in seconds."""


def missing_module(names: Sequence[str]) -> str:
    """Return the reason to skip a block that needs a module, if it is missing; `names` begin with its packages."""
    for name in names:
        sys.audit("import", name, None, None, None, None)  # to search for it is no import, but as much a dependency
        if importlib.util.find_spec(name) is None:
            return f"{names[-1]} is not installed"
    return ""


def when_loaded(actions: Mapping[str, Callable[[ModuleType], None]]) -> None:
    """Call each action with the module of its name: at once if it is loaded, else when it is."""
    for name in actions.keys() & sys.modules.keys():
        actions[name](sys.modules[name])
    sys.meta_path.insert(0, _Watcher({name: act for name, act in actions.items() if name not in sys.modules}))


class ImportTimes(MetaPathFinder):
    """Times the imports of installed packages, each with everything that it imports itself."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        """The time that each took, by name, if it is worth mentioning."""
        self.is_busy = False
        sys.meta_path.insert(0, self)

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        """Return the spec of a module that is not imported by an installed one, so that it is timed."""
        if path is not None or self.is_busy:
            return None
        self.is_busy = True
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self.is_busy = False
        if is_installed(spec) and type(spec) is ModuleSpec:
            spec.__class__ = _TimedSpec
            spec.times = self  # type: ignore[attr-defined]
        return spec


class _TimedSpec(ModuleSpec):
    """Times the import of its module by the attribute that Python sets around it.

    A wrapper of the loader would be a frame above the module, which its warnings would name.
    """

    times: ImportTimes

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name != "_initializing":
            return
        times = self.times
        times.is_busy = value
        if value:
            self.start = perf_counter()
        else:
            seconds = perf_counter() - self.start
            times.seconds |= {self.name: seconds} if seconds >= SLOW else {}
            del self.times, self.start
            self.__class__ = ModuleSpec  # type: ignore[assignment]


class _Watcher(MetaPathFinder):
    """Wraps the loaders of the modules that are waited for, and finds no other."""

    def __init__(self, waiting: dict[str, Callable[[ModuleType], None]]) -> None:
        self.waiting = waiting

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        act = self.waiting.pop(name, None)
        if act is None:
            return None
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        self.waiting[name] = act  # which may not be loaded now, but only looked for
        load = spec.loader.exec_module

        def load_and_act(module: ModuleType) -> None:
            self.waiting.pop(name, None)
            load(module)
            act(module)

        spec.loader.exec_module = load_and_act  # type: ignore[method-assign]
        return spec
