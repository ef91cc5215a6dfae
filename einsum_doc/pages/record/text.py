"""Words and plain text, for people to read."""

from __future__ import annotations

import itertools
import re
import unicodedata

_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~]?)")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def plain(text: str) -> str:
    r"""Return text without terminal control sequences.

    >>> plain("\x1b[31mred\x1b[0m and \x1b[2Jgone\r\n50 %\r100 %")
    'red and gone\n50 %\n100 %'
    """
    lines = _ESCAPE.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub("", lines)


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


def count(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> count(1, "block"), count(2, "block")
    ('1 block', '2 blocks')
    """
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
