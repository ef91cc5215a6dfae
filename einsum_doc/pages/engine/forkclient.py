"""The fork server from the build's side: forkserver.py is at the other end of a socket."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from einsum_doc.pages.verdict.expected import REWRITE
from einsum_doc.pages.worker.resources import thread_limits

_REMOVED = {
    REWRITE,  # a site that a block builds is not to be rewritten along with this one
    "PYTHONOPTIMIZE",  # which would take the assertions out of what a page imports
}
"""Variables of the build's environment that its blocks do not have."""


class ForkServer:
    """The process that workers are forked from."""

    def __init__(self, root: Path, preload: Sequence[str], threads: int) -> None:
        self.root = root
        self.preload = set(preload)
        self.lock = threading.Lock()
        self.control, theirs = socket.socketpair()
        variables = thread_limits(threads) | os.environ
        with theirs:
            # A process group of its own, so that an interrupt reaches the build alone.
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "einsum_doc.pages.engine.forkserver", str(theirs.fileno()), *preload],
                cwd=root,
                env={name: value for name, value in variables.items() if name not in _REMOVED},
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._expect("ready")

    def serves(self, preload: Sequence[str]) -> bool:
        """Return whether it is alive and has imported these modules."""
        return self.process.poll() is None and self.preload >= set(preload)

    def fork(self, descriptors: Sequence[int]) -> None:
        """Fork a worker that owns these descriptors."""
        with self.lock:
            socket.send_fds(self.control, [b"fork"], list(descriptors))
            self._expect("forked")

    def _expect(self, word: str) -> None:
        answer = b""
        while not answer.endswith(b"\n"):
            part = self.control.recv(1)
            if not part:
                raise RuntimeError(f"the fork server ended with status {self.process.wait()}")
            answer += part
        if answer.decode().strip() != word:
            raise RuntimeError(f"the fork server answered {answer!r}, not {word!r}")

    def dismiss(self) -> None:
        """Ask it to exit, with everything that it has started; do not wait."""
        self.control.close()

    def close(self) -> None:
        """End it, with everything that it has started."""
        self.dismiss()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
