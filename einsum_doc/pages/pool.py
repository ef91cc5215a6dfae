"""Blocks -> Results: a worker for each page, on its device, within its limits.

Pages are submitted as soon as they are read and run in the background, each in a process of
its own forked from one fork server; the builder collects each result where the block is
rendered. Whatever a block does to its process, it comes back as a Result.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import queue
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from einsum_doc.pages.block import Block, Expected, Failure, Place, Result, result_from, to_json
from einsum_doc.pages.expected import REWRITE, differs
from einsum_doc.pages.fence import DERIVATION, EINSUM
from einsum_doc.pages.redaction import Redaction

SHOWN = 100_000
"""How much of what a block writes is kept, in bytes; what is cut off is said."""
WRITTEN = 256 * 2**20
"""How much a block may write to its output before it is stopped, in bytes."""

_DUMP = re.compile(r"^(?:Fatal Python error: |Timeout \(|Current thread 0x|Thread 0x)", re.M)
_FRAME = re.compile(r'^  File "(?P<file>[^"]+)", line (?P<line>\d+) in', re.M)


@dataclass(frozen=True)
class Limits:
    """What a page's code may use."""

    seconds: float = 60.0
    """Wall-clock time for one block."""
    memory: int = 0
    """Bytes of memory for a page's process, beside what a GPU has; 0 for three quarters of the machine's."""

    @property
    def bytes(self) -> int:
        """The limit in bytes."""
        return self.memory or os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 3 // 4


@dataclass(frozen=True)
class Page:
    """What is run in one worker: the blocks of a page, in order."""

    blocks: Sequence[Block]
    sources: Mapping[str, Sequence[str]]
    """The lines of each file that a block stands in, for the source lines of tracebacks."""


@dataclass(frozen=True)
class PoolSettings:
    """How the pages of a site are run."""

    root: Path
    """The folder of mkdocs.yml: the working directory of blocks, and first on their import path."""
    device: str = "auto"
    limits: Limits = Limits()
    preload: tuple[str, ...] = ("torch",)
    """Modules to import once, before the first fork, if a page mentions them."""


class Pool:
    """Runs pages in workers, and stops every process it started when it is closed."""

    def __init__(self, settings: PoolSettings) -> None:
        self.settings = settings
        self.rewriting = False
        """Whether to note what blocks write, instead of holding it against what is expected."""
        self.written: list[tuple[Expected, str]] = []
        self._pages: queue.SimpleQueue[tuple[Page, Future[list[Result]]]] = queue.SimpleQueue()
        self._server: _ForkServer | None = None
        self._preloads: set[str] = set()
        self._closed = False
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def submit(self, pages: Sequence[Page]) -> list[Future[list[Result]]]:
        """For each page, the results of its blocks once they have run."""
        code = "\n".join(block.code for page in pages for block in page.blocks)
        # einsum_doc brings torch with it, whose import is what takes the time.
        blocks = [block for page in pages for block in page.blocks]
        derives = any(block.language in (DERIVATION, EINSUM) or "skip_if" in block.options for block in blocks)
        self._preloads |= {
            name for name in self.settings.preload if derives or re.search(rf"\b({name}|einsum_doc)\b", code)
        }
        futures: list[Future[list[Result]]] = [Future() for _ in pages]
        for page, future in zip(pages, futures, strict=True):
            self._pages.put((page, future))
        with self._lock:
            if self._thread is None:
                # A daemon, so that an interrupted build need not wait for the block that is running.
                self._thread = threading.Thread(target=self._work, name="einsum-doc pages", daemon=True)
                self._thread.start()
        return futures

    def close(self) -> None:
        """End the fork server and, with it, every worker."""
        with self._lock:
            self._closed = True
            if self._server is not None:
                self._server.close()
                self._server = None

    def _work(self) -> None:
        while True:
            page, future = self._pages.get()
            try:
                future.set_result(self._run_page(page))
            except BaseException as error:
                future.set_exception(error)

    def _run_page(self, page: Page) -> list[Result]:
        results: list[Result] = []
        limits = self.settings.limits
        settings = {"root": str(self.settings.root), "device": self.settings.device, "memory": limits.bytes}
        session = _Session(self._ready_server(), settings, page.sources)
        with contextlib.closing(session):
            for block in page.blocks:
                result = self._held_against(block, session.run(block, limits))
                results.append(result)
                if result.failure is not None:
                    reason = f"block {block.number} failed at {result.failure.place}"
                    results += [Result("not run", reason=reason)] * (len(page.blocks) - len(results))
                    break
        return results

    def _held_against(self, block: Block, result: Result) -> Result:
        """The result, failed if the block wrote something else than is expected of it."""
        if block.expected is None or result.status != "held":
            return result
        if self.rewriting:
            self.written.append((block.expected, result.output))
            return result
        failure = differs(result.output, block.expected)
        return result if failure is None else replace(result, status="failed", failure=failure)

    def _ready_server(self) -> _ForkServer:
        with self._lock:
            if self._closed:
                raise RuntimeError("the pool is closed")
            preload = sorted(self._preloads)
            if self._server is not None and not self._server.serves(preload):
                self._server.close()
                self._server = None
            if self._server is None:
                self._server = _ForkServer(self.settings.root, preload)
            return self._server


class _ForkServer:
    """The process that pages are forked from: forkserver.py, at the other end of a socket."""

    def __init__(self, root: Path, preload: Sequence[str]) -> None:
        self.preload = set(preload)
        self.control, theirs = socket.socketpair()
        with theirs:
            # A process group of its own, so that an interrupt reaches the build alone.
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "einsum_doc.pages.forkserver", str(theirs.fileno()), *preload],
                cwd=root,
                # A site that a block builds is not to be rewritten along with this one.
                env={name: value for name, value in os.environ.items() if name != REWRITE},
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._expect("ready")

    def serves(self, preload: Sequence[str]) -> bool:
        """Whether it is alive and has imported what is wanted."""
        return self.process.poll() is None and self.preload >= set(preload)

    def start(self, settings: dict[str, Any], descriptors: Sequence[int]) -> None:
        """Fork a worker that owns these descriptors."""
        socket.send_fds(self.control, [json.dumps(settings).encode()], list(descriptors))
        self._expect("forked")

    def _expect(self, word: str) -> None:
        answer = b""
        while not answer.endswith(b"\n"):
            part = self.control.recv(1)
            if not part:
                raise RuntimeError(f"the fork server ended with status {self.process.wait()}")
            answer += part
        assert answer.decode().strip() == word, answer

    def close(self) -> None:
        self.control.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class _Session:
    """A page's worker, from the builder's side."""

    def __init__(self, server: _ForkServer, settings: dict[str, Any], sources: Mapping[str, Sequence[str]]) -> None:
        self.clean = Redaction(settings["root"])
        self.talk, talk = socket.socketpair()
        self.life, life = socket.socketpair()
        self.streams = [_Stream(), _Stream()]
        self.answers = b""
        self.ended = ""
        with talk, life:
            descriptors = [talk.fileno(), life.fileno(), *(stream.fileno() for stream in self.streams)]
            server.start(settings, descriptors)
        self.greeting = json.dumps({file: list(lines) for file, lines in sources.items()}) + "\n"

    def run(self, block: Block, limits: Limits) -> Result:
        """The result of a block, however it ends."""
        start = time.monotonic()
        request = f'{{"block": {to_json(block)}, "seconds": {limits.seconds}}}\n'
        try:
            self.seconds = limits.seconds
            self.talk.sendall((self.greeting + request).encode())
            self.greeting = ""
            answer = self._answer(start + limits.seconds + 0.2)
        except _NoAnswerError as stopped:
            error, message = stopped.args
        except OSError:
            error, message = "WorkerError", self._end()
        else:
            output, errors = (stream.read() for stream in self.streams)
            return self.clean.result(replace(result_from(json.loads(answer)), output=output, errors=errors))
        self.close()
        output, errors = (stream.read() for stream in self.streams)
        errors, frames = _without_dump(errors)
        place = next((frame for frame in frames if frame.file == block.place.file), block.where)
        failure = Failure(place, error, message)
        seconds = time.monotonic() - start
        return self.clean.result(Result("failed", output=output, errors=errors, seconds=seconds, failure=failure))

    def _answer(self, deadline: float) -> bytes:
        while b"\n" not in self.answers:
            ready, _, _ = select.select([self.talk], [], [], min(0.2, max(0.0, deadline - time.monotonic())))
            if ready:
                part = self.talk.recv(1 << 16)
                if not part:
                    raise _NoAnswerError("WorkerError", self._end())
                self.answers += part
            elif time.monotonic() >= deadline:
                raise _NoAnswerError("TimeoutError", f"the block did not end within {self.seconds:g} s")
            elif any(stream.size() > WRITTEN for stream in self.streams):
                raise _NoAnswerError("OutputError", f"the block wrote more than {WRITTEN >> 20} MB of output")
        answer, self.answers = self.answers.split(b"\n", 1)
        return answer

    def _end(self) -> str:
        """In words, how the worker came to its end."""
        self.life.settimeout(5)
        status = None
        with contextlib.suppress(OSError, ValueError):
            status = json.loads(self.life.recv(4096))["status"]
        if status is None:
            return "the worker was lost"
        if status < 0:
            name = signal.Signals(-status).name
            return f"the block's process was killed by {name}"
        return f"the block ended its process, with exit status {status}: what follows was never checked"

    def close(self) -> None:
        """End the worker and all that the page left running; returns when they are gone."""
        if self.life.fileno() == -1:
            return
        with contextlib.suppress(OSError):
            self.life.shutdown(socket.SHUT_WR)
            self.life.settimeout(10)
            while self.life.recv(4096):
                pass
        self.life.close()
        self.talk.close()


class _NoAnswerError(Exception):
    """The worker did not answer: the name of the error, and its message."""


class _Stream:
    """A file that a worker writes its standard output or error to, read block by block."""

    def __init__(self) -> None:
        self.file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 — it lives as long as the page
        self.read_to = 0
        # Appending: several processes may write to it, and none may overwrite another.
        fcntl.fcntl(self.file.fileno(), fcntl.F_SETFL, os.O_APPEND)

    def fileno(self) -> int:
        return self.file.fileno()

    def size(self) -> int:
        return os.fstat(self.fileno()).st_size - self.read_to

    def read(self) -> str:
        """What has been written since the last time, the first `SHOWN` bytes of it."""
        size = self.size()
        data = os.pread(self.fileno(), SHOWN, self.read_to)
        self.read_to += size
        text = data.decode("utf-8", "replace")
        if size > SHOWN:
            text = text.rstrip("\ufffd") + f"\n… {size - SHOWN:,} more bytes of output are not shown\n"
        return text


def _without_dump(errors: str) -> tuple[str, list[Place]]:
    """The text without what faulthandler wrote at its end, and the places that it names."""
    dump = _DUMP.search(errors)
    if dump is None:
        return errors, []
    frames = [Place(match["file"], int(match["line"])) for match in _FRAME.finditer(errors, dump.start())]
    return errors[: dump.start()], frames
