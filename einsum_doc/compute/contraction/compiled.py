"""The einsum of tensors for torch.compile: one call in the traced graph, looked into only when that is lowered.

This module is imported when the compiler first meets one; importing the compiler takes a second.
"""

from inspect import unwrap
from typing import Any

import torch

from einsum_doc.compute.contraction import differentiable as home


@torch.compiler.allow_in_graph  # type: ignore[untyped-decorator]
def in_graph(name: str, *arguments: Any, **options: Any) -> Any:
    """`einsum`, `vjp`, `jvp` or `hvp`, opaque to Dynamo: it plans in plain Python, which is not to be traced."""
    return unwrap(getattr(home, name))(*arguments, **options)
