"""Block, Result, Failure: what crosses a process, as JSON.

A `Block` is one executable fence of a page; a `Result` is what running it gave; a `Failure`
is one line of the verdict, with its place in the author's file. All are frozen values on
the standard library, so that the worker's side of the process border can share them.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, NamedTuple

Status = Literal["held", "failed", "skipped", "not run"]
Kind = Literal["html", "svg", "latex", "markdown", "text", "figure"]


class Place(NamedTuple):
    """Where something stands in an author's file.

    >>> str(Place("docs/posts/einsum.md", 41))
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
    """The output that a block must have: an `expected` fence after it."""

    place: Place
    """The line of the fence's opening."""
    text: str
    tolerance: float = 1e-5
    """How far a number may be from the one that is expected, relative to it."""


@dataclass(frozen=True)
class Block:
    """One executable fence of a page."""

    place: Place
    """The line of the fence's opening; its code starts on the next one."""
    number: int
    """Which of the page's blocks this is, from 1."""
    language: str
    code: str
    """The code as the fence's formatter is given it: dedented, tabs expanded."""
    options: Mapping[str, str] = field(default_factory=dict)
    """The options of the fence, as they were written, checked by `fence.executes`."""
    expected: Expected | None = None
    """What it must write, if an `expected` fence follows it."""
    places: tuple[Place, ...] = ()
    """The place of each line of its code, if they are not the lines after its opening: a snippet may have filled it."""

    @property
    def where(self) -> Place:
        """The place of the first line of code."""
        return self.place_of(0)

    def place_of(self, index: int) -> Place:
        """The place of a line of its code, counted from 0.

        >>> str(Block(Place("docs/a.md", 3), 1, "python", "x = 1").place_of(0))
        'docs/a.md:4'
        """
        if self.places:
            return self.places[min(index, len(self.places) - 1)]
        return Place(self.place.file, self.place.line + 1 + index)

    def has(self, place: Place) -> bool:
        """Whether a place is one of the lines of its code."""
        return any(self.place_of(index) == place for index in range(self.code.count("\n") + 1))

    @property
    def program(self) -> str:
        r"""What it runs: of a console session, its commands; a line for each line of the block.

        >>> Block(Place("docs/a.md", 1), 1, "pycon", ">>> 1 + 1\n2").program
        '1 + 1\n'
        """
        if self.language not in _PROMPTS:
            return self.code
        return "\n".join(self.typed.get(index, "") for index in range(self.code.count("\n") + 1))

    @property
    def typed(self) -> Mapping[int, str]:
        r"""Of a session in a console, what was typed, by its line; a command that needs another line goes on there.

        >>> Block(Place("docs/a.md", 1), 1, "console", "$ echo a \\\n>   b\na b\n$ true").typed
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
    """Whether a shell would ask for another line of this command, of which `rest` is what may follow."""
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


@dataclass(frozen=True)
class Failure:
    """One thing that is wrong, at its place.

    >>> print(Failure(Place("docs/a.md", 3), "AssertionError", "x == 4", ("left 3, right 4",)))
    docs/a.md:3: AssertionError: x == 4
      left 3, right 4
    """

    place: Place
    error: str
    """The name of the error: an exception's class, or `FenceError`, `WorkerError`, `TimeoutError`."""
    message: str
    details: tuple[str, ...] = ()
    """Further lines: the values of both sides, the rest of a long message, what to do."""
    trace: tuple[str, ...] = ()
    """The author's frames, outermost first, each `file:line in name` and its source line."""

    def __str__(self) -> str:
        head = f"{self.place}: {self.error}" + (f": {self.message}" if self.message else "")
        return "\n".join([head, *("  " + line if line else "" for line in self.details)])


@dataclass(frozen=True)
class Row:
    """One line of a derivation, and what became of it."""

    latex: str
    """What is typeset, and was checked."""
    reason: str = ""
    """The author's reason for the step, beside it; `$…$` in it is mathematics."""
    checked: str = ""
    """What was checked, in words."""
    holds: bool = True
    claim: bool = True
    """Whether it claims something; a line that defines a name does not."""


@dataclass(frozen=True)
class Shown:
    """What a block shows beside its output: the value of its last expression, or a figure that it has drawn."""

    kind: Kind
    """The form that it has; `figure` is SVG as well."""
    text: str


@dataclass(frozen=True)
class Result:
    """What running a block gave."""

    status: Status
    output: str = ""
    """What the block wrote to its standard output, whoever wrote it."""
    errors: str = ""
    """What the block wrote to its standard error: warnings, logging, progress."""
    value: str = ""
    """The value of its last expression as a console would write it, if there is one to be shown."""
    shown: tuple[Shown, ...] = ()
    """That value in its richest form, and the figures that it has drawn."""
    seconds: float = 0.0
    """Wall-clock time of the block's own code."""
    device: str = ""
    """What it ran on, in words: `CPU`, or the name of the GPU; empty if torch was not loaded."""
    torch: str = ""
    """The version of torch that was loaded, if any."""
    assertions: int = 0
    """How many assertions were executed and held."""
    reason: str = ""
    """Why it was skipped or not run."""
    raised: str = ""
    """What it raised, if it was expected to."""
    rows: tuple[Row, ...] = ()
    """The lines of a derivation."""
    markup: str = ""
    """What an `einsum` fence has become, as HTML."""
    failure: Failure | None = None
    also: tuple[Failure, ...] = ()
    """Further failures of the same block: each false line of a derivation is one."""

    @property
    def failures(self) -> tuple[Failure, ...]:
        """All its failures."""
        return () if self.failure is None else (self.failure, *self.also)

    @property
    def written(self) -> str:
        """What a console would have written of it: its output, and its value on a line of its own."""
        between = "\n" if self.output and self.value and not self.output.endswith("\n") else ""
        return self.output + between + self.value

    @property
    def lines(self) -> int:
        """How many lines of a derivation claim something, and hold."""
        return sum(row.claim and row.holds for row in self.rows)


_encode = json.JSONEncoder(default=asdict).encode  # by reference: a page may patch json


def to_json(value: Any) -> str:
    """One line of JSON for plain values, and for Blocks, Results and Failures among them."""
    return _encode(value)


def block_from(facts: Mapping[str, Any]) -> Block:
    """The Block of which `facts` is the JSON."""
    expected = facts["expected"]
    if expected is not None:
        expected = Expected(**{**expected, "place": Place(*expected["place"])})
    places = tuple(Place(*place) for place in facts["places"])
    return Block(**{**facts, "place": Place(*facts["place"]), "expected": expected, "places": places})


def result_from(facts: Mapping[str, Any]) -> Result:
    """The Result of which `facts` is the JSON."""
    failure = facts["failure"]
    return Result(
        **{
            **facts,
            "rows": tuple(Row(**row) for row in facts["rows"]),
            "shown": tuple(Shown(**shown) for shown in facts["shown"]),
            "failure": None if failure is None else failure_from(failure),
            "also": tuple(map(failure_from, facts["also"])),
        }
    )


def failure_from(facts: Mapping[str, Any]) -> Failure:
    """The Failure of which `facts` is the JSON."""
    return Failure(
        Place(*facts["place"]), facts["error"], facts["message"], tuple(facts["details"]), tuple(facts["trace"])
    )
