"""Errors that Python would only log: in threads, destructors, tasks, futures, and coroutines that are never awaited.

In a program, an assertion that fails there is a line in a log, or nothing; here it would be a page that
holds and was never checked.
"""

from __future__ import annotations

import inspect
import logging
import re
import sys
import threading
import warnings
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from os import getpid
from types import FrameType
from typing import Any
from weakref import WeakKeyDictionary

from einsum_doc.pages.record.block import Block, Location
from einsum_doc.pages.worker.failures import PAGES, locations_of

_LOCATION = "@location"
"""The attribute of a future that holds the line of the page that made it."""


class UnawaitedError(Exception):
    """A coroutine that was made and never awaited."""

    def __init__(self, coroutine: Any) -> None:
        super().__init__(f"the coroutine '{coroutine.__qualname__}' was never awaited: nothing in it has run")
        made = [Location(file, line) for file, line, _ in coroutine.cr_origin or () if file in PAGES]
        self.einsum_doc_location = (
            made or [Location(coroutine.cr_code.co_filename, coroutine.cr_code.co_firstlineno)]
        )[0]


class Uncaught:
    """Collects the uncaught errors of this process from now on, each with the block that it belongs to.

    `blocks` are those that have begun to run; the last one is running.
    """

    def __init__(self, blocks: Sequence[Block]) -> None:
        self.blocks = blocks
        self._errors: list[tuple[Block, BaseException]] = []
        self._threads: WeakKeyDictionary[threading.Thread, Block] = WeakKeyDictionary()
        """The block that each thread was started in."""
        self._futures: dict[Future[Any], BaseException] = {}
        """The futures that hold an error which nobody has asked for."""
        self._pid = getpid()
        threading.excepthook = self._add_of_thread
        sys.unraisablehook = self._add_unraisable
        sys.set_coroutine_origin_tracking_depth(1)
        self._warn_of_coroutine = warnings._warn_unawaited_coroutine  # type: ignore[attr-defined]
        warnings._warn_unawaited_coroutine = self._add_coroutine  # type: ignore[attr-defined]
        # asyncio logs the error of a task when that is deleted and nobody has asked for it.
        logging.getLogger("asyncio").addFilter(self._add_logged)
        self._watch_futures()

    def take(self) -> list[tuple[Block, BaseException]]:
        """Return the errors since the last call, and count the threads since then as those of the last block."""
        errors, self._errors = self._errors, []
        for thread in threading.enumerate():
            self._threads.setdefault(thread, self.blocks[-1])
        return errors

    def finish(self, namespaces: Iterable[Mapping[str, Any]]) -> None:
        """Add the errors of futures that were not asked for their outcome, and the coroutines in the namespaces."""
        for future, error in list(self._futures.items()):
            error.add_note("nobody has asked for the result of its future")
            if not locations_of(error):  # raised in another process, or in C
                lines = re.findall(r'^ *File "(.+)", line (\d+)', str(error.__cause__ or ""), re.M)
                locations = [Location(file, int(line)) for file, line in lines if file in PAGES]
                location = locations[-1] if locations else future.__dict__[_LOCATION]
                if location is not None:
                    error.einsum_doc_location = location  # type: ignore[attr-defined]
            self._add(error)
        for value in [value for namespace in namespaces for value in list(namespace.values())]:
            if inspect.iscoroutine(value) and inspect.getcoroutinestate(value) == inspect.CORO_CREATED:
                self._add(UnawaitedError(value))
                value.close()

    def add(self, block: Block, error: BaseException) -> None:
        """Add an error of a block."""
        self._errors.append((block, error))

    def _add(self, error: BaseException) -> bool:
        """Add an error if it comes from the page's code; return whether it does."""
        locations = locations_of(error)
        if hasattr(error, "einsum_doc_location"):
            locations.append(error.einsum_doc_location)
        if not locations or getpid() != self._pid:
            return False
        if not isinstance(error, SystemExit):
            self.add(next((block for block in self.blocks if block.has(locations[-1])), self.blocks[-1]), error)
        return True

    def _add_of_thread(self, args: threading.ExceptHookArgs) -> None:
        if getpid() != self._pid:
            threading.__excepthook__(args)
        elif not issubclass(args.exc_type, SystemExit):  # which ends a thread, and nothing else
            block = self._threads.get(args.thread) if args.thread else None
            self.add(block or self.blocks[-1], args.exc_value or args.exc_type())

    def _add_unraisable(self, args: sys.UnraisableHookArgs) -> None:
        """Add an error of `__del__`, or of a thread without an object."""
        if args.exc_value is None or not self._add(args.exc_value):
            sys.__unraisablehook__(args)

    def _add_coroutine(self, coroutine: Any) -> None:
        if coroutine.cr_code.co_filename in PAGES:
            self._add(UnawaitedError(coroutine))
        else:
            self._warn_of_coroutine(coroutine)

    def _add_logged(self, record: logging.LogRecord) -> bool:
        if record.exc_info and record.exc_info[1]:
            self._add(record.exc_info[1])
        return True

    def _watch_futures(self) -> None:
        """Replace the attribute in which a future keeps its error, which `result` and `exception` read."""

        def get(future: Future[Any]) -> BaseException | None:
            self._futures.pop(future, None)
            error: BaseException | None = future.__dict__["_exception"]
            return error

        def keep(future: Future[Any], error: BaseException | None) -> None:
            future.__dict__["_exception"] = error
            future.__dict__.setdefault(_LOCATION, _page_line_of_caller())
            if error is not None:
                self._futures[future] = error

        Future._exception = property(get, keep)  # type: ignore[assignment]


def _page_line_of_caller() -> Location | None:
    """Return the line of the page that runs in this thread, if it has called `concurrent.futures` itself."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_globals.get("__name__", "").startswith("concurrent."):
        frame = frame.f_back
    return Location(frame.f_code.co_filename, frame.f_lineno) if frame and frame.f_code.co_filename in PAGES else None
