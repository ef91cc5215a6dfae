"""A page's worker from the builder's side, and the fork server that it comes from.

A session starts a worker, has it run one block after another, watches its time and its
output, and ends it with everything that it left behind. Whatever a block does to its
process, it comes back as a Result.
"""

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
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Self

from einsum_doc.pages.record.block import Block, Location
from einsum_doc.pages.record.codec import from_facts, to_json
from einsum_doc.pages.record.dependencies import Dependencies
from einsum_doc.pages.record.result import Failure, PageResults, Result
from einsum_doc.pages.record.text import plain
from einsum_doc.pages.verdict.expected import REWRITE, held_against
from einsum_doc.pages.verdict.redaction import Redaction
from einsum_doc.pages.worker.resources import thread_limits

SHOWN = 100_000
"""How much of what a block writes is kept, in bytes; what is cut off is said."""
SAID = 2000
"""How much of an error's message and of each line about it is kept, in characters; what is cut off is said."""
LINES = 100
"""How many lines about an error are kept."""
WRITTEN = 256 * 2**20
"""How much a block may write to its output before it is stopped, in bytes."""

_OURS = {
    REWRITE,  # a site that a block builds is not to be rewritten along with this one
    "PYTHONOPTIMIZE",  # which would take the assertions out of what a page imports
}
"""Variables of the build's environment that its blocks do not have."""

_DUMP = re.compile(r"^(?:Fatal Python error: |Timeout \().*\n", re.M)
_THREAD = re.compile(r"^(?:Current thread|Thread) 0x.*\n", re.M)
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


def run_page(
    server: ForkServer,
    settings: dict[str, Any],
    page: Page,
    limits: Limits,
    *,
    compares: bool = True,
    tell: Callable[[str], None] = lambda progress: None,
) -> tuple[PageResults, Dependencies | None]:
    """Run the blocks of a page up to the first that fails; what it has depended on is known if none did.

    compares: whether a block fails that writes something else than is expected. tell: hears which block it is at.
    """
    when = time.time()
    session = Session(server, settings, page, limits)
    with session:
        for block in page.blocks:
            tell(f"{block.number}/{len(page.blocks)}")
            session.run(block)
            if session.failed or (compares and held_against(block, session.results[-1]).failure):
                break
        else:
            session.finish()
    dependencies = None if session.failed else session.dependencies
    memory = dependencies.memory if dependencies else 0
    ran = PageResults(list(map(brief, session.results)), when, time.time() - when, memory, used=session.used)
    return ran, dependencies


def gpus() -> list[str]:
    """The numbers of the GPUs that may be used, by what stands in the system: torch need not be loaded for it."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    found = sorted(path.name.removeprefix("nvidia") for path in Path("/dev").glob("nvidia[0-9]*"))
    return found if visible is None else [each.strip() for each in visible.split(",") if found and each.strip()]


class ForkServer:
    """The process that pages are forked from: forkserver.py, at the other end of a socket."""

    def __init__(self, root: Path, preload: Sequence[str], threads: int) -> None:
        self.root = root
        self.preload = set(preload)
        self.lock = threading.Lock()
        self.control, theirs = socket.socketpair()
        with theirs:
            # A process group of its own, so that an interrupt reaches the build alone.
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "einsum_doc.pages.engine.forkserver", str(theirs.fileno()), *preload],
                cwd=root,
                env={name: value for name, value in (thread_limits(threads) | os.environ).items() if name not in _OURS},
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
        if answer.decode().strip() != word:
            raise RuntimeError(f"the fork server answered {answer!r}, not {word!r}")

    def dismiss(self) -> None:
        """Have it end, with all that it has started, and do not wait for that."""
        self.control.close()

    def close(self) -> None:
        """End it, with all that it has started."""
        self.dismiss()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Session:
    """A page's worker, from the builder's side."""

    def __init__(self, server: ForkServer, settings: dict[str, Any], page: Page, limits: Limits) -> None:
        self.page = page
        self.limits = limits
        self.device = "CPU" if settings["device"] == "cpu" or not gpus() else ""
        """What blocks run on, as far as is known before the worker has told."""
        self.results: list[Result] = []
        self.dependencies: Dependencies | None = None
        self.used: dict[str, bool] = {}
        self.clean = Redaction(settings["root"])
        self.talk, talk = socket.socketpair()
        self.life, life = socket.socketpair()
        self.talk.settimeout(limits.seconds)
        self.streams = [_Stream(), _Stream()]
        self.dump = _Stream()
        self.answers = self.told = b""
        with talk, life:
            files = [stream.fileno() for stream in (*self.streams, self.dump)]
            server.start(settings, [talk.fileno(), life.fileno(), *files])
        self.greeting = json.dumps({file: list(lines) for file, lines in page.sources.items()}) + "\n"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        if self._end is None and not self.failed:
            self._fail(self.page.blocks[len(self.results) - 1], "WorkerError", _UNWATCHED)
        for stream in (*self.streams, self.dump):
            stream.close()

    @property
    def failed(self) -> bool:
        """Whether anything has gone wrong in it."""
        return any(result.failure for result in self.results)

    def run(self, block: Block) -> None:
        """Add the result of a block, however it ends."""
        start = time.monotonic()
        self.results.append(Result("held"))
        try:
            late = f"the block did not end within {self.limits.seconds:g} s"
            answer = self._ask({"block": block}, late)
        except _NoAnswerError as stopped:
            self._stop(block, stopped, time.monotonic() - start)
        else:
            self.results[-1] = from_facts(Result, answer["result"])
            self._add_late(answer)
        self._take_output()

    def finish(self) -> None:
        """Wait for the threads that the page has left running, and learn what it has depended on."""
        block = self.page.blocks[-1]
        try:
            within = f"within {self.limits.seconds:g} s of the page's last block"
            late = f"a thread that is no daemon did not end {within}"
            answer = self._ask({}, late)
        except _NoAnswerError as stopped:
            self._stop(block, stopped, self.results[-1].seconds)
        else:
            self._add_late(answer)
            self._count(answer["held"])
            self.dependencies = answer["dependencies"] and from_facts(Dependencies, answer["dependencies"])
            self.used = answer["used"]
        self._take_output()

    def close(self) -> None:
        """End the worker and all that the page left running; returns when they are gone."""
        if self.life.fileno() == -1:
            return
        with contextlib.suppress(OSError):
            self.life.shutdown(socket.SHUT_WR)
        self._hear_end(10)
        self.life.close()
        self.talk.close()
        if self._end is None:
            supervisor, worker = map(int, self.told.split() or (0, 0))
            for end, process in ((os.kill, supervisor), (os.killpg, worker)):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    if process:
                        end(process, signal.SIGKILL)

    def _ask(self, request: dict[str, Any], late: str) -> dict[str, Any]:
        # Only the worker knows what its answer must carry: the page's code, in the same process, may write as well.
        nonce = secrets.token_hex(16)
        seconds = self.limits.seconds
        line = to_json({"nonce": nonce, "seconds": seconds, **request}) + "\n"
        try:
            self.talk.sendall((self.greeting + line).encode())
            self.greeting = ""
            answer = self._answer(time.monotonic() + seconds + 0.2, late)
        except OSError:
            raise _NoAnswerError("WorkerError", self._how_it_ended()) from None
        with contextlib.suppress(ValueError, TypeError, KeyError):
            facts: dict[str, Any] = json.loads(answer)
            if facts["nonce"] == nonce:
                return facts
        raise _NoAnswerError("WorkerError", "the block has answered in the worker's place")

    def _answer(self, deadline: float, late: str) -> bytes:
        while b"\n" not in self.answers:
            wait = min(0.2, max(0.0, deadline - time.monotonic()))
            ready, _, _ = select.select([self.talk, self.life], [], [], wait)
            if self.talk in ready:
                part = self.talk.recv(1 << 16)
                if not part:
                    raise _NoAnswerError("WorkerError", self._how_it_ended())
                self.answers += part
            elif self.life in ready:
                if not self._hear() or self._end is not None:
                    raise _NoAnswerError("WorkerError", self._how_it_ended())
            elif any(stream.size() > WRITTEN for stream in self.streams):
                raise _NoAnswerError("OutputError", f"the block wrote more than {WRITTEN >> 20} MB of output")
            elif time.monotonic() >= deadline:
                raise _NoAnswerError("TimeoutError", late)
        answer, self.answers = self.answers.split(b"\n", 1)
        return answer

    def _hear(self) -> bool:
        """Hear what the supervisor has to tell; False if it is silent for ever."""
        part = self.life.recv(4096)
        self.told += part
        return bool(part)

    @property
    def _end(self) -> tuple[int, int] | None:
        """How the worker has ended, and how many assertions had held by then; None if nobody has told."""
        lines = self.told.split(b"\n")
        if len(lines) < 3:
            return None
        status, held = map(int, lines[1].split())
        return status, held

    def _hear_end(self, seconds: float) -> None:
        self.life.settimeout(seconds)
        with contextlib.suppress(OSError):
            while self._end is None and self._hear():
                pass

    def _how_it_ended(self) -> str:
        """In words, how the worker came to its end."""
        self._hear_end(5)
        if self._end is None:
            return _UNWATCHED
        status, _ = self._end
        if status < 0:
            name = next((each.name for each in signal.Signals if each == -status), f"signal {-status}")
            return f"the block's process was killed by {name}"
        return f"the block ended its process, with exit status {status}: what follows was never checked"

    def _stop(self, block: Block, stopped: _NoAnswerError, seconds: float) -> None:
        """Stop the page at a block whose end will not be known."""
        error, message = stopped.args
        self.close()
        if self._end is not None:
            self._count(self._end[1])
        device = next((result.device for result in reversed(self.results) if result.device), self.device)
        self.results[-1] = replace(self.results[-1], seconds=seconds, device=device)
        # With too much output, the time limit may have struck as well, or not.
        struck = None if error == "OutputError" else _struck(self.dump.read(), self.page.sources)
        self._fail(block, error, message, struck)

    def _fail(self, block: Block, error: str, message: str, location: Location | None = None) -> None:
        self._add(block.number, Failure(location or block.where, error, message))

    def _add_late(self, answer: Mapping[str, Any]) -> None:
        """Add what has gone wrong in threads to the blocks that started them."""
        for number, failure in answer["late"]:
            self._add(number, from_facts(Failure, failure))

    def _add(self, number: int, failure: Failure) -> None:
        index = next(index for index, block in enumerate(self.page.blocks) if block.number == number)
        failures = (*self.results[index].failures, self.clean.failure(failure))
        self.results[index] = replace(self.results[index], status="failed", failure=failures[0], also=failures[1:])

    def _count(self, held: int) -> None:
        """Count what has held since the last block's result as held in that block."""
        counted = sum(result.assertions for result in self.results)
        last = self.results[-1]
        self.results[-1] = replace(last, assertions=last.assertions + max(0, held - counted))

    def _take_output(self) -> None:
        """Add what has been written to the last result, and have nothing in it that must not be shown."""
        output, errors = (stream.read() for stream in self.streams)
        self.dump.read()
        last = self.results[-1]
        last = replace(last, output=last.output + output, errors=last.errors + errors)
        self.results[-1] = self.clean.result(last)


_UNWATCHED = "the block has ended or stopped the process that watches over its own"


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

    def close(self) -> None:
        self.file.close()

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


def brief(result: Result) -> Result:
    """The result, with no more of what errors say than anyone reads."""
    failures = tuple(map(_brief_failure, result.failures))
    raised = _cut(plain(result.raised))
    return replace(result, raised=raised, failure=failures[0] if failures else None, also=failures[1:])


def _brief_failure(failure: Failure) -> Failure:
    details = [_cut(plain(line)) for line in failure.details[:LINES]]
    if len(failure.details) > LINES:
        details.append(f"… {len(failure.details) - LINES:,} more lines are not shown")
    return replace(failure, message=_cut(plain(failure.message)), details=tuple(details))


def _cut(text: str) -> str:
    return text if len(text) <= SAID else f"{text[:SAID]}… {len(text) - SAID:,} more characters are not shown"


def _struck(dump: str, sources: Collection[str]) -> Location | None:
    """The line of a page at which faulthandler found the code, in the main thread if that was on one."""
    last = _DUMP.split(dump)[-1]
    for thread in reversed(_THREAD.split(last)):
        for frame in _FRAME.finditer(thread):
            if frame["file"] in sources:
                return Location(frame["file"], int(frame["line"]))
    return None
