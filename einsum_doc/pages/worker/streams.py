"""The output of a block, redirected at the file descriptors, so that no writer is missed."""

from __future__ import annotations

import io
import os
import sys


class Streams:
    """Standard output and error of a block, as the files that the parent reads.

    They are put back before every block, since a block may close, replace or redirect them.
    """

    def __init__(self, output: int, errors: int) -> None:
        import ctypes  # slow to import

        self.files = {1: output, 2: errors}
        self.libc = ctypes.CDLL(None)

    def open(self) -> None:
        """Point the descriptors 1 and 2, `sys.stdout` and `sys.stderr`, at the files."""
        for standard, file in self.files.items():
            os.dup2(file, standard, inheritable=True)
        for name, standard in (("stdout", 1), ("stderr", 2)):
            # Unbuffered beneath, so that nothing is lost when the worker is killed, and lines of
            # print and of a C library or a child process come in the order they were written.
            raw = io.FileIO(standard, "wb", closefd=False)
            stream = io.TextIOWrapper(raw, "utf-8", "backslashreplace", write_through=True)
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)

    def flush(self) -> None:
        """Flush the buffers of Python and of C."""
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:
                continue
        self.libc.fflush(None)
