"""einsum, vjp, jvp, hvp, the public functions: one call each to torch.compile."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

import torch

from einsum_doc.compute.contraction import differentiable

_P = ParamSpec("_P")
_R = TypeVar("_R")


def _one_call(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Make a function one call for torch.compile, which must not trace its planning."""

    @wraps(function)
    def call(*arguments: _P.args, **options: _P.kwargs) -> _R:
        if torch.compiler.is_compiling():
            from einsum_doc.compute.contraction import public

            return cast(_R, public.in_graph(function.__name__, *arguments, **options))  # type: ignore[misc]
        return function(*arguments, **options)

    call.__module__ = __name__  # where pickle finds it
    return call


def __getattr__(name: str) -> Any:
    """Return `in_graph`, which Dynamo calls without tracing it, when it first asks: torch's compiler takes a second."""
    if name != "in_graph":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = torch.compiler.allow_in_graph(_call)  # type: ignore[no-untyped-call]
    return globals()[name]  # compiled programs look it up at each call


def _call(name: str, *arguments: Any, **options: Any) -> Any:
    return getattr(differentiable, name)(*arguments, **options)


einsum = _one_call(differentiable.einsum)
vjp = _one_call(differentiable.vjp)
jvp = _one_call(differentiable.jvp)
hvp = _one_call(differentiable.hvp)
