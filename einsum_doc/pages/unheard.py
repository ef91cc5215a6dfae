"""What goes wrong in a page's code where nobody looks: in tasks, futures and coroutines.

An assertion that fails in a task or in a thread of a pool is kept until somebody asks for the
result, and a coroutine that nobody awaits does not run at all. In a program that is a line in
a log, or nothing; here it would be a page that holds and was never checked.
"""

from __future__ import annotations

import inspect
import logging
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from functools import wraps
from typing import Any

from einsum_doc.pages.blame import PAGES
from einsum_doc.pages.block import Place

_LOOKED_AT = "@looked at"


class UnawaitedError(Exception):
    """A coroutine that was made and never awaited."""

    def __init__(self, coroutine: Any) -> None:
        super().__init__(f"the coroutine '{coroutine.__qualname__}' was never awaited: nothing in it has run")
        made = [Place(file, line) for file, line, _ in coroutine.cr_origin or () if file in PAGES]
        self.einsum_doc_place = (made or [Place(coroutine.cr_code.co_filename, coroutine.cr_code.co_firstlineno)])[0]


class Unheard:
    """Listens for what would not be heard of, and tells `hear` of each error."""

    def __init__(self, hear: Callable[[BaseException], object]) -> None:
        self.hear = hear
        self.failed: list[Future[Any]] = []
        """The futures that hold an error."""
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

    def finish(self, namespaces: Iterable[Mapping[str, Any]]) -> None:
        """Tell of what nobody has looked at by the end of a page."""
        for future in self.failed:
            error = None if future.__dict__.get(_LOOKED_AT) else future.exception()
            if error is not None:
                error.add_note("nobody has asked for the result of its future")
                self.hear(error)
        for value in [value for namespace in namespaces for value in list(namespace.values())]:
            if inspect.iscoroutine(value) and inspect.getcoroutinestate(value) == inspect.CORO_CREATED:
                self.hear(UnawaitedError(value))
                value.close()
