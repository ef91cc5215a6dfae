"""The executable fences of a page, and locations in the author's files."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


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
    """One executable fence of a page."""

    location: Location
    """The line of the fence's opening; its code starts on the next one."""
    number: int
    """Its position among the page's blocks, from 1."""
    language: str
    code: str
    """The code as the fence's formatter receives it: dedented, tabs expanded."""
    options: Mapping[str, str] = field(default_factory=dict)
    """The options of the fence, as they were written, checked by `fence.executes`."""
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

    @property
    def program(self) -> str:
        r"""The program to run, with a line for each line of the block: of a console session, its commands.

        >>> Block(Location("docs/a.md", 1), 1, "pycon", ">>> 1 + 1\n2").program
        '1 + 1\n'
        """
        if self.language not in _PROMPTS:
            return self.code
        return "\n".join(self.typed.get(index, "") for index in range(self.code.count("\n") + 1))

    @property
    def typed(self) -> Mapping[int, str]:
        r"""The commands of a console session by their lines; a command may continue on the next lines.

        >>> Block(Location("docs/a.md", 1), 1, "console", "$ echo a \\\n>   b\na b\n$ true").typed
        {0: 'echo a \\', 1: '  b', 3: 'true'}
        """
        typed: dict[int, str] = {}
        command: list[str] = []
        lines = self.code.split("\n")
        for index, line in enumerate(lines):
            if self.language == "console" and command and _goes_on("\n".join(command), lines[index:]):
                typed[index] = line.removeprefix("> ")
                command.append(typed[index])
            elif line.startswith(_PROMPTS[self.language]):
                typed[index] = line[len(_PROMPTS[self.language][0]) :]
                command = [typed[index]]
            else:
                command = []
        return typed


_PROMPTS = {"pycon": (">>> ", "... "), "console": ("$ ", "% ")}
_ENDS = {"if": "fi", "for": "done", "while": "done", "until": "done", "case": "esac"}


def _goes_on(command: str, rest: Sequence[str]) -> bool:
    """Return whether a shell would ask for another line of this command. `rest` are the lines that may follow."""
    document = re.search(r"(?<!<)<<-?\s*(['\"]?)([A-Za-z_]\w*)\1(?!.*<<)", command.split("\n")[0])
    if document and document[2] in (line.strip() for line in command.split("\n")):
        return False
    if document and document[2] in (line.removeprefix("> ").strip() for line in rest):
        return True
    try:
        words = shlex.split(command, comments=True)
    except ValueError:  # within quotes, or after a backslash
        return True
    if words and words[0] in _ENDS and not any(word.rstrip(";") == _ENDS[words[0]] for word in words):
        return True
    return command.rstrip().endswith(("|", "&&"))
