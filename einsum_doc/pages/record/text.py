"""Words and plain text, for people to read."""

from __future__ import annotations

import re

_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~]?)")
_COLOUR = re.compile(r"\x1b\[[\d;]*m")
_CONTROL = re.compile(r"[\0-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Characters without a meaning in text, some of which neither HTML, XML nor UTF-8 can hold."""


def plain(text: str) -> str:
    r"""Return text without terminal control sequences, and with other control characters as Python writes them.

    >>> plain("\x1b[31mred\x1b[0m and \x1b[2Jgone\r\n50 %\r100 %")
    'red and gone\n50 %\n100 %'
    """
    lines = _ESCAPE.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub(_escaped, lines)


def printable(text: str) -> str:
    r"""Return text with colours as its only control sequences, and other control characters as Python writes them.

    >>> printable("\x1b[31mred\x1b[0m\x1b[2J\x00")
    '\x1b[31mred\x1b[0m\\x00'
    """
    text = _ESCAPE.sub(lambda found: found[0] if _COLOUR.fullmatch(found[0]) else "", text)
    return _CONTROL.sub(_escaped, text)


def in_line(name: str) -> str:
    r"""Return a name, such as that of a file, with all that is no part of a line as Python writes it.

    >>> in_line("a\nb\x1b.md")
    'a\\nb\\x1b.md'
    """
    return _CONTROL.sub(_escaped, re.sub(r"[\t\n\r\x1b]", _escaped, name))


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


def count(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> count(1, "block"), count(2, "block")
    ('1 block', '2 blocks')
    """
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
