"""The public names of a library that a page's code uses, found in its syntax trees.

A name is used if the code imports it and reads it, also in a function that is never called. A name
that is fetched by `getattr` is not found.
"""

from __future__ import annotations

import ast
import sys
import warnings
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from einsum_doc.pages.languages.all import LANGUAGES
from einsum_doc.pages.languages.python import PythonLanguage
from einsum_doc.pages.record.block import Block


def used_names(packages: Sequence[str], blocks: Sequence[Block]) -> dict[str, bool]:
    """Return each public name of the packages that are loaded, and whether the blocks of a page use it.

    A package's names are those in its `__all__`; without one, those that it defines and that do not begin with `_`.
    """
    read = _paths(blocks) if packages else set()
    names = {}
    for package in packages:
        for name in _public(sys.modules[package]) if package in sys.modules else ():
            whole = f"{package}.{name}"
            # Imported from another module, it is the same object: others may have its name.
            paths = {path for path in read if path.endswith(f".{name}")}
            names[whole] = whole in paths or any(_value(path) is _value(whole) is not None for path in paths)
    return names


def _paths(blocks: Sequence[Block]) -> set[str]:
    """Return the names that the blocks read from the modules that they import, as dotted paths."""
    imported: dict[str, str] = {}
    stars, found = set[str](), set[str]()
    for node in (node for block in blocks for node in _nodes(block)):
        if isinstance(node, ast.Import):
            paths = (each.name if each.asname else each.name.partition(".")[0] for each in node.names)
            imported |= {each.asname or path: path for each, path in zip(node.names, paths, strict=True)}
        elif isinstance(node, ast.ImportFrom):
            imported |= {each.asname or each.name: f"{node.module}.{each.name}" for each in node.names}
            stars |= {f"{node.module}." for each in node.names if each.name == "*"}
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
            name, dot, rest = ast.unparse(node).partition(".")
            found |= {start + name + dot + rest for start in stars}
            found |= {imported[name] + dot + rest} if name in imported else set()
    return found


def _nodes(block: Block) -> Sequence[ast.AST]:
    """Return the nodes of a block of Python, its imports first; none if it cannot be parsed, as its run has shown."""
    with warnings.catch_warnings(action="ignore"), suppress(SyntaxError):
        language = LANGUAGES[block.language]
        nodes = ast.walk(ast.parse(language.program(block.code) if isinstance(language, PythonLanguage) else ""))
        return sorted(nodes, key=lambda node: not isinstance(node, ast.Import | ast.ImportFrom))
    return []


def _value(path: str) -> Any:
    owner, _, name = path.rpartition(".")
    with suppress(Exception):  # a module may import what it is asked for
        return getattr(sys.modules.get(owner) or _value(owner), name) if owner else sys.modules.get(name)
    return None


def _public(module: Any) -> Sequence[str]:
    if hasattr(module, "__all__"):
        return [*module.__all__]
    homes = {name: getattr(value, "__module__", "") for name, value in vars(module).items() if callable(value)}
    root = module.__name__.partition(".")[0]
    return [name for name, home in homes.items() if str(home).partition(".")[0] == root and not name.startswith("_")]
