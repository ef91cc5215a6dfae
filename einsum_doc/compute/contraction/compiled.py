"""The einsum of tensors as one call in the graph of torch.compile, traced only when the graph is lowered.

Only a compiler imports this module, when it first meets such a call: importing torch's compiler takes a second.
"""

from typing import Any

import torch

from einsum_doc.compute.contraction import differentiable


@torch.compiler.allow_in_graph  # type: ignore[untyped-decorator]
def in_graph(name: str, *arguments: Any, **options: Any) -> Any:
    """Call `einsum`, `vjp`, `jvp` or `hvp` without Dynamo tracing it: it plans in plain Python."""
    return getattr(differentiable, name)(*arguments, **options)
