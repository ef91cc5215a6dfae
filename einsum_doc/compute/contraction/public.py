"""einsum, vjp, jvp, hvp, the public functions: compiled and overridden as functions of torch are."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, NoReturn, ParamSpec, TypeVar, cast

import torch
from torch import Tensor
from torch.overrides import _get_current_function_mode_stack, handle_torch_function, has_torch_function

from einsum_doc.compute.contraction import differentiable
from einsum_doc.compute.contraction.pairwise import is_of_torch, torch_einsum, torch_takes
from einsum_doc.equation import Equation

_P = ParamSpec("_P")
_R = TypeVar("_R")


def _as_of_torch(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Make a function one call for torch.compile, and one that `__torch_function__` overrides."""

    @wraps(function)
    def call(*arguments: _P.args, **options: _P.kwargs) -> _R:
        if torch.compiler.is_compiling():  # Dynamo must not trace the planning in plain Python
            from einsum_doc.compute.contraction import public

            return cast(_R, public.in_graph(function.__name__, *arguments, **options))  # type: ignore[misc]
        listed = arguments[1] if len(arguments) > 1 and isinstance(arguments[1], (list, tuple)) else ()
        if has_torch_function((*arguments, *listed)) and _is_overridden((*arguments, *listed)):
            if call is einsum and not options.get("sizes") and torch_takes(differentiable.read_call(arguments)[0]):
                # What overrides torch.einsum overrides this one too.
                return cast(_R, torch_einsum(*(str(own) if isinstance(own, Equation) else own for own in arguments)))
            return handle_torch_function(call, (*arguments, *listed), *arguments, **options)
        return function(*arguments, **options)

    def refuse() -> NoReturn:
        raise RuntimeError(
            f"torch.jit.script cannot compile einsum_doc.{function.__name__}, which plans in Python: "
            "use torch.compile, torch.export or torch.jit.trace, or torch.einsum in the script"
        )

    call.__module__ = __name__  # where pickle and torch.fx find it
    call.__prepare_scriptable__ = refuse  # type: ignore[attr-defined]  # torch.jit.script calls it first
    return call


def _is_overridden(arguments: Sequence[Any]) -> bool:
    """Return whether a mode or the type of an argument overrides calls; modes of torch itself do not.

    One of these is that of `torch.set_default_device`, under which a program may run as a whole.
    """
    off = torch._C._disabled_torch_function_impl
    modes = _get_current_function_mode_stack()  # type: ignore[no-untyped-call]
    return not all(map(is_of_torch, modes)) or any(
        type(own) is not Tensor and getattr(type(own), "__torch_function__", off) is not off for own in arguments
    )


def __getattr__(name: str) -> Any:
    """Return `in_graph`, which Dynamo calls without tracing it, when it first asks: torch's compiler takes a second."""
    if name != "in_graph":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = torch.compiler.allow_in_graph(_call)  # type: ignore[no-untyped-call]
    return globals()[name]  # compiled programs look it up at each call


def _call(name: str, *arguments: Any, **options: Any) -> Any:
    return getattr(differentiable, name)(*arguments, **options)


einsum = _as_of_torch(differentiable.einsum)
vjp = _as_of_torch(differentiable.vjp)
jvp = _as_of_torch(differentiable.jvp)
hvp = _as_of_torch(differentiable.hvp)
