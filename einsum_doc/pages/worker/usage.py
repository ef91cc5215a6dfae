"""Which public names of a library a page's own code has used, seen while it ran.

Each expression of a block in which a name stands that was imported from the library is compiled
so that its value passes through a function that notes it. Nothing of the library is wrapped or changed, and
what it calls itself does not count: this tells what a page shows, not what it happens to reach.
What is not seen errs on the side of `not used`: a name that is fetched by `getattr`, and one that
stands only in a function which `torch.compile` has traced.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

_NOTE = "_@used"
"""The name of that function: no author's code can meet it, and `torch.compile` takes it for none of Python's own."""

_Node = TypeVar("_Node", bound=ast.AST)
_id = id  # a page may patch builtins


class Usage:
    """What the blocks of a page use of the packages that its site calls its library."""

    def __init__(self, packages: Sequence[str] = ()) -> None:
        self.packages = packages
        self._roots = {package.partition(".")[0] for package in packages}
        self._imported: dict[str, str] = {}
        """Each name that an import has bound on the page, and the name that it is imported by."""
        self._star = False
        """Whether any name may be the library's: `from library import *` does not say which are."""
        self._seen: set[tuple[str, int]] = set()

    def names(self) -> dict[str, Any]:
        """What a watched block calls, to be put among Python's builtins."""
        seen, modules, identity = self._seen, sys.modules, _id

        def note(name: str, value: Any) -> Any:
            compiler = modules.get("torch.compiler")
            if compiler is None or not compiler.is_dynamo_compiling():  # which could not follow what comes
                seen.add((name, identity(value)))
            return value

        return {_NOTE: note} if self.packages else {}

    def watched(self, tree: _Node) -> _Node:
        """The code of a block, in which what may be the library's is noted when it is used."""
        for node in ast.walk(tree) if self.packages else ():
            if isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.name.partition(".")[0] in self._roots:
                        name = alias.asname or alias.name.partition(".")[0]
                        self._imported[name] = name  # a module: what counts are its attributes
            elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in self._roots:
                self._imported |= {alias.asname or alias.name: alias.name for alias in node.names}
                self._star = self._star or "*" in self._imported
        if not self._imported:
            return tree
        watched: _Node = _Watch(self._imported, self._star).visit(tree)
        return watched

    def found(self) -> dict[str, bool]:
        """Each public name of the packages that are loaded, and whether it has been used.

        A package's names are those of its `__all__`; without one, what it has defined and does not begin with `_`.
        """
        names = {}
        for package in self.packages:
            module = sys.modules.get(package)
            for name in _public(module) if module else ():
                seen = {value for noted, value in self._seen if noted == name}
                # Asked for only if something of that name was used: it may be imported when it is.
                names[f"{package}.{name}"] = bool(seen) and _id(getattr(module, name, None)) in seen
        return names


def _public(module: Any) -> Sequence[str]:
    if hasattr(module, "__all__"):
        return [*module.__all__]
    root = module.__name__.partition(".")[0]
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and callable(value)
        if str(getattr(value, "__module__", "")).partition(".")[0] == root
    ]


class _Watch(ast.NodeTransformer):
    """Has the values of names and attributes noted, where an expression may stand in their place."""

    def __init__(self, imported: Mapping[str, str], star: bool) -> None:
        self.imported = imported
        self.star = star

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Have the value noted if the name may be the library's."""
        if isinstance(node.ctx, ast.Load) and (node.id in self.imported or (self.star and node.id.isidentifier())):
            return _noted(self.imported.get(node.id, node.id), node)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """Have the value noted if it comes from a name that may be the library's."""
        root: ast.expr = node
        while isinstance(root, ast.Attribute):
            root = root.value
        self.generic_visit(node)
        if isinstance(node.ctx, ast.Load) and isinstance(root, ast.Name) and root.id in self.imported:
            return _noted(node.attr, node)
        return node

    def visit_match_case(self, node: ast.match_case) -> ast.match_case:
        """Leave patterns as they are: names in them are not expressions."""
        node.guard = self.visit(node.guard) if node.guard else None
        node.body = [self.visit(statement) for statement in node.body]
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        """Leave annotations as they are: they may be kept as text."""
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AnnAssign:
        """Leave the annotation as it is."""
        node.value = self.visit(node.value) if node.value else None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        """Leave what it says that it returns as it is."""
        returns, node.returns = node.returns, None
        self.generic_visit(node)
        node.returns = returns
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AsyncFunctionDef:
        """Leave what it says that it returns as it is."""
        returns, node.returns = node.returns, None
        self.generic_visit(node)
        node.returns = returns
        return node


def _noted(name: str, node: ast.expr) -> ast.expr:
    call = ast.Call(ast.Name(_NOTE, ast.Load()), [ast.Constant(name), node], [])
    return ast.copy_location(call, node)
