"""The build's side of a worker: the server that forks it, its requests and answers, its output, and its end."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Collection, Sequence
from math import inf
from pathlib import Path
from typing import IO, TypeVar

from einsum_doc.pages.record.block import Block, Location
from einsum_doc.pages.record.codec import from_facts, to_json
from einsum_doc.pages.record.messages import BlockAnswer, Dependencies, Job, PageAnswer, Request, Start, WorkerSettings
from einsum_doc.pages.record.options import Options
from einsum_doc.pages.verdict.expected import REWRITE
from einsum_doc.pages.worker.resources import thread_limits

SHOWN = 100_000
"""The part of an output beyond its limit that is kept, in bytes."""
SENT = 64 * 2**20
"""The room for an answer's other parts, in bytes: messages of errors, dependencies."""
UNWATCHED = "the block has ended or stopped the process that watches over its own"

_REMOVED = {
    REWRITE,  # a site that a block builds is not to be rewritten along with this one
    "PYTHONOPTIMIZE",  # which would take the assertions out of what a page imports
}
"""Variables of the build's environment that its blocks do not have."""

_DUMP = re.compile(r"^(?:Fatal Python error: |Timeout \().*\n", re.M)
_THREAD = re.compile(r"^(?:Current thread|Thread) 0x.*\n", re.M)
_FRAME = re.compile(r'^  File "(?P<file>[^"]+)", line (?P<line>\d+) in', re.M)
_Answer = TypeVar("_Answer", BlockAnswer, PageAnswer)


class ForkServer:
    """The process that workers are forked from, seen from the build: forkserver.py is at the other end of a socket."""

    def __init__(self, root: Path, preload: Sequence[str], threads: int) -> None:
        self.root = root
        self.preload = set(preload)
        self.stale = False
        """True if a file that it has loaded has changed since."""
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

    def serves(self, preload: Sequence[str]) -> bool:
        """Return whether it can fork, and imports these modules."""
        runs = self.control.fileno() != -1 and self.process.poll() is None
        return runs and not self.stale and self.preload >= set(preload)

    def is_current(self) -> bool:
        """Return whether the files that it has loaded are unchanged; wait until it has loaded them."""
        with self.lock, contextlib.suppress(OSError):
            self.control.sendall(b"state")
            self.stale = self.control.recv(1) == b"!"
        return not self.stale

    def fork(self, descriptors: Sequence[int]) -> None:
        """Fork a worker that owns these descriptors."""
        with self.lock, contextlib.suppress(OSError):
            socket.send_fds(self.control, [b"fork"], list(descriptors))
            if self.control.recv(1):  # a byte for each worker that has been forked
                return
        raise RuntimeError(f"the fork server ended with status {self.process.wait()}")

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


class NoAnswerError(Exception):
    """The worker did not answer: the name of the error, its message, and the option of the limit that it reached."""

    def __init__(self, error: str, message: str, option: str = "") -> None:
        super().__init__(error, message)
        self.error, self.message, self.option = error, message, option
        self.details = (f"the option {option} of the block, or of the site, is the limit",) if option else ()


def too_much(limits: Options) -> NoAnswerError:
    """Return the error of a block that has written more than its limit."""
    message = f"the block wrote more than {limits.output_limit:g} MiB of output"
    return NoAnswerError("OutputError", message, "output_limit")


class Connection:
    """The sockets to a worker and to its supervisor, and the files that the worker writes to."""

    def __init__(self, server: ForkServer, settings: WorkerSettings, job: Job) -> None:
        self.talk, talk = socket.socketpair()
        self.life, life = socket.socketpair()
        self.output, self.errors, self.dump = self.files = OutputFile(), OutputFile(), OutputFile()
        self.reports = b""
        self.nonce = ""
        with talk, life:
            server.fork([talk.fileno(), life.fileno(), *(file.fileno() for file in self.files)])
        self.unsent = to_json(Start(settings, job.sources)) + "\n"

    def ask(self, kind: type[_Answer], block: Block | None, limits: Options, late: str) -> _Answer:
        """Send a request and return its answer.

        Raises: NoAnswerError, if the worker ends or writes too much; with the message `late`, if it takes too long.
        """
        self.nonce = secrets.token_hex(16)
        self.talk.settimeout(limits.timeout)
        try:
            self.talk.sendall((self.unsent + to_json(Request(self.nonce, block)) + "\n").encode())
            self.unsent = ""
            return self._answer(kind, limits, late)
        except OSError:
            raise NoAnswerError("WorkerError", self._how_it_ended()) from None

    def dependencies(self) -> Dependencies | None:
        """Interrupt the worker and return what its page has depended on so far; None if it does not answer."""
        # A block may have written more than its limit.
        limits = Options(timeout=5, output_limit=inf)
        with contextlib.suppress(OSError, ValueError, NoAnswerError):
            _, worker = map(int, self.reports.split())  # not if it has ended
            os.kill(worker, signal.SIGXCPU)
            return self._answer(PageAnswer, limits, "").dependencies
        return None

    def _answer(self, kind: type[_Answer], limits: Options, late: str) -> _Answer:
        deadline = time.monotonic() + limits.timeout + 0.2
        answer = bytearray()
        while not answer.endswith(b"\n"):
            wait = min(0.2, max(0.0, deadline - time.monotonic()))
            ready, _, _ = select.select([self.talk, self.life], [], [], wait)
            if self.talk in ready:
                part = self.talk.recv(1 << 16)
                if not part:
                    raise NoAnswerError("WorkerError", self._how_it_ended())
                answer += part
                if (
                    len(answer) > SENT + 3 * limits.output_bytes
                ):  # JSON has up to three bytes for one of a printable text
                    raise NoAnswerError("OutputError", "what the block shows is too large", "output_limit")
            elif self.life in ready:
                if not self._receive_report() or self.end is not None:
                    raise NoAnswerError("WorkerError", self._how_it_ended())
            elif max(self.output.size(), self.errors.size()) > limits.output_bytes:
                raise too_much(limits)
            elif time.monotonic() >= deadline:
                raise NoAnswerError("TimeoutError", late, "timeout")
        with contextlib.suppress(ValueError, TypeError, KeyError):
            facts = json.loads(answer)
            if facts["nonce"] == self.nonce:
                return from_facts(kind, facts)
        raise NoAnswerError("WorkerError", "the block has answered in the worker's place")

    @property
    def end(self) -> int | None:
        """The exit status of the worker; None if the supervisor has not reported it."""
        lines = self.reports.split(b"\n")
        return int(lines[1]) if len(lines) > 2 else None

    def _receive_report(self) -> bool:
        """Receive a report of the supervisor; return False if it has closed its socket."""
        part = self.life.recv(4096)
        self.reports += part
        return bool(part)

    def _await_end(self, seconds: float) -> None:
        self.life.settimeout(seconds)
        with contextlib.suppress(OSError):
            while self.end is None and self._receive_report():
                pass

    def _how_it_ended(self) -> str:
        """Wait for the end of the worker and return it in words."""
        self._await_end(5)
        if self.end is None:
            return UNWATCHED
        if self.end < 0:
            name = next((each.name for each in signal.Signals if each == -self.end), f"signal {-self.end}")
            return f"the block's process was killed by {name}"
        return f"the block ended its process, with exit status {self.end}: what follows was never checked"

    def stop(self) -> None:
        """End the worker and everything that the page has left running; return when they are gone."""
        if self.life.fileno() == -1:
            return
        with contextlib.suppress(OSError):
            self.life.shutdown(socket.SHUT_WR)
        self._await_end(10)
        self.life.close()
        self.talk.close()
        if self.end is None:
            supervisor, worker = map(int, self.reports.split() or (0, 0))
            for kill, process in ((os.kill, supervisor), (os.killpg, worker)):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    if process:
                        kill(process, signal.SIGKILL)

    def close(self) -> None:
        """Close the files of a worker that has been stopped."""
        for file in self.files:
            file.close()


class OutputFile:
    """A file that a worker writes its standard output or error to, read block by block."""

    def __init__(self) -> None:
        self.file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 — it lives as long as the page
        self.position = 0
        # Appending: several processes may write to it, and none may overwrite another.
        fcntl.fcntl(self.file.fileno(), fcntl.F_SETFL, os.O_APPEND)

    def fileno(self) -> int:
        """Return its descriptor."""
        return self.file.fileno()

    def close(self) -> None:
        """Close and delete it."""
        self.file.close()

    def size(self) -> int:
        """Return how many bytes have not been read."""
        return os.fstat(self.fileno()).st_size - self.position

    def read(self, limit: float) -> tuple[str, bool]:
        """Return what has been written since the last call, and whether that is all: beyond the limit, it is not."""
        size = self.size()
        data = os.pread(self.fileno(), size if size <= limit else SHOWN, self.position)
        self.position += size
        return data.decode("utf-8", "replace"), size <= limit


def location_in_dump(dump: str, sources: Collection[str]) -> Location | None:
    """Return the line of a page in the last dump of faulthandler, that of the main thread if it has one."""
    last = _DUMP.split(dump)[-1]
    for thread in reversed(_THREAD.split(last)):
        for frame in _FRAME.finditer(thread):
            if frame["file"] in sources:
                return Location(frame["file"], int(frame["line"]))
    return None
