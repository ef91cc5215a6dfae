"""The resources of this machine that pages share: cores, GPUs and memory."""

from __future__ import annotations

import contextlib
import os
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


def available_memory() -> int:
    """Return how much memory is available now, in bytes; a large number if the system does not tell."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return sys.maxsize


def default_memory_limit() -> int:
    """Return three quarters of the machine's memory, in bytes: the limit of a page for which none is set."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 3 // 4
