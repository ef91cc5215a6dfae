"""The progress of running pages: a line at the foot of the terminal, erased when they are done."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from concurrent.futures import Future

_EVERY = 0.1
"""How often the line is painted, in seconds."""
_WIDTH = 20


def awaited(future: Future[Any], progress: Progress) -> None:
    """Wait until the future is done, showing the running pages on a terminal."""
    from concurrent.futures import wait  # not loaded where nothing is run

    while not future.done():
        if progress.is_shown:
            progress.paint()
        wait([future], _EVERY if progress.is_shown else None)
    progress.erase()


class Progress:
    """The line with the running pages, and how many are done."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self.is_shown = self.stream.isatty()
        """Whether the stream is a terminal."""
        self.running: dict[str, str] = {}
        """The running pages, and the current block of each."""
        self.done = self.total = 0
        """How many pages have been run, and how many there are."""
        self._painted = False

    def paint(self) -> None:
        """Show the current progress in place of the last one."""
        width = shutil.get_terminal_size().columns - 1
        self.stream.write("\r\x1b[K" + bar(self.done, self.total, dict(self.running), width))
        self.stream.flush()
        self._painted = True

    def erase(self) -> None:
        """Erase the line."""
        if self._painted:
            self.stream.write("\r\x1b[K")
            self.stream.flush()
            self._painted = False


def bar(done: int, total: int, running: Mapping[str, str], width: int) -> str:
    """Return the progress in at most `width` characters.

    >>> bar(1, 4, {"docs/posts/einsum.md": "3/9"}, 60)
    '█████░░░░░░░░░░░░░░░ 1/4 pages  docs/posts/einsum.md 3/9'
    """
    full = _WIDTH * done // max(total, 1)
    pages = ", ".join(f"{name} {block}".rstrip() for name, block in running.items())
    text = f"{'█' * full}{'░' * (_WIDTH - full)} {done}/{total} pages  {pages}"
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"
