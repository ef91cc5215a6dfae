"""einsum for torch.compile: one call in the traced graph, looked into only when that is lowered.

This module is imported when the compiler first meets `einsum`; importing the compiler takes a second.
"""

from typing import Any

import torch
from torch import Tensor

from einsum_doc.compute.binding import Sizes
from einsum_doc.compute.einsum import run


@torch.compiler.allow_in_graph  # type: ignore[untyped-decorator]
def einsum_in_graph(*arguments: Any, sizes: Sizes | None = None, memory_limit: int | None = None) -> Tensor:
    """`einsum`, opaque to Dynamo: it plans in plain Python, which is not to be traced."""
    return run(*arguments, sizes=sizes, memory_limit=memory_limit)
