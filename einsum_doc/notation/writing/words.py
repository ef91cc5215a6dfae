"""Numbers and lists in words."""

from __future__ import annotations

from collections.abc import Iterable

_TIMES = {2: "twice", 3: "three times", 4: "four times"}
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


def times(count: int) -> str:
    """Return a number of times in words: 'twice', 'three times'."""
    return _TIMES.get(count, f"{count} times")


def ordinal(number: int) -> str:
    """Return the place of item `number`, counted from 0: 'first', 'second'."""
    return _ORDINALS[number] if number < len(_ORDINALS) else f"{number + 1}th"


def listed(items: Iterable[str]) -> str:
    """Return a list in words: 'i, j and k'."""
    *most, last = items
    return f"{', '.join(most)} and {last}" if most else last


def capitalized(sentence: str) -> str:
    """Return a sentence with its first letter as a capital."""
    return sentence[:1].upper() + sentence[1:]
