"""Blocks -> Results: a worker for each page, on its device, within its limits.

Pages are submitted as soon as they are read and run in the background, several at a time,
each in a process of its own forked from one fork server; the builder collects each result
where the block is rendered. Whatever a block does to its process, it comes back as a Result.
A page whose results are in the cache is not run at all.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
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

from einsum_doc.pages.block import Block, Failure, Place, Result, result_from, to_json
from einsum_doc.pages.cache import Cache, Ran
from einsum_doc.pages.expected import REWRITE, differs
from einsum_doc.pages.fence import DERIVATION, EINSUM
from einsum_doc.pages.footprint import Footprint, footprint_from
from einsum_doc.pages.progress import Progress
from einsum_doc.pages.redaction import Redaction
from einsum_doc.pages.worker import thread_limits

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

    name: str
    """Its file, relative to the folder of mkdocs.yml."""
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
    jobs: int = 0
    """How many pages may run at a time; 0 for one on each core or, where blocks run on GPUs, on each of those."""


class Pool:
    """Runs pages in workers, and stops every process it started when it is closed."""

    def __init__(self, settings: PoolSettings) -> None:
        self.settings = settings
        self.rewriting = False
        """Whether what is expected is going to be rewritten, and nothing is held against it."""
        self.progress = Progress()
        self._gpus = [] if settings.device == "cpu" else gpus()
        self._jobs = settings.jobs or len(self._gpus) or cores()
        self._waiting: list[_Waiting] = []
        self._server: _ForkServer | None = None
        self._preloads: set[str] = set()
        self._closed = False
        self._threads: list[threading.Thread] = []
        self._changed = threading.Condition()
        self._free = 0
        self._blas = 1

    def submit(self, pages: Sequence[Page], cache: Cache) -> list[Future[Ran]]:
        """For each page, the results of its blocks once they have run, or at once if they were kept."""
        futures: list[Future[Ran]] = [Future() for _ in pages]
        waiting = []
        for page, future in zip(pages, futures, strict=True):
            kept = cache.find(page.name, page.blocks)
            if kept is None:
                waiting.append(_Waiting(page, future, cache, cache.last(page.name)))
            else:
                future.set_result(replace(kept, results=self._judged(page, kept.results)))
        if not waiting:
            return futures
        # einsum_doc brings torch with it, whose import is what takes the time.
        blocks = [block for each in waiting for block in each.page.blocks]
        code = "\n".join(block.code for block in blocks)
        derives = any(block.language in (DERIVATION, EINSUM) or "skip_if" in block.options for block in blocks)
        with self._changed:
            self._preloads |= {
                name for name in self.settings.preload if derives or re.search(rf"\b({name}|einsum_doc)\b", code)
            }
            # Longest first, so that no core is left alone with a long one at the end; unknown ones before all.
            if not self._waiting and not self.progress.running:
                self.progress.done = self.progress.total = 0
            self.progress.total += len(waiting)
            self._waiting = sorted(
                self._waiting + waiting, key=lambda each: each.last.seconds or float("inf"), reverse=True
            )
            busy = min(self._jobs, len(self._waiting))
            self._blas = 0 if "OMP_NUM_THREADS" in os.environ else max(1, cores() // busy)
            while len(self._threads) < busy:
                # Daemons, so that an interrupted build need not wait for the blocks that are running.
                gpu = self._gpus[len(self._threads) % len(self._gpus)] if len(self._gpus) > 1 else ""
                thread = threading.Thread(target=self._work, args=(gpu,), name="einsum-doc pages", daemon=True)
                self._threads.append(thread)
                thread.start()
            self._changed.notify_all()
        return futures

    def close(self) -> None:
        """End the fork server and, with it, every worker."""
        with self._changed:
            self._closed = True
            if self._server is not None:
                self._server.close()
                self._server = None
            self._changed.notify_all()

    def _work(self, gpu: str) -> None:
        while True:
            waiting = self._next()
            if waiting is None:
                return
            name = waiting.page.name
            try:
                waiting.future.set_result(self._run_page(waiting, gpu))
            except BaseException as error:
                waiting.future.set_exception(error)
            with self._changed:
                self._free += waiting.memory
                self.progress.running.pop(name, None)
                self.progress.done += 1
                self._changed.notify_all()

    def _next(self) -> _Waiting | None:
        """The next page to run, when there is memory for it; None when the pool is closed."""
        with self._changed:
            while not self._closed:
                if not self.progress.running:
                    self._free = available_memory()
                for waiting in self._waiting:
                    if not self.progress.running or waiting.memory <= self._free:
                        self._waiting.remove(waiting)
                        self._free -= waiting.memory
                        self.progress.running[waiting.page.name] = ""
                        return waiting
                self._changed.wait()
        return None

    def _run_page(self, waiting: _Waiting, gpu: str) -> Ran:
        page, limits = waiting.page, self.settings.limits
        results: list[Result] = []
        settings = {
            "root": str(self.settings.root),
            "device": self.settings.device,
            "memory": limits.bytes,
            "threads": self._blas,
            "gpu": gpu,
        }
        when = time.time()
        session = _Session(self._ready_server(), settings, page.sources)
        with contextlib.closing(session):
            for block in page.blocks:
                self.progress.running[page.name] = f"{block.number}/{len(page.blocks)}"
                results.append(session.run(block, limits))
                if self._held_against(block, results[-1]).failure is not None:
                    break
            else:
                ran = Ran(results, when, time.time() - when)
                waiting.cache.keep(page.name, page.blocks, ran, session.footprint())
        return Ran(self._judged(page, results), when, time.time() - when)

    def _judged(self, page: Page, results: Sequence[Result]) -> list[Result]:
        """The results held against what is expected; after the first failure, nothing counts as run."""
        judged: list[Result] = []
        for block, result in zip(page.blocks, results, strict=False):
            judged.append(self._held_against(block, result))
            if judged[-1].failure is not None:
                reason = f"block {block.number} failed at {judged[-1].failure.place}"
                return judged + [Result("not run", reason=reason)] * (len(page.blocks) - len(judged))
        return judged

    def _held_against(self, block: Block, result: Result) -> Result:
        """The result, failed if the block wrote something else than is expected of it."""
        if block.expected is None or result.status != "held" or self.rewriting:
            return result
        failure = differs(result.output, block.expected)
        return result if failure is None else replace(result, status="failed", failure=failure)

    def _ready_server(self) -> _ForkServer:
        with self._changed:
            if self._closed:
                raise RuntimeError("the pool is closed")
            preload = sorted(self._preloads)
            if self._server is not None and not self._server.serves(preload):
                self._server.close()
                self._server = None
            if self._server is None:
                self._server = _ForkServer(self.settings.root, preload, self._blas)
            return self._server


@dataclass
class _Waiting:
    """A page that is to be run."""

    page: Page
    future: Future[Ran]
    cache: Cache
    last: Ran
    """How it was when it last held."""

    @property
    def memory(self) -> int:
        """How much memory it will want, in bytes: what it held before, and a little more."""
        return self.last.memory * 5 // 4 or 2**30


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def gpus() -> list[str]:
    """The numbers of the GPUs that may be used, by what stands in the system: torch need not be loaded for it."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    found = sorted(path.name.removeprefix("nvidia") for path in Path("/dev").glob("nvidia[0-9]*"))
    return found if visible is None else [each.strip() for each in visible.split(",") if found and each.strip()]


def available_memory() -> int:
    """How much memory could be had now, in bytes; without a limit where the system does not tell."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return sys.maxsize


class _ForkServer:
    """The process that pages are forked from: forkserver.py, at the other end of a socket."""

    def __init__(self, root: Path, preload: Sequence[str], threads: int) -> None:
        self.preload = set(preload)
        self.lock = threading.Lock()
        self.control, theirs = socket.socketpair()
        with theirs:
            # A process group of its own, so that an interrupt reaches the build alone.
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "einsum_doc.pages.forkserver", str(theirs.fileno()), *preload],
                cwd=root,
                # A site that a block builds is not to be rewritten along with this one.
                env={name: value for name, value in (thread_limits(threads) | os.environ).items() if name != REWRITE},
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
        with self.lock:
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
        if error == "OutputError":
            frames = []  # the time limit may have struck as well, or not
        place = next((frame for frame in frames if frame.file == block.place.file), block.where)
        failure = Failure(place, error, message)
        seconds = time.monotonic() - start
        return self.clean.result(Result("failed", output=output, errors=errors, seconds=seconds, failure=failure))

    def footprint(self) -> Footprint | None:
        """What the page has depended on; None if its worker cannot say."""
        try:
            self.talk.sendall(b'{"footprint": true}\n')
            return footprint_from(json.loads(self._answer(time.monotonic() + 10)))
        except (_NoAnswerError, OSError, ValueError):
            return None

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
