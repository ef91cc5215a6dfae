"""Block -> Result, in a child process of the page's own; imports no mkdocs.

A page's blocks share one namespace, in order; a block with a `session` has that session's.
What a block writes goes to two files that the parent holds open, by file descriptor, so that
it arrives whoever wrote it (print, a C library, a child process) and survives the worker.
"""

from __future__ import annotations

import ast
import builtins
import faulthandler
import importlib
import json
import os
import re
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import CodeType, ModuleType
from typing import Any

from einsum_doc.pages.assertions import AssertionRewriter, Tally
from einsum_doc.pages.blame import ASSERTED, failure_of, is_expected, know, message_of, name_of
from einsum_doc.pages.block import Block, Failure, Place, Result, Row, block_from, to_json
from einsum_doc.pages.fence import CONDITIONS, DERIVATION, EINSUM
from einsum_doc.pages.footprint import Listener
from einsum_doc.pages.streams import Streams

_BUILTINS = builtins.__dict__
_ORIGINALS = _BUILTINS.copy()


class Worker:
    """Runs the blocks of one page, one after another.

    `root` is the folder of mkdocs.yml: the working directory, and first on the import path.
    `device` is `auto`, `cpu` or `cuda`.
    """

    def __init__(self, root: str, device: str = "auto") -> None:
        self.root = root
        self.device = device
        self.tally = Tally()
        self.namespaces: dict[str, ModuleType] = {}
        self.device_is_set = False
        self.derivations: Any = None
        self.builtins = _BUILTINS.copy()
        self.uncaught: list[BaseException] = []
        # An assertion that fails in a thread would otherwise only be printed.
        threading.excepthook = self._hear
        sys.path.insert(0, root)
        # Bytecode is dated by whole seconds: of two edits within one, the second would not be seen.
        sys.dont_write_bytecode = True
        os.chdir(root)
        self.tally.watch_imports()

    def run(self, block: Block) -> Result:
        """Run one block."""
        namespace = self._namespace(block.options.get("session", ""))
        held = self.tally.held
        failure = None
        raised = reason = ""
        markup = ""
        rows: tuple[Row, ...] = ()
        false: tuple[Failure, ...] = ()
        start = time.perf_counter()
        try:
            self._choose_device(block)
            reason = self._skips(block)
            if reason:
                return Result("skipped", reason=reason)
            with _width(block.options.get("width")), _directory(block.options.get("workdir")):
                if block.language == DERIVATION:
                    rows, false = self._derive(block, namespace)
                elif block.language == EINSUM:
                    markup, rows = importlib.import_module("einsum_doc.pages.einsum").einsum_article(block)
                elif block.language in SHELLS:
                    _run_shell(block)
                else:
                    self._execute(self._compiled(block), namespace)
            if self.uncaught:
                raise self.uncaught[0]
            if "raises" in block.options:
                failure = Failure(
                    block.place,
                    "NothingRaisedError",
                    f"the block should raise {block.options['raises']}, and raised nothing",
                )
        except BaseException as error:
            if "raises" in block.options and is_expected(error, block.options["raises"]):
                raised = f"{name_of(error)}: {message_of(error)}"
            else:
                failure = failure_of(error, block, self.root)
        seconds = time.perf_counter() - start
        self.uncaught.clear()
        for name in [name for name in namespace.__dict__ if name[:1] == "@" and name[1:].isdigit()]:
            del namespace.__dict__[name]
        torch, device = self._stamp()
        failures = (failure,) if failure else false
        return Result(
            "failed" if failures else "held",
            seconds=seconds,
            device=device,
            torch=torch,
            assertions=self.tally.held - held,
            raised=raised,
            rows=rows,
            markup=markup,
            failure=failures[0] if failures else None,
            also=failures[1:],
        )

    def _derive(self, block: Block, namespace: ModuleType) -> tuple[tuple[Row, ...], tuple[Failure, ...]]:
        """Check a derivation: its rows, and a failure for each line that is false."""
        from einsum_doc.compute.derivation import Derivations

        if self.derivations is None:
            self.derivations = Derivations()
        self.derivations.namespace.update(namespace.__dict__)  # what the page's code has defined by now
        lines = self.derivations.check(block.code).lines
        rows = tuple(Row(line.latex, line.reason, line.checked, line.holds, line.kind == "claim") for line in lines)
        false = tuple(
            Failure(
                Place(block.place.file, block.where.line + line.line), "DerivationError", line.message, line.details
            )
            for line in lines
            if not line.holds
        )
        return rows, false

    def _hear(self, args: threading.ExceptHookArgs) -> None:
        if not issubclass(args.exc_type, SystemExit):  # which ends a thread, and nothing else
            self.uncaught.append(args.exc_value or args.exc_type())

    def _execute(self, code: CodeType, namespace: ModuleType) -> None:
        """Execute with the builtins as the page has patched them; report on it with Python's."""
        _BUILTINS.update(self.builtins)
        try:
            exec(code, namespace.__dict__)
        finally:
            # Method calls alone: any name looked up here may be one that the page has patched.
            self.builtins = _BUILTINS.copy()
            _BUILTINS.clear()
            _BUILTINS.update(_ORIGINALS)

    def _namespace(self, session: str) -> ModuleType:
        if session not in self.namespaces:
            # Classes look their module up in sys.modules by name: dataclasses and pickle need it there.
            name = f"session_{re.sub(r'[^0-9A-Za-z]', '_', session)}" if session else "__main__"
            module = self.namespaces[session] = ModuleType(name)
            module.__dict__.update(__builtins__=builtins, **self.tally.names())
            sys.modules[name] = module
        return self.namespaces[session]

    def _compiled(self, block: Block) -> CodeType:
        """The block's code, at its lines in its file, its assertions rewritten."""
        source = "\n" * block.place.line + block.program
        # Once as it stands, for Python's own errors and warnings about the author's text.
        compile(source, block.place.file, "exec", dont_inherit=True)
        rewriter = AssertionRewriter()
        tree = rewriter.visit(ast.parse(source, block.place.file))
        ASSERTED.setdefault(block.place.file, set()).update(rewriter.lines)
        code: CodeType = compile(ast.fix_missing_locations(tree), block.place.file, "exec", dont_inherit=True)
        return code

    def _choose_device(self, block: Block) -> None:
        """Make the GPU torch's default device, once torch is there; never in the fork server."""
        if self.device_is_set or self.device == "cpu":
            return
        torch = sys.modules.get("torch")
        if torch is None and self.device == "cuda" and re.search(r"\b(torch|einsum_doc)\b", block.code):
            import torch
        if torch is not None:
            self.device_is_set = True
            if torch.cuda.is_available():
                torch.set_default_device("cuda")
            elif self.device == "cuda":
                raise DeviceError("device: cuda was asked for, and torch finds no GPU")

    def _skips(self, block: Block) -> str:
        """Why the block is not run here, if it is not."""
        condition = block.options.get("skip_if", "")
        if condition == "no-gpu":
            import torch

            if self.device == "cpu" or not torch.cuda.is_available():
                return CONDITIONS[condition]
        return ""

    def _stamp(self) -> tuple[str, str]:
        torch = sys.modules.get("torch")
        if torch is None or not hasattr(torch, "cuda"):
            return "", "CPU"
        on_gpu = torch.get_default_device().type == "cuda"
        return str(torch.__version__), torch.cuda.get_device_name() if on_gpu else "CPU"


SHELLS = {"bash": "bash", "sh": "sh", "console": "sh"}
"""The languages that a shell runs, and which."""


class DeviceError(Exception):
    """The device that mkdocs.yml asks for is not there."""


class ExecutionError(Exception):
    """A command that did not end as its block says it should."""


def _run_shell(block: Block) -> None:
    expected = int(block.options.get("returncode", "0"))
    # Both streams into one, as markdown-exec shows them.
    ended = subprocess.run([SHELLS[block.language], "-c", block.program], stderr=subprocess.STDOUT, check=False)
    if ended.returncode != expected:
        raise ExecutionError(f"the command ended with status {ended.returncode}, not {expected}")


@contextmanager
def _width(columns: str | None) -> Iterator[None]:
    """markdown-exec's `width`: how wide programs are told that the terminal is."""
    before = os.environ.get("COLUMNS")
    if columns and int(columns):
        os.environ["COLUMNS"] = columns
    try:
        yield
    finally:
        if columns and int(columns):
            os.environ.pop("COLUMNS", None)
            if before is not None:
                os.environ["COLUMNS"] = before


@contextmanager
def _directory(path: str | None) -> Iterator[None]:
    if not path:
        yield
        return
    before = os.getcwd()
    os.chdir(path)
    try:
        yield
    finally:
        os.chdir(before)


def _limit_memory(size: int) -> None:
    """Have allocations beyond `size` bytes fail in the block that makes them, where the system can."""
    if size and sys.platform == "linux":
        # The data segment, not the address space: a GPU's driver reserves far more of that than there is.
        resource.setrlimit(resource.RLIMIT_DATA, (size, size))


def thread_limits(threads: int) -> dict[str, str]:
    """The variables by which libraries of linear algebra learn how many threads they may start; 0 sets no limit."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return dict.fromkeys(names, str(threads)) if threads else {}


def _share_out(threads: int, gpu: str) -> None:
    """Leave the other pages that run now their share of the cores, and their GPUs."""
    if gpu:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    os.environ.update(thread_limits(threads))
    torch = sys.modules.get("torch")
    if threads and torch is not None:
        torch.set_num_threads(threads)


def serve(talk: socket.socket, output: int, errors: int, settings: Mapping[str, Any]) -> None:
    """Run what the parent asks for over `talk`, a line of JSON each way, until it closes."""
    streams = Streams(output, errors)
    streams.open()
    _limit_memory(settings["memory"])
    _share_out(settings["threads"], settings["gpu"])
    heard = Listener(settings["root"])
    worker = Worker(settings["root"], settings["device"])
    me = os.getpid()
    # Where a crash or the end of the time limit strikes is written where the parent looks for it.
    faulthandler.enable(errors, all_threads=False)
    with talk.makefile("r", encoding="utf-8", newline="\n") as requests:
        know(json.loads(next(requests, "{}")))
        heard.listen()
        for request in requests:
            facts = json.loads(request)
            if "block" not in facts:
                talk.sendall((to_json(heard.footprint()) + "\n").encode())
                continue
            streams.open()
            faulthandler.dump_traceback_later(facts["seconds"], file=errors)
            result = worker.run(block_from(facts["block"]))
            if os.getpid() != me:
                # A process that the block forked has come back out of its code: it is not the worker.
                os._exit(0)
            faulthandler.cancel_dump_traceback_later()
            streams.flush()
            talk.sendall((to_json(result) + "\n").encode())
