"""Assertions that are counted when they hold, and show their values when they do not.

An `assert` of a page is rewritten before it is compiled, so that each side of a comparison
is evaluated once and kept. The functions that libraries assert with are wrapped as they are
imported. Both report to one `Tally`. The names that this adds to a page's namespace begin
with `@`, which no name in Python's grammar can, so nothing that an author writes meets them.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

ASSERTING = {
    "torch.testing": ("assert_close",),
    "numpy.testing": (
        "assert_",
        "assert_allclose",
        "assert_almost_equal",
        "assert_array_almost_equal",
        "assert_array_almost_equal_nulp",
        "assert_array_equal",
        "assert_array_less",
        "assert_array_max_ulp",
        "assert_equal",
        "assert_string_equal",
    ),
    "einsum_doc.compute.verify": ("check",),
}
"""The functions of which a call that returns, and returns no falsehood, counts as one assertion."""

_UNSET = "not evaluated"
_AssertionError = AssertionError  # a page may patch builtins


class Tally:
    """How many assertions have been executed and have held."""

    def __init__(self) -> None:
        self.held = 0
        self._depth = 0

    def counted(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function`, whose outermost calls are counted."""

        @wraps(function)
        def asserting(*args: Any, **kwargs: Any) -> Any:
            self._depth += 1
            try:
                outcome = function(*args, **kwargs)
            finally:
                self._depth -= 1
            if not self._depth and (outcome is None or outcome):
                self.held += 1
            return outcome

        return asserting

    def watch_imports(self) -> None:
        """Count what `ASSERTING` names, in the modules there are and in those still to come."""
        sys.meta_path.insert(0, _Watcher(self))

    def _watch(self, module: ModuleType) -> None:
        for name in ASSERTING[module.__name__]:
            if hasattr(module, name):
                setattr(module, name, self.counted(getattr(module, name)))

    def names(self) -> dict[str, Any]:
        """What a rewritten `assert` calls, to be put into the page's namespace."""
        return {"@mark": self._mark, "@test": self._test, "@failed": failed, "@unset": _UNSET}

    def _mark(self) -> int:
        return self.held

    def _test(self, before: int, outcome: Any) -> bool:
        if outcome:
            # `assert check(...)` is one assertion, not two: what was counted inside is forgotten.
            self.held = before + 1
            return True
        return False


class _Watcher(MetaPathFinder):
    """Finds nothing itself, and wraps an asserting module's loader so that it is watched when loaded."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self.waiting = set(ASSERTING)
        for name in ASSERTING.keys() & sys.modules.keys():
            self.waiting.discard(name)
            tally._watch(sys.modules[name])

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if name not in self.waiting:
            return None
        self.waiting.discard(name)
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        load = spec.loader.exec_module

        def load_and_watch(module: ModuleType) -> None:
            load(module)
            self.tally._watch(module)

        spec.loader.exec_module = load_and_watch  # type: ignore[method-assign]
        return spec


class AssertionRewriter(ast.NodeTransformer):
    """Rewrites each `assert` of a page so that it is counted and its values are kept.

    `assert a < b` becomes, with `@0` and `@1` for names that nobody else can have::

        @0 = @1 = @unset
        if @test(@mark(), (@0 := a) < (@1 := b)): pass
        else: raise @failed("a < b", (@0, @1))
    """

    def __init__(self) -> None:
        self.lines: set[int] = set()
        """The lines on which an assertion stands."""

    def visit_Assert(self, node: ast.Assert) -> list[ast.stmt]:
        self.generic_visit(node)
        text = ast.unparse(node.test)
        self.lines.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        kept = [f"@{position}" for position, _ in enumerate(_sides(node.test))]
        message = [node.msg] if node.msg else []
        _keep(node.test, kept)
        test = _call("@test", _call("@mark"), node.test)
        sides = ast.Tuple([ast.Name(name, ast.Load()) for name in kept], ast.Load())
        raised = ast.Raise(_call("@failed", ast.Constant(text), sides, *message))
        rewritten: list[ast.stmt] = [ast.If(test, [ast.Pass()], [raised])]
        if kept:
            rewritten.insert(
                0, ast.Assign([ast.Name(name, ast.Store()) for name in kept], ast.Name("@unset", ast.Load()))
            )
        for statement in rewritten:
            for each in ast.walk(statement):
                if not hasattr(each, "lineno"):
                    ast.copy_location(each, node)
        return rewritten


def _call(name: str, *args: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(args), [])


def _heart(test: ast.expr) -> ast.Compare | ast.Call | None:
    """The comparison or call that decides a test: of `not (a == b).all()`, `a == b`."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return _heart(test.operand)
    if isinstance(test, ast.Compare):
        return test
    if isinstance(test, ast.Call):
        if test.args or test.keywords:
            return test if not any(isinstance(arg, ast.Starred) for arg in test.args) else None
        if isinstance(test.func, ast.Attribute):
            return _heart(test.func.value)
    return None


def _sides(test: ast.expr) -> list[ast.expr]:
    heart = _heart(test)
    if isinstance(heart, ast.Compare):
        return [heart.left, *heart.comparators]
    return heart.args[:2] if heart else []


def _keep(test: ast.expr, names: Sequence[str]) -> None:
    def named(name: str, value: ast.expr) -> ast.expr:
        return ast.NamedExpr(ast.Name(name, ast.Store()), value)

    heart = _heart(test)
    if isinstance(heart, ast.Compare):
        heart.left = named(names[0], heart.left)
        heart.comparators = [named(*pair) for pair in zip(names[1:], heart.comparators, strict=True)]
    elif heart:
        heart.args[: len(names)] = [named(*pair) for pair in zip(names, heart.args, strict=False)]


def failed(text: str, sides: Sequence[Any], *message: Any) -> AssertionError:
    """The error of an assertion that did not hold; what its sides were is kept as `einsum_doc_details`."""
    error = _AssertionError(*message)
    error.einsum_doc_test = text  # type: ignore[attr-defined]
    try:
        error.einsum_doc_details = list(_compared(sides))  # type: ignore[attr-defined]
    except Exception as reason:  # a value whose repr or arithmetic raises must not hide the failure
        error.einsum_doc_details = [f"its values cannot be shown: {reason!r}"]  # type: ignore[attr-defined]
    return error


def _is_array(value: Any) -> bool:
    return type(value).__module__.split(".")[0] in ("torch", "numpy") and hasattr(value, "shape") and value.shape


def describe(value: Any, limit: int = 160) -> str:
    """A value in at most `limit` characters; an array by its shape and dtype.

    >>> describe(0.03125), describe("text")
    ('0.03125', "'text'")
    """
    if _is_array(value):
        kind = "tensor" if type(value).__module__.startswith("torch") else "array"
        return f"{kind} {tuple(value.shape)} {str(value.dtype).removeprefix('torch.')}"
    text = " ".join(repr(value).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _compared(sides: Sequence[Any]) -> Iterator[str]:
    if len(sides) == 1:
        yield f"value {describe(sides[0])}"
    elif len(sides) == 2:
        yield f"left {describe(sides[0])}, right {describe(sides[1])}"
        left, right = sides
        if _is_array(left) and isinstance(right, int | float | complex):
            right = left * 0 + right
        if _is_array(left) and _is_array(right):
            yield from _mismatch(left, right)
        elif isinstance(left, set | frozenset) and isinstance(right, set | frozenset):
            yield f"only left {describe(left - right)}, only right {describe(right - left)}"
        elif isinstance(left, dict) and isinstance(right, dict):
            for name, one, other in (("left", left, right), ("right", right, left)):
                only = {key: value for key, value in one.items() if key not in other or not _equal(other[key], value)}
                if only:
                    yield f"only {name} {describe(only)}"
    elif sides:
        yield ", ".join(describe(side) if side is not _UNSET else _UNSET for side in sides)


def _equal(left: Any, right: Any) -> bool:
    try:
        return bool(left == right)
    except Exception:  # of two arrays, say
        return left is right


def _mismatch(left: Any, right: Any) -> Iterator[str]:
    if tuple(left.shape) != tuple(right.shape):
        yield "the shapes differ"
        return
    if str(left.dtype) == "bool" or str(left.dtype) == "torch.bool":
        left, right = left * 1, right * 1
    unequal = (left != right).reshape(-1)
    count = int(unequal.sum())
    if not count:
        return
    size = abs(left - right).reshape(-1)
    first, largest = int((unequal * 1).argmax()), int(size.argmax())

    def at(position: int) -> str:
        index, rest = [], position
        for length in reversed(tuple(left.shape)):
            rest, remainder = divmod(rest, length)
            index.append(remainder)
        a, b = left.reshape(-1)[position].item(), right.reshape(-1)[position].item()
        return f"[{', '.join(map(str, reversed(index)))}] {a!r} and {b!r}"

    yield f"{count} of {unequal.shape[0]} elements differ"
    yield f"first at {at(first)}"
    yield f"largest at {at(largest)}, by {size[largest].item():.3g}"
