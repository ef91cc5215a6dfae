"""Functions that are called with a module when it is loaded, before anything else can use it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Mapping
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


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
        load = spec.loader.exec_module

        def load_and_act(module: ModuleType) -> None:
            load(module)
            act(module)

        spec.loader.exec_module = load_and_act  # type: ignore[method-assign]
        return spec
