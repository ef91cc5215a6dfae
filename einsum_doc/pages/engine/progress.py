"""The progress of running pages: a line at the foot of the terminal, erased when they are done."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from concurrent.futures import Future  # not loaded where nothing is run
    from queue import Queue

_EVERY = 0.1
"""The time between two paintings of the line, in seconds."""
_WIDTH = 20


class Progress:
    """The line with the running pages, and the number of those that are done. `waiting` counts the others."""

    def __init__(self, waiting: Queue[Any]) -> None:
        self.is_shown = sys.stderr.isatty()
        """True if a person sees the line."""
        self.running: dict[str, str] = {}
        """The running pages, and the current block of each."""
        self.total = 0
        """The number of pages."""
        self._waiting = waiting

    def wait(self, future: Future[Any]) -> None:
        """Wait until the future is done, showing the running pages on a terminal."""
        while not future.done():
            if self.is_shown:
                self._paint(self._line())
            with suppress(TimeoutError):
                future.exception(_EVERY if self.is_shown else None)
        if self.is_shown:
            self._paint("")

    def _line(self) -> str:
        done = self.total - self._waiting.unfinished_tasks
        return bar(done, self.total, dict(self.running), shutil.get_terminal_size().columns - 1)

    def _paint(self, line: str) -> None:
        sys.stderr.write("\r\x1b[K" + line)
        sys.stderr.flush()


def bar(done: int, total: int, running: Mapping[str, str], width: int) -> str:
    """Return the progress in at most `width` characters.

    >>> bar(1, 4, {"docs/posts/einsum.md": "3/9"}, 60)
    '█████░░░░░░░░░░░░░░░ 1/4 pages  docs/posts/einsum.md 3/9'
    """
    full = _WIDTH * done // max(total, 1)
    pages = ", ".join(f"{name} {block}".rstrip() for name, block in running.items())
    text = f"{'█' * full}{'░' * (_WIDTH - full)} {done}/{total} pages  {pages}"
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"
