"""The outcome of a block, of a page, and every failure, with its location in the author's file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from einsum_doc.pages.record.block import Location

Status = Literal["held", "failed", "skipped", "not run"]
Kind = Literal["html", "svg", "latex", "markdown", "text", "figure"]


@dataclass(frozen=True)
class Failure:
    """One thing that is wrong, at its location.

    >>> print(Failure(Location("docs/a.md", 3), "AssertionError", "x == 4", ("left 3, right 4",)))
    docs/a.md:3: AssertionError: x == 4
      left 3, right 4
    """

    location: Location
    error: str
    """The name of the error: an exception's class, or `FenceError`, `WorkerError`, `TimeoutError`."""
    message: str
    details: tuple[str, ...] = ()
    """Further lines: the values of both sides, the rest of a long message, what to do."""
    trace: tuple[str, ...] = ()
    """The author's frames, outermost first, each `file:line in name` and its source line."""

    def __str__(self) -> str:
        head = f"{self.location}: {self.error}" + (f": {self.message}" if self.message else "")
        return "\n".join([head, *("  " + line if line else "" for line in self.details)])


@dataclass(frozen=True)
class DerivationRow:
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
    rows: tuple[DerivationRow, ...] = ()
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


@dataclass(frozen=True)
class PageResults:
    """The results of the blocks of a page that ran, or of their cached entry."""

    results: Sequence[Result]
    when: float = 0.0
    """When its blocks were run, in seconds since 1970."""
    seconds: float = 0.0
    """How long that took."""
    memory: int = 0
    """The most memory that its process held, in bytes."""
    cached: bool = False
    """Whether the results were kept from an earlier build."""
    packages: Mapping[str, str] = field(default_factory=dict)
    """The versions of the installed distributions that it loaded."""
    used: Mapping[str, bool] = field(default_factory=dict)
    """Each public name of the library, if that was loaded, and whether the page's code uses it."""
