"""Modules: a missing one, and functions that are called with one when it is loaded, before anything can use it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


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
