"""einsum, vjp, jvp, hvp, the public functions: to torch.compile, each is one call."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import torch

from einsum_doc.compute.contraction import differentiable

_P = ParamSpec("_P")
_R = TypeVar("_R")


def _one_call(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Make a function one call for torch.compile, which must not trace its planning in plain Python."""

    @wraps(function)
    def call(*arguments: _P.args, **options: _P.kwargs) -> _R:
        if torch.compiler.is_compiling():
            from einsum_doc.compute.contraction.compiled import in_graph

            result: _R = in_graph(function.__name__, *arguments, **options)
            return result
        return function(*arguments, **options)

    call.__module__ = __name__  # where pickle finds it
    return call


einsum = _one_call(differentiable.einsum)
vjp = _one_call(differentiable.vjp)
jvp = _one_call(differentiable.jvp)
hvp = _one_call(differentiable.hvp)
