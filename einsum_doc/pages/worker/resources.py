"""The resources of this machine, and a worker's share of them: cores, GPUs and memory."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def gpus() -> list[str]:
    """Return the numbers of the GPUs that may be used, as the system lists them: torch takes too long to load."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    found = sorted(path.name.removeprefix("nvidia") for path in Path("/dev").glob("nvidia[0-9]*"))
    return found if visible is None else [each.strip() for each in visible.split(",") if found and each.strip()]


def cpu_name() -> str:
    """Return what results call the CPU: nothing on a machine without a GPU, where all of them are from it."""
    return "CPU" if gpus() else ""


def limit_memory(size: int) -> None:
    """Make allocations beyond `size` bytes fail in the block that makes them, where the system can.

    0 stands for three quarters of the machine's memory.
    """
    if sys.platform == "linux":
        size = size or os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 3 // 4
        # The data segment, not the address space: a GPU's driver reserves far more of that than there is.
        # The soft limit alone: the next block may have a larger one.
        most = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(resource.RLIMIT_DATA, (size if most == resource.RLIM_INFINITY else min(size, most), most))


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
