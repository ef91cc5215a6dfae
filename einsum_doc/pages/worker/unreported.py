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
from functools import cache, wraps
from types import FrameType, ModuleType
from typing import Any

from einsum_doc.pages.record.block import Location
from einsum_doc.pages.worker.failures import PAGES, frames_of
from einsum_doc.pages.worker.imports import when_loaded

_LOOKED_AT = "@looked at"


class UnawaitedError(Exception):
    """A coroutine that was made and never awaited."""

    def __init__(self, coroutine: Any) -> None:
        super().__init__(f"the coroutine '{coroutine.__qualname__}' was never awaited: nothing in it has run")
        made = [Location(file, line) for file, line, _ in coroutine.cr_origin or () if file in PAGES]
        self.einsum_doc_location = (
            made or [Location(coroutine.cr_code.co_filename, coroutine.cr_code.co_firstlineno)]
        )[0]


class ProcessError(Exception):
    """A process that has failed, and nobody has asked how it ended."""

    def __init__(self, status: int, location: Location) -> None:
        names = {-each: each.name for each in signal.Signals}
        how = f"ended with status {status}" if status > 0 else f"was killed by {names.get(status, f'signal {-status}')}"
        super().__init__(f"the process that was started here {how}, and nobody has asked for its exitcode")
        self.einsum_doc_location = location


class UnsuccessfulError(Exception):
    """Tests of `unittest` that have failed, and nobody has asked whether they were successful."""

    def __init__(self, result: Any, location: Location) -> None:
        super().__init__(f"{result!r}, and nobody has asked whether it was successful: assert result.wasSuccessful()")
        self.einsum_doc_location = location


class Unheard:
    """Listens for what would not be heard of, and tells `hear` of each error."""

    def __init__(self, hear: Callable[[BaseException], object]) -> None:
        self.hear = hear
        self.failed: list[Future[Any]] = []
        """The futures that hold an error."""
        self.results: list[tuple[Any, BaseException]] = []
        """Those that pools of processes give, with the error that they hold."""
        self.processes: list[tuple[Any, Location]] = []
        """Those that the page has started itself, and where."""
        self.suites: list[tuple[Any, Location]] = []
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

        _note_location(Future)
        setattr(Future, "set_exception", keep)  # noqa: B010 — a method is no variable to mypy
        for name in ("result", "exception"):
            setattr(Future, name, _marking(getattr(Future, name), Future.done))

    def _watch_processes(self, module: ModuleType) -> None:
        kind = module.BaseProcess
        start, close, exitcode = kind.start, kind.close, kind.exitcode

        @wraps(start)
        def keep(process: Any) -> None:
            start(process)
            # Not those that a library starts: it looks after its own, as a pool or a manager does.
            frame = sys._getframe(1)
            if frame.f_code.co_filename in PAGES:
                self.processes.append((process, Location(frame.f_code.co_filename, frame.f_lineno)))

        @wraps(close)
        def close_and_tell(process: Any) -> None:
            with suppress(ValueError):  # it is closed already
                process.__dict__[_STATUS] = exitcode.__get__(process)
            close(process)

        def look(process: Any) -> int | None:
            status: int | None = exitcode.__get__(process)
            if status is not None:
                process.__dict__[_LOOKED_AT] = True
            return status

        kind.start, kind.close, kind.exitcode = keep, close_and_tell, property(look, doc=exitcode.__doc__)

    def _watch_pools(self, module: ModuleType) -> None:
        results = module.ApplyResult
        _note_location(results)
        for kind in (results, module.MapResult):
            kind._set = self._kept(kind._set)
        for name in ("get", "successful"):
            setattr(results, name, _marking(getattr(results, name), results.ready))
        _note_location(module.IMapIterator)
        for kind in (module.IMapIterator, module.IMapUnorderedIterator):
            kind._set = self._kept_of_many(kind._set)
        module.IMapIterator.next = module.IMapIterator.__next__ = _marking_many(module.IMapIterator.next)

    def _kept(self, set_: Callable[..., None]) -> Callable[..., None]:
        @wraps(set_)
        def keep(result: Any, *args: Any) -> None:
            set_(result, *args)
            if result.ready() and not result._success and result._error_callback is None:
                self.results.append((result, result._value))

        return keep

    def _kept_of_many(self, set_: Callable[..., None]) -> Callable[..., None]:
        @wraps(set_)
        def keep(result: Any, number: int, each: tuple[bool, Any]) -> None:
            set_(result, number, each)
            if not each[0]:
                self.results.append((result, each[1]))

        return keep

    def _watch_tests(self, module: ModuleType) -> None:
        run, kind = module.TextTestRunner.run, importlib.import_module("unittest.result").TestResult

        @wraps(run)
        def keep(runner: Any, test: Any) -> Any:
            result = run(runner, test)
            location = _location_on_page()
            if location is not None and isinstance(result, kind):
                # From now on: the runner itself has asked, for what it prints.
                with suppress(TypeError):  # of a class that is too odd for it, only what is asked before is known
                    result.__class__ = _asked(result.__class__)
                self.suites.append((result, location))
            return result

        module.TextTestRunner.run = keep

    def finish(self, namespaces: Iterable[Mapping[str, Any]]) -> None:
        """Tell of what nobody has looked at by the end of a page."""
        for process, location in self.processes:
            if _looked_at(process):
                continue
            if _STATUS in process.__dict__:  # it is closed
                status = process.__dict__[_STATUS]
            else:
                if not process.daemon:
                    process.join()  # as Python does at the end of a program
                status = process.exitcode
            if status and -status not in _ON_PURPOSE:
                self.hear(ProcessError(status, location))
        for result, location in self.suites:
            if not _looked_at(result) and not result.wasSuccessful():
                self.hear(UnsuccessfulError(result, location))
        for result, error in self.results:
            if not _looked_at(result) and id(error) not in result.__dict__.get(_TAKEN, ()):
                self._hear_elsewhere(error, "nobody has asked a pool of processes for its result", result)
        for future in self.failed:
            error_of = None if _looked_at(future) else future.exception()
            if error_of is not None:
                self._hear_elsewhere(error_of, "nobody has asked for the result of its future", future)
        for value in [value for namespace in namespaces for value in list(namespace.values())]:
            if inspect.iscoroutine(value) and inspect.getcoroutinestate(value) == inspect.CORO_CREATED:
                self.hear(UnawaitedError(value))
                value.close()

    def _hear_elsewhere(self, error: BaseException, note: str, result: Any) -> None:
        """Hear of an error that may have been raised in another process, or in no line of the page."""
        error.add_note(note)
        told = re.findall(r'^ *File "(.+)", line (\d+)', str(error.__cause__ or ""), re.M)
        locations = [Location(file, int(line)) for file, line in told if file in PAGES]
        location = locations[-1] if locations else result.__dict__.get(_PLACE)
        if location is not None and not any(each.file in PAGES for each in frames_of(error)):
            error.einsum_doc_location = location  # type: ignore[attr-defined]
        self.hear(error)


_ON_PURPOSE = (signal.SIGTERM, signal.SIGKILL, signal.SIGINT)
"""By these, a process is ended by who has started it."""

_STATUS, _PLACE, _TAKEN = "@status", "@place", "@taken"


def _looked_at(thing: Any) -> bool:
    return bool(thing.__dict__.get(_LOOKED_AT))


def _note_location(kind: Any) -> None:
    """Have each object of a class know the line of the page on which it was asked for, if it was on one."""
    make = kind.__init__

    @wraps(make)
    def made(result: Any, *args: Any, **kwargs: Any) -> None:
        make(result, *args, **kwargs)
        location = _location_on_page(_ASKED_FOR_BY)
        if location is not None:
            result.__dict__[_PLACE] = location

    kind.__init__ = made


def _marking(method: Callable[..., Any], ready: Callable[[Any], bool]) -> Callable[..., Any]:
    """A method that marks what it is called on as looked at, if there was anything to be seen."""

    @wraps(method)
    def look(result: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return method(result, *args, **kwargs)
        finally:
            if ready(result):
                result.__dict__[_LOOKED_AT] = True

    return look


def _marking_many(following: Callable[..., Any]) -> Callable[..., Any]:
    """The method that gives the next of many results, and marks an error that it raises as looked at."""

    @wraps(following)
    def look(result: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return following(result, *args, **kwargs)
        except Exception as error:
            result.__dict__.setdefault(_TAKEN, set()).add(id(error))
            raise

    return look


@cache
def _asked(kind: Any) -> Any:
    """A class of test results that are marked as looked at by whoever asks for their failures."""

    def was_successful(result: Any) -> bool:
        result.__dict__[_LOOKED_AT] = True
        return bool(kind.wasSuccessful(result))

    def read(name: str) -> property:
        def get(result: Any) -> Any:
            result.__dict__[_LOOKED_AT] = True
            return result.__dict__[name]

        return property(get, lambda result, value: result.__dict__.update({name: value}))

    return type(
        kind.__name__,
        (kind,),
        {
            "__module__": kind.__module__,
            "wasSuccessful": was_successful,
            "failures": read("failures"),
            "errors": read("errors"),
        },
    )


_ASKED_FOR_BY = ("concurrent.", "multiprocessing.")
"""The modules through which a page asks for a result."""


def _location_on_page(through: tuple[str, ...] | None = None) -> Location | None:
    """The line of the page that is being run in this thread, if one is; through these modules alone, if any."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename not in PAGES:
        if through is not None and not f"{frame.f_globals.get('__name__', '')}.".startswith(through):
            return None
        frame = frame.f_back
    return frame and Location(frame.f_code.co_filename, frame.f_lineno)
