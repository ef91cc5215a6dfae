"""Words and plain text, for people to read."""

from __future__ import annotations

import re

_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~]?)")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def plain(text: str) -> str:
    r"""Return text without terminal control sequences.

    >>> plain("\x1b[31mred\x1b[0m and \x1b[2Jgone\r\n50 %\r100 %")
    'red and gone\n50 %\n100 %'
    """
    lines = _ESCAPE.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub("", lines)


def count(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> count(1, "block"), count(2, "block")
    ('1 block', '2 blocks')
    """
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
