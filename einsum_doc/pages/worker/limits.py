"""The limits of a worker: its memory, and its share of the cores and GPUs."""

from __future__ import annotations

import os
import resource
import sys


def limit_memory(size: int) -> None:
    """Make allocations beyond `size` bytes fail in the block that makes them, where the system can; 0 is no limit."""
    if size and sys.platform == "linux":
        # The data segment, not the address space: a GPU's driver reserves far more of that than there is.
        resource.setrlimit(resource.RLIMIT_DATA, (size, size))


def thread_limits(threads: int) -> dict[str, str]:
    """Return the variables that tell libraries of linear algebra how many threads to start; none for 0."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return dict.fromkeys(names, str(threads)) if threads else {}


def limit_cores(threads: int, gpu: str) -> None:
    """Limit this process to a number of threads and to one GPU; 0 and "" are no limit."""
    if gpu:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    os.environ.update(thread_limits(threads))
    torch = sys.modules.get("torch")
    if threads and torch is not None:
        torch.set_num_threads(threads)
