"""Words and plain text, for people to read."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Sequence

_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~]?)")
_MOVES = re.compile(r"\r(?!\n)|\x08|\x1b\[\d*[AK]")
_PIECE = re.compile(
    r"\r*\n|[\r\x08]|(?P<text>[^\x00-\x08\n-\x1f\x7f]+)"
    rf"|\x1b\[(?:(?P<count>\d{{0,4}})(?P<moves>[AK])|[\d;:]*(?P<colours>m))|{_ESCAPE.pattern}|[\x00-\x1f\x7f]"
)
_ROWS = 50
"""The height of a terminal."""
_COLOUR = re.compile(r"\x1b\[[\d;]*m")
_CONTROL = re.compile(r"[\0-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Characters without a meaning in text, some of which neither HTML, XML nor UTF-8 can hold."""
_CONTROL_OR_ORDER = re.compile(rf"{_CONTROL.pattern}|[\u202a-\u202e\u2066-\u2069]")
"""These, and those that change the order in which text is shown: a name or a message may read as another one."""


def plain(text: str) -> str:
    r"""Return text without terminal control sequences, and with other control characters as Python writes them.

    These are also the bidirectional ones, which `printable` leaves to the author.

    >>> plain("\x1b[31mred\x1b[0m and \x1b[2Jgone\r\n50 %\r100 %")
    'red and gone\n100 %'
    """
    return _CONTROL_OR_ORDER.sub(_escaped, _ESCAPE.sub("", on_terminal(text)).replace("\r\n", "\n"))


def on_terminal(text: str) -> str:
    r"""Return text as a terminal shows it: a progress bar has written its frames over each other.

    >>> on_terminal("a\r\n10 %\r20 %\r\x1b[32m100\x1b[0m\ndone")
    'a\n\x1b[32m100\x1b[0m%\ndone'

    Carriage returns, backspaces, and the sequences that move the cursor up or erase a line are applied; if there are
    any, other sequences are taken out, but for colours.
    """
    if not _MOVES.search(text):
        return text
    above: list[str] = []
    """The rows that the cursor cannot reach any more."""
    rows: list[list[str]] = [[]]
    """The others: a row has a text for each of its columns, a character with its colours before it."""
    row = column = 0
    colours = ""
    for found in _PIECE.finditer(text):
        piece, moves = found[0], found["moves"]
        cells = rows[row]
        if piece[-1] == "\n":
            row, column = row + 1, 0
            if row == len(rows):
                rows.append([])
            if len(rows) > _ROWS:
                above.append(_joined(rows.pop(0)))
                row -= 1
        elif piece == "\r":
            column = 0
            while cells and cells[-1] == " ":  # with which a bar is taken away
                cells.pop()
        elif piece == "\b":
            column = max(0, column - 1)
        elif found["colours"]:
            colours = "" if re.fullmatch(r"\x1b\[0*m", piece) else colours.replace(piece, "") + piece
        elif moves == "A":
            row = max(0, row - int(found["count"] or 1))
        elif moves == "K" and found["count"] == "1":
            cells[:column] = [" "] * len(cells[:column])
        elif moves == "K":
            del cells[0 if found["count"] == "2" else column :]
        elif found["text"]:
            cells += [" "] * (column - len(cells))
            cells[column : column + len(piece)] = [colours + character for character in piece] if colours else piece
            column += len(piece)
    return "\n".join([*above, *map(_joined, rows)])


def _joined(cells: Sequence[str]) -> str:
    """Return a row of a terminal as text."""
    text = "".join(cells)
    if "\x1b" not in text:
        return text
    pieces, colours = [], ""
    for cell in cells:
        if cell[:-1] != colours:
            pieces.append(("\x1b[0m" if colours else "") + cell[:-1])
            colours = cell[:-1]
        pieces.append(cell[-1])
    return "".join(pieces) + ("\x1b[0m" if colours else "")


def lookalikes(left: str, right: str) -> str:
    r"""Return the names of the first characters in which two texts differ, if they look alike; else an empty text.

    >>> lookalikes("a b", "a\xa0b")
    'U+0020 SPACE and U+00A0 NO-BREAK SPACE'
    """
    seen = [*map(_seen, (left, right))]
    pairs = zip(*seen, strict=False)
    # A character outside of ASCII may look like one within, as a minus sign does like a hyphen.
    alike = len(seen[0]) == len(seen[1]) and all(a == b or a.isascii() != b.isascii() for a, b in pairs)
    if left == right or not alike:
        return ""
    pairs = zip(left, right, strict=False)
    first = next((index for index, (a, b) in enumerate(pairs) if a != b), min(len(left), len(right)))
    return " and ".join(_named(text[first:]) for text in (left, right))


def _seen(text: str) -> str:
    """Return a text as a reader sees it: without characters that show nothing, and with one blank for several."""
    composed = unicodedata.normalize("NFKC", re.sub(r"\s+", " ", text).rstrip())
    return "".join(each for each in composed if unicodedata.category(each) not in ("Cc", "Cf"))


def _named(text: str) -> str:
    """Return the name of the first character of a text, and of the accents on it."""
    accents = itertools.takewhile(unicodedata.combining, text[1:])
    names = [f"U+{ord(each):04X} {unicodedata.name(each, repr(each))}" for each in (*text[:1], *accents)]
    return ", ".join(names) or "the end"


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
    return _CONTROL_OR_ORDER.sub(_escaped, re.sub(r"[\t\n\r\x1b]", _escaped, name))


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


def count(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> count(1, "block"), count(2, "block")
    ('1 block', '2 blocks')
    """
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
