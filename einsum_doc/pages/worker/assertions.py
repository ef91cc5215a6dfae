"""Assertions: counted when they hold, shown with their values when they do not.

An `assert` of a page is rewritten before it is compiled, so that each side of a comparison
is evaluated once and kept. The asserting functions of libraries are wrapped as their modules are
imported. Both are counted by one `Tally`. The names that this adds to Python's builtins, and for the
length of an assertion to the frame that it stands in, contain an `@`, which no name in Python's
grammar does, so that they never meet an author's. Functions among them begin with `_`:
`torch.compile` does not take such a name for one of Python's own.
"""

from __future__ import annotations

import ast
import dis
import sys
import threading
from collections.abc import Callable, Sequence
from functools import wraps
from sys import _getframe
from types import FrameType, FunctionType, ModuleType
from typing import Any

from einsum_doc.pages.languages import all as languages
from einsum_doc.pages.worker.comparison import UNSET, compared
from einsum_doc.pages.worker.imports import when_loaded
from einsum_doc.pages.worker.values import VALUE

ASSERTING = {"torch.testing": "assert", "numpy.testing": "assert", "doctest": "test"} | languages.ASSERTING
"""Modules, and how the names of their asserting functions begin.

A call that returns, and returns nothing false, counts as one assertion. A result of `doctest` is false if an
example has failed.
"""

_AssertionError = AssertionError  # a page may patch builtins


class Tally:
    """Counts the assertions that have been executed and have held."""

    def __init__(self) -> None:
        self.count = 0
        self._thread = _Thread()

    def counted(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function whose outermost calls are counted as assertions, if they are true."""

        @wraps(function)
        def asserting(*args: Any, **kwargs: Any) -> Any:
            thread = self._thread
            thread.depth += 1
            try:
                outcome = function(*args, **kwargs)
            finally:
                thread.depth -= 1
            if thread.depth or getattr(outcome, "attempted", 1) == 0:  # a docstring without examples
                return outcome
            if outcome is None or (outcome and not getattr(outcome, "failed", 0)):
                self.count += 1
                thread.counted = outcome
            elif _is_discarded(_getframe(1)):
                raise _AssertionError(f"what {function.__name__} found is false\n{outcome}")
            return outcome

        return asserting

    def watch_imports(self) -> None:
        """Count the calls of the functions that `ASSERTING` names, once their modules are loaded."""
        when_loaded(dict.fromkeys(ASSERTING, self._watch))

    def _watch(self, module: ModuleType) -> None:
        for name, value in list(vars(module).items()):
            if name.startswith(ASSERTING[module.__name__]) and isinstance(value, FunctionType):
                setattr(module, name, self.counted(value))

    def names(self) -> dict[str, Any]:
        """Return the functions that a rewritten `assert` calls, to be put among Python's builtins."""
        modules, thread = sys.modules, self._thread

        def holds(outcome: Any) -> bool:
            compiler = modules.get("torch.compiler")
            if compiler is not None and compiler.is_dynamo_compiling():  # which could not follow what comes
                return True if outcome else False  # noqa: SIM210 — a page may patch bool
            if not outcome:
                return False
            # `assert check(...)` is one assertion, not two: the call has been counted.
            if outcome is not thread.counted:
                self.count += 1
            thread.counted = None
            return True

        return {"_@holds": holds, "_@failed": failed}


class _Thread(threading.local):
    """The calls of asserting functions in a thread."""

    depth = 0
    """The number of those that have not returned."""
    counted: Any = None
    """The value of the last one that was counted."""


def _is_discarded(frame: FrameType) -> bool:
    """Return whether the value of the call that a frame is at is used for nothing, or is only shown."""
    instructions = dis.get_instructions(frame.f_code)
    following = next((each for each in instructions if each.offset > frame.f_lasti), None)
    if following is None:
        return False
    name, argument = following.opname, following.argval
    return name in ("POP_TOP", "PRINT_EXPR") or (name, argument) in _SHOWN


_SHOWN = {("STORE_NAME", VALUE), ("CALL_INTRINSIC_1", 1)}
"""The instructions by which a value is shown; the number is that of PRINT_EXPR since Python 3.12."""


class AssertionRewriter(ast.NodeTransformer):
    """Rewrites each `assert` of a page so that it is counted and its values are kept.

    `assert a < b` becomes, with `@0` and `@1` for names that nobody else can have::

        @0 = @1 = UNSET
        if _@holds((@0 := a) < (@1 := b)): del @0, @1
        else: raise _@failed("a < b", (("a < b", (@0, @1), True),))

    No values are kept where the code could see their names: in the body of a class, whose metaclass may read
    every name in it, and in a test that asks for the names there are.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: set[int] = set()
        """The lines on which an assertion stands."""
        self._in_class = False

    def visit(self, node: ast.AST) -> Any:
        """Rewrite the assertions in a node."""
        outside = self._in_class
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            self._in_class = isinstance(node, ast.ClassDef)
        rewritten = super().visit(node)
        self._in_class = outside
        return rewritten

    def visit_Assert(self, node: ast.Assert) -> list[ast.stmt]:
        text = ast.unparse(node.test)
        if isinstance(node.test, ast.Tuple) and node.test.elts:
            message = f"the assertion of a tuple always holds: {text}; write `assert test, message` without parentheses"
            raise SyntaxError(message, (self.file, node.lineno, 0, None))
        self.lines.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        keeper = _Keeper()
        if not self._in_class and not _reads_names(node.test):
            node.test = keeper.parts(node.test)
        kept = keeper.names
        arguments = [keeper.argument(), *([node.msg] if node.msg else [])]
        raised = ast.Raise(_call("_@failed", ast.Constant(text), *arguments))
        held: ast.stmt = ast.Delete([ast.Name(name, ast.Del()) for name in kept]) if kept else ast.Pass()
        rewritten: list[ast.stmt] = [ast.If(_call("_@holds", node.test), [held], [raised])]
        if kept:
            unset = ast.Assign([ast.Name(name, ast.Store()) for name in kept], ast.Constant(UNSET))
            rewritten.insert(0, unset)
        return [ast.copy_location(each, node) for each in rewritten]


def _reads_names(test: ast.expr) -> bool:
    """Return whether a test may see which names there are."""
    names = {each.id for each in ast.walk(test) if isinstance(each, ast.Name)}
    return not names.isdisjoint({"dir", "eval", "exec", "globals", "locals", "vars"})


def _call(name: str, *args: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(args), [])


def _deciding(test: ast.expr) -> ast.Compare | ast.Call | None:
    """Return the comparison or call that decides a test, such as `a == b` in `not (a == b).all()`."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return _deciding(test.operand)
    if isinstance(test, ast.Compare):
        return test
    if isinstance(test, ast.Call):
        if len(test.args) == 1 and isinstance(test.args[0], ast.Compare) and not test.keywords:
            return test.args[0]
        if test.args or test.keywords:
            return None if any(isinstance(arg, ast.Starred | ast.GeneratorExp) for arg in test.args) else test
        if isinstance(test.func, ast.Attribute):
            return _deciding(test.func.value)
    return None


class _Keeper:
    """Rewrites a test so that the sides of its comparisons are kept, under new names."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.texts: list[tuple[str, int, bool]] = []
        """The parts of a test, as of `a and b`: the number of names after each, and whether its sides are alike."""

    def parts(self, test: ast.expr) -> ast.expr:
        """Return a test that keeps the sides of each of its parts."""
        if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
            test.values = [self.parts(value) for value in test.values]
            return test
        text = ast.unparse(test)
        deciding = _deciding(test)
        if isinstance(deciding, ast.Compare):
            deciding.left, *deciding.comparators = map(self._keep, [deciding.left, *deciding.comparators])
        elif deciding and deciding.args:
            deciding.args[:2] = map(self._keep, deciding.args[:2])
        elif isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            test.operand = self._keep(test.operand)
        else:
            test = self._keep(test)
        alike = not (isinstance(deciding, ast.Compare) and isinstance(deciding.ops[0], ast.In | ast.NotIn))
        self.texts.append((text, len(self.names), alike))
        return test

    def _keep(self, value: ast.expr) -> ast.expr:
        self.names.append(f"@{len(self.names)}")
        return ast.NamedExpr(ast.Name(self.names[-1], ast.Store()), value)

    def argument(self) -> ast.expr:
        """Return the argument `parts` of `failed`: each part with its sides."""
        parts: list[ast.expr] = []
        start = 0
        for text, end, alike in self.texts:
            sides: list[ast.expr] = [ast.Name(name, ast.Load()) for name in self.names[start:end]]
            part = [ast.Constant(text), ast.Tuple(sides, ast.Load()), ast.Constant(alike)]
            parts.append(ast.Tuple(part, ast.Load()))
            start = end
        return ast.Tuple(parts, ast.Load())


def failed(text: str, parts: Sequence[tuple[str, Sequence[Any], bool]], *message: Any) -> AssertionError:
    """Return the error of an assertion that did not hold; `einsum_doc_details` of it are the values of its sides."""
    error = _AssertionError(*message)
    error.einsum_doc_test = text  # type: ignore[attr-defined]
    details = error.einsum_doc_details = []  # type: ignore[attr-defined]
    try:
        # Of `a and b`, the last one that was evaluated has failed.
        for part, sides, alike in [each for each in parts if any(side is not UNSET for side in each[1])][-1:]:
            details += [part] if len(parts) > 1 else []
            for line in compared(sides, differ=alike):
                details.append(line)
    except Exception as reason:  # a value whose repr or arithmetic raises must not hide the failure
        details.append(f"more of its values cannot be shown: {reason!r}")
    return error
