"""The executable fences of a page, and locations in the author's files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

DISPLAY = "display formula"
"""The language of a block that is a display formula; no fence can have it, as it is no single word."""


class Location(NamedTuple):
    """A line of an author's file.

    >>> str(Location("docs/posts/einsum.md", 41))
    'docs/posts/einsum.md:41'
    """

    file: str
    """The file, relative to the folder of mkdocs.yml, with `/` between its parts."""
    line: int
    """The line in that file, from 1."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Expected:
    """The output that a block must have, from the `expected` fence after it."""

    location: Location
    """The line of the fence's opening."""
    text: str
    tolerance: float = 1e-5
    """The largest difference of a number from the expected one, relative to it."""


@dataclass(frozen=True)
class Block:
    """One executable fence of a page, or a display formula that is checked."""

    location: Location
    """The line of the fence's opening; its code starts on the next one."""
    number: int
    """Its position among the page's blocks, from 1."""
    language: str
    code: str
    """The code as the fence's formatter receives it: dedented, tabs expanded. Of a formula, it has the delimiters."""
    options: Mapping[str, str] = field(default_factory=dict)
    """The options of the fence, as they were written, checked by `Languages.executes`."""
    expected: Expected | None = None
    """The output that it must have, if an `expected` fence follows it."""
    locations: tuple[Location, ...] = ()
    """The location of each line of its code, if these are not the lines after its opening, as in a snippet."""

    @property
    def where(self) -> Location:
        """The location of the first line of code."""
        return self.location_of(0)

    def location_of(self, index: int) -> Location:
        """Return the location of a line of its code, counted from 0.

        >>> str(Block(Location("docs/a.md", 3), 1, "python", "x = 1").location_of(0))
        'docs/a.md:4'
        """
        if self.locations:
            return self.locations[min(index, len(self.locations) - 1)]
        return Location(self.location.file, self.location.line + 1 + index)

    def has(self, location: Location) -> bool:
        """Return whether a location is one of the lines of its code."""
        return any(self.location_of(index) == location for index in range(self.code.count("\n") + 1))
