"""What goes wrong in a page's code where nobody looks: in tasks, futures, coroutines, processes and test suites.

An assertion that fails in a task or in a pool of threads or processes is kept until somebody asks for
the result, a process that fails leaves a status that somebody may ask for, and a coroutine that nobody
awaits does not run at all. In a program that is a line in a log, or nothing; here it would be a page
that holds and was never checked.
"""

from __future__ import annotations

import importlib
import inspect
import logging
import re
import signal
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from functools import wraps
from types import FrameType, ModuleType
from typing import Any

from einsum_doc.pages.blame import PAGES
from einsum_doc.pages.block import Place
from einsum_doc.pages.imports import when_loaded

_LOOKED_AT = "@looked at"


class UnawaitedError(Exception):
    """A coroutine that was made and never awaited."""

    def __init__(self, coroutine: Any) -> None:
        super().__init__(f"the coroutine '{coroutine.__qualname__}' was never awaited: nothing in it has run")
        made = [Place(file, line) for file, line, _ in coroutine.cr_origin or () if file in PAGES]
        self.einsum_doc_place = (made or [Place(coroutine.cr_code.co_filename, coroutine.cr_code.co_firstlineno)])[0]


class ProcessError(Exception):
    """A process that has failed, and nobody has asked how it ended."""

    def __init__(self, status: int, place: Place) -> None:
        how = f"ended with status {status}" if status > 0 else f"was killed by {signal.Signals(-status).name}"
        super().__init__(f"the process that was started here {how}, and nobody has asked for its exitcode")
        self.einsum_doc_place = place


class UnsuccessfulError(Exception):
    """Tests of `unittest` that have failed, and nobody has asked whether they were successful."""

    def __init__(self, result: Any, place: Place) -> None:
        super().__init__(f"{result!r}, and nobody has asked whether it was successful: assert result.wasSuccessful()")
        self.einsum_doc_place = place


class Unheard:
    """Listens for what would not be heard of, and tells `hear` of each error."""

    def __init__(self, hear: Callable[[BaseException], object]) -> None:
        self.hear = hear
        self.failed: list[Future[Any]] = []
        """The futures that hold an error."""
        self.results: list[Any] = []
        """Those that pools of processes give, and that hold one."""
        self.processes: list[tuple[Any, Place]] = []
        """Those that the page has started itself, and where."""
        self.suites: list[tuple[Any, Place]] = []
        """The results of tests that have been run, and where."""
        sys.set_coroutine_origin_tracking_depth(1)
        warn = warnings._warn_unawaited_coroutine  # type: ignore[attr-defined]

        def hear_coroutine(coroutine: Any) -> None:
            if coroutine.cr_code.co_filename in PAGES:
                hear(UnawaitedError(coroutine))
            else:
                warn(coroutine)

        warnings._warn_unawaited_coroutine = hear_coroutine  # type: ignore[attr-defined]
        # asyncio logs the error of a task when that is deleted and nobody has asked for it.
        logging.getLogger("asyncio").addFilter(self._hear_record)
        self._watch_futures()
        when_loaded(
            {
                "multiprocessing.process": self._watch_processes,
                "multiprocessing.pool": self._watch_pools,
                "unittest.runner": self._watch_tests,
            }
        )

    def _hear_record(self, record: logging.LogRecord) -> bool:
        if record.exc_info and record.exc_info[1]:
            self.hear(record.exc_info[1])
        return True

    def _watch_futures(self) -> None:
        set_exception = Future.set_exception

        @wraps(set_exception)
        def keep(future: Future[Any], exception: BaseException | None) -> None:
            set_exception(future, exception)
            self.failed.append(future)

        def watched(method: Callable[..., Any]) -> Callable[..., Any]:
            @wraps(method)
            def look(future: Future[Any], timeout: float | None = None) -> Any:
                try:
                    return method(future, timeout)
                finally:
                    if future.done():
                        future.__dict__[_LOOKED_AT] = True

            return look

        for name, method in (
            ("set_exception", keep),
            ("result", watched(Future.result)),
            ("exception", watched(Future.exception)),
        ):
            setattr(Future, name, method)

    def _watch_processes(self, module: ModuleType) -> None:
        kind = module.BaseProcess
        start, exitcode = kind.start, kind.exitcode

        @wraps(start)
        def keep(process: Any) -> None:
            start(process)
            place = _place_on_page()
            if place is not None:
                self.processes.append((process, place))

        def look(process: Any) -> int | None:
            status: int | None = exitcode.__get__(process)
            if status is not None:
                process.__dict__[_LOOKED_AT] = True
            return status

        kind.start, kind.exitcode = keep, property(look, doc=exitcode.__doc__)

    def _watch_pools(self, module: ModuleType) -> None:
        for kind in (module.ApplyResult, module.MapResult):
            kind._set = self._kept(kind._set)
        for name in ("get", "successful"):
            setattr(module.ApplyResult, name, _marking(getattr(module.ApplyResult, name)))

    def _kept(self, set_: Callable[..., None]) -> Callable[..., None]:
        @wraps(set_)
        def keep(result: Any, *args: Any) -> None:
            set_(result, *args)
            if result.ready() and not result._success and result._error_callback is None:
                self.results.append(result)

        return keep

    def _watch_tests(self, module: ModuleType) -> None:
        run, kind = module.TextTestRunner.run, importlib.import_module("unittest.result").TestResult
        was_successful = kind.wasSuccessful

        @wraps(run)
        def keep(runner: Any, test: Any) -> Any:
            result = run(runner, test)
            place = _place_on_page()
            if place is not None:
                self.suites.append((result, place))
            return result

        @wraps(was_successful)
        def look(result: Any) -> bool:
            if sys._getframe(1).f_code.co_filename in PAGES:  # and not the runner, for what it prints
                result.__dict__[_LOOKED_AT] = True
            return bool(was_successful(result))

        module.TextTestRunner.run, kind.wasSuccessful = keep, look

    def finish(self, namespaces: Iterable[Mapping[str, Any]]) -> None:
        """Tell of what nobody has looked at by the end of a page."""
        for process, place in self.processes:
            with suppress(ValueError):  # of one that is closed
                if not process.daemon:
                    process.join()  # as Python does at the end of a program
                status = None if process.__dict__.get(_LOOKED_AT) else process.exitcode
                if status and -status not in _ON_PURPOSE:
                    self.hear(ProcessError(status, place))
        for result, place in self.suites:
            if not result.__dict__.get(_LOOKED_AT) and not result.wasSuccessful():
                self.hear(UnsuccessfulError(result, place))
        for result in self.results:
            if not result.__dict__.get(_LOOKED_AT):
                self._hear_elsewhere(result._value, "nobody has asked a pool of processes for its result")
        for future in self.failed:
            error = None if future.__dict__.get(_LOOKED_AT) else future.exception()
            if error is not None:
                self._hear_elsewhere(error, "nobody has asked for the result of its future")
        for value in [value for namespace in namespaces for value in list(namespace.values())]:
            if inspect.iscoroutine(value) and inspect.getcoroutinestate(value) == inspect.CORO_CREATED:
                self.hear(UnawaitedError(value))
                value.close()

    def _hear_elsewhere(self, error: BaseException, note: str) -> None:
        """Hear of an error that may have been raised in another process: then its place is told in words."""
        error.add_note(note)
        told = re.findall(r'^ *File "(.+)", line (\d+)', str(error.__cause__ or ""), re.M)
        places = [Place(file, int(line)) for file, line in told if file in PAGES]
        if places:
            error.einsum_doc_place = places[-1]  # type: ignore[attr-defined]
        self.hear(error)


_ON_PURPOSE = (signal.SIGTERM, signal.SIGKILL)
"""By these, a process is ended by who has started it."""


def _marking(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method that marks what it is called on as looked at."""

    @wraps(method)
    def look(result: Any, *args: Any, **kwargs: Any) -> Any:
        result.__dict__[_LOOKED_AT] = True
        return method(result, *args, **kwargs)

    return look


def _place_on_page() -> Place | None:
    """The line of the page that is being run in this thread, if one is."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename not in PAGES:
        frame = frame.f_back
    return frame and Place(frame.f_code.co_filename, frame.f_lineno)
