"""Block -> Result, in a child process of the page's own.

A page's blocks share one namespace, in order; a block with a `session` has that session's.
The output of a block goes to two files that the parent holds open, by file descriptor, so that
it arrives whoever wrote it (print, a C library, a child process) and survives the worker.
"""

from __future__ import annotations

import builtins
import ctypes
import faulthandler
import io
import json
import os
import signal
import socket
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import chdir, contextmanager, nullcontext, suppress
from dataclasses import replace
from os import getpid
from time import perf_counter
from types import CodeType, ModuleType
from typing import Any, NoReturn

from einsum_doc.pages.html import figures
from einsum_doc.pages.languages.all import LANGUAGES
from einsum_doc.pages.reading.fence import NO_GPU, module_of
from einsum_doc.pages.record.block import Block
from einsum_doc.pages.record.codec import from_facts, to_json
from einsum_doc.pages.record.messages import BlockAnswer, LateFailure, PageAnswer, Request, Start, WorkerSettings
from einsum_doc.pages.record.result import Failure, Result
from einsum_doc.pages.worker.assertions import Tally
from einsum_doc.pages.worker.device import Device
from einsum_doc.pages.worker.failures import failures_of, is_expected, message_of, name_of, register_sources
from einsum_doc.pages.worker.imports import ImportTimes, missing_module, when_loaded
from einsum_doc.pages.worker.program import Definitions, Position, compile_block
from einsum_doc.pages.worker.recorder import Recorder
from einsum_doc.pages.worker.resources import limit_cores, limit_memory
from einsum_doc.pages.worker.uncaught import Uncaught
from einsum_doc.pages.worker.usage import used_names
from einsum_doc.pages.worker.values import Values

_BUILTINS = builtins.__dict__
_decode = json.JSONDecoder().decode
_wait_for_threads = threading._shutdown  # type: ignore[attr-defined]


class Worker:
    """Runs the blocks of one page, one after another.

    `settings.root`, the folder of mkdocs.yml, is the working directory, and last on the import path. The limits of time
    and memory are set by `serve`: they are those of a whole process.
    """

    def __init__(self, settings: WorkerSettings) -> None:
        self.options = settings.options
        self.root = root = settings.root
        self.device = Device(settings.options.device)
        self.tally = Tally()
        self.namespaces: dict[str, ModuleType] = {}
        self.main = ModuleType("__main__")
        self.kept: dict[str, Any] = {}
        self.values = Values(settings.options)
        _BUILTINS.update(self.tally.names())
        _BUILTINS["@show"] = lambda value: self.values.show(value)
        _BUILTINS["@executed"] = lambda *position: self.executed[self.main][-1][1].add(position)
        self.originals = _BUILTINS.copy()
        self.builtins = _BUILTINS.copy()
        self.blocks: list[Block] = []
        """The blocks that have begun to run."""
        self.executed: dict[ModuleType, list[tuple[Block, set[Position]]]] = defaultdict(list)
        """Those that were executed as Python in each namespace, each with its definitions that were."""
        self.uncaught = Uncaught(self.blocks)
        self.late: list[LateFailure] = []
        """The failures since their block ended, each with the number of that block."""
        self.pid = getpid()
        sys.path.append(root)
        # Bytecode is dated by whole seconds: of two edits within one, the second would not be seen.
        sys.dont_write_bytecode = True
        os.chdir(root)
        self.tally.watch_imports()
        self.imports = ImportTimes()
        hooks: dict[str, Callable[[Any], None]] = {"multiprocessing.spawn": self._send_definitions}
        if self.options.figures:
            hooks |= {"matplotlib": figures.prepare, "matplotlib.backend_bases": figures.prepare_backends}
        if self.options.values:
            # The second has taken the function from the first, if they were loaded before.
            hooks |= dict.fromkeys(("IPython.core.display_functions", "IPython.display"), self._take_display)
        when_loaded(hooks)

    def _take_display(self, module: Any) -> None:
        """Replace IPython's `display`, which only prints outside of a notebook."""

        def display(*values: Any, display_id: str | bool | None = None, update: bool = False, **_: Any) -> Any:
            handle = module.DisplayHandle(None if display_id is True else display_id) if display_id else None
            self.values.display(*values, name=handle.display_id if handle else "", update=update)
            return handle

        module.display = display

    def run(self, block: Block) -> Result:
        """Run one block."""
        self.blocks.append(block)
        # Classes look their module up in sys.modules by name: dataclasses and pickle need it there.
        own = f"@{block.number}" if self.options.compatible else ""
        self.main = sys.modules["__main__"] = self._namespace(block.options.get("session", own))
        held = self.tally.count
        errors: list[BaseException] = []
        ran = Result("held")
        self.values = Values(self.options.of(block), is_compared=block.expected is not None)
        start = perf_counter()
        try:
            reason = missing_module(module_of(block.options)) or ("" if self.device.use(block) else NO_GPU)
            if reason:
                return Result("skipped", reason=reason)
            workdir = block.options.get("workdir")
            folder = chdir(os.path.join(self.root, workdir)) if workdir else nullcontext()
            with _width(block.options.get("width")), folder:
                ran = LANGUAGES[block.language].run(block, self)
        except BaseException as error:
            errors.append(error)
            if self.options.figures:
                figures.close()
        if getpid() != self.pid:
            # A process that the block has forked: it is not the worker.
            _leave(errors, block, self.root)
        seconds = perf_counter() - start
        raised, failures = self._judged(block, errors + self._take_uncaught(block))
        # Only now: failures show the sides of assertions, which have such names.
        for name in list(self.namespace):
            if isinstance(name, str) and name.startswith("@"):
                del self.namespace[name]
        torch, device = self.device.stamp()
        self.device.restore()
        failures = (*ran.failures, *failures)
        return replace(
            ran,
            status="failed" if failures else ran.status,
            value=self.values.text,
            shown=tuple(self.values.shown),
            seconds=seconds,
            device=device,
            torch=torch,
            assertions=self.tally.count - held,
            raised=raised,
            failures=failures,
        )

    def finish(self) -> None:
        """Wait for the threads that are no daemons, as Python does at the end of a program."""
        last = self.blocks[-1]
        try:
            _wait_for_threads()
        except BaseException as error:  # of a function that a library has asked to be called here
            self.uncaught.add(last, error)
        self.uncaught.finish(namespace.__dict__ for namespace in self.namespaces.values())
        self._add_late((last, error) for error in self._take_uncaught(last))

    def _judged(self, block: Block, errors: Sequence[BaseException]) -> tuple[str, tuple[Failure, ...]]:
        """Return the error that was expected and raised, in words, and the failures."""
        expected = block.options.get("raises")
        if expected is None:
            return "", tuple(failure for error in errors for failure in self._failures(error, block))
        if not errors:
            message = f"the block should raise {expected}, and raised nothing"
            return "", (Failure(block.location, "NothingRaisedError", message),)
        met = next((error for error in errors if is_expected(error, expected)), None)
        raised = f"{name_of(met)}: {message_of(met)}" if met else ""
        wrong = [error for error in errors if error is not met]
        return raised, tuple(failure for error in wrong for failure in self._failures(error, block))

    def _failures(self, error: BaseException, block: Block) -> Iterator[Failure]:
        return failures_of(error, block, self.root)

    def _take_uncaught(self, block: Block) -> list[BaseException]:
        """Return the uncaught errors of the last block; those of earlier ones are added to `late`."""
        errors = self.uncaught.take()
        self._add_late(each for each in errors if each[0] is not block)
        return [error for owner, error in errors if owner is block]

    def _add_late(self, errors: Iterable[tuple[Block, BaseException]]) -> None:
        for block, error in errors:
            self.late += (LateFailure(block.number, failure) for failure in self._failures(error, block))

    @property
    def namespace(self) -> dict[str, Any]:
        """The variables of the page's Python code, or of the session of its block."""
        return self.main.__dict__

    def execute(self, block: Block, *, interactive: bool = False) -> None:
        """Execute the program of a block as Python, and show its value and its figures, if these are wanted."""
        codes = compile_block(block, interactive=interactive and self.values.wanted, shows=self.values.asked)
        self.executed[self.main].append((block, set()))
        self._execute(codes)
        self.values.finish()

    def _execute(self, codes: Sequence[CodeType]) -> None:
        """Execute code with the builtins as the page has patched them, and put Python's own back."""
        _BUILTINS.update(self.builtins)
        try:
            for code in codes:
                exec(code, self.namespace)
        finally:
            # Methods and operators alone: any name looked up here may be one that the page has patched.
            self.builtins = _BUILTINS.copy()
            # Never empty: threads that the block has left use it too.
            _BUILTINS.update(self.originals)
            for name in _BUILTINS.keys() - self.originals.keys():
                del _BUILTINS[name]

    def _send_definitions(self, spawn: Any) -> None:
        """Let processes that `multiprocessing` does not fork have the definitions of the page as their `__main__`."""
        prepare = spawn.get_preparation_data

        def get_preparation_data(name: str) -> dict[str, Any]:
            sys.audit("einsum_doc.spawn")  # Python has no event of its own for these processes
            data = {key: value for key, value in prepare(name).items() if not key.startswith("init_main")}
            return data | {"definitions": Definitions(self.executed[self.main], self.namespace)}

        spawn.get_preparation_data = get_preparation_data

    def _namespace(self, session: str) -> ModuleType:
        if session not in self.namespaces:
            # Each is the main program while its blocks run: `if __name__ == "__main__"` holds in all.
            module = self.namespaces[session] = ModuleType("__main__")
            module.__dict__["__builtins__"] = builtins
        return self.namespaces[session]


@contextmanager
def _width(columns: str | None) -> Iterator[None]:
    """Tell programs that the terminal has so many columns, for markdown-exec's option `width`."""
    if not columns or not int(columns):
        yield
        return
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = columns
    try:
        yield
    finally:
        os.environ.pop("COLUMNS", None)
        if before is not None:
            os.environ["COLUMNS"] = before


def _leave(errors: Sequence[BaseException], block: Block, root: str) -> NoReturn:
    """End a process that a block has forked as Python would, were the block its program."""
    status = 0
    for error in errors:
        status = 1
        if isinstance(error, SystemExit) and isinstance(error.code, int | None):
            status = (error.code or 0) & 0xFF
        else:
            for failure in failures_of(error, block, root):
                os.write(2, f"{failure}\n".encode("utf-8", "backslashreplace"))
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    os._exit(status)


class _Streams:
    """Standard output and error of a block, redirected at the file descriptors, so that no writer is missed.

    They are put back before every block, since a block may close, replace or redirect them.
    """

    def __init__(self, output: int, errors: int) -> None:
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


def serve(talk: socket.socket, files: Sequence[int]) -> None:
    """Answer the requests of the build over `talk`, a line of JSON each way, until it closes.

    `files`: for standard output, for standard error, and for where a crash or the time limit strikes.
    """
    output, errors, dump = files
    streams = _Streams(output, errors)
    streams.open()
    with talk.makefile("r", encoding="utf-8", newline="\n") as lines:
        start = from_facts(Start, _decode(next(lines)))
        settings = start.settings
        limit_cores(settings.threads, settings.gpu)
        worker = Worker(settings)
        faulthandler.enable(dump, all_threads=False)
        register_sources(start.sources)
        recorder = Recorder(settings.root)
        request = Request("")

        def interrupted(*_: object) -> None:
            """Send the dependencies of the page until now: a block has reached a limit, and is about to be stopped."""
            limit_memory(sys.maxsize)
            with suppress(Exception):
                answer = PageAnswer(request.nonce, 0, recorder.dependencies())
                talk.sendall((to_json(answer) + "\n").encode())

        signal.signal(signal.SIGXCPU, interrupted)
        for line in lines:
            request = from_facts(Request, _decode(line))
            streams.open()
            limits = settings.options.of(request.block or worker.blocks[-1])
            limit_memory(int(limits.memory * 2**30))
            faulthandler.dump_traceback_later(limits.timeout, file=dump)
            answer: BlockAnswer | PageAnswer
            if request.block is not None:
                answer = BlockAnswer(request.nonce, worker.run(request.block))
            else:
                worker.finish()
                answer = PageAnswer(request.nonce, worker.tally.count, imports=worker.imports.seconds)
                with suppress(Exception):  # a page may leave sys.modules in any state
                    answer = replace(answer, dependencies=recorder.dependencies())
                with suppress(Exception):
                    answer = replace(answer, used=used_names(settings.options.library, worker.blocks))
            answer, worker.late = replace(answer, late=tuple(worker.late)), []
            faulthandler.cancel_dump_traceback_later()
            streams.flush()
            talk.sendall((to_json(answer) + "\n").encode())
