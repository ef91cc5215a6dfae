"""The outcome of a block, of a page, and every failure, with its location in the author's file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from einsum_doc.pages.record.block import Location
from einsum_doc.pages.record.text import in_line, plain

Status = Literal["held", "failed", "skipped", "not run"]
Kind = Literal["html", "svg", "latex", "markdown", "text", "figure"]

NOT_CHECKED = "formula not checked"
"""The beginning of the reason why a display formula was skipped."""


@dataclass(frozen=True)
class Failure:
    """An error at its location.

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
    """The author's frames, outermost first, each `file:line` and its source line."""
    origin: Location | None = None
    """The line of the project's source that has raised it, if that is on no page."""

    def __post_init__(self) -> None:
        # They quote the author's text and whatever was raised, and are written to terminals, HTML and XML.
        object.__setattr__(self, "error", in_line(self.error))
        object.__setattr__(self, "message", plain(self.message))
        object.__setattr__(self, "details", tuple(map(plain, self.details)))
        object.__setattr__(self, "trace", tuple(map(plain, self.trace)))

    def __str__(self) -> str:
        head = f"{self.location}: {self.error}" + (f": {self.message}" if self.message else "")
        return "\n".join([head, *("  " + line if line else "" for line in self.details)])


@dataclass(frozen=True)
class DerivationRow:
    """One line of a derivation, and the result of its check."""

    latex: str
    """The checked line, as it is typeset."""
    reason: str = ""
    """The author's reason for the step, beside it; `$…$` in it is mathematics."""
    checked: str = ""
    """The check in words."""
    verdict: str = "held"
    """Proved for all sizes, or held on random tensors; "defined" if it is a definition, which claims nothing."""


@dataclass(frozen=True)
class Shown:
    """A part of a block's result beside its output: the value of its last expression, or a figure."""

    kind: Kind
    """Its form; a `figure` is SVG as well."""
    text: str


@dataclass(frozen=True)
class Result:
    """The result of running a block."""

    status: Status
    output: str = ""
    """The standard output of the block and of the processes that it started."""
    errors: str = ""
    """The standard error of the block: warnings, logging, progress."""
    value: str = ""
    """The value of its last expression as a console would write it; empty if there is none."""
    shown: tuple[Shown, ...] = ()
    """That value in its richest form, and the figures that it has drawn."""
    seconds: float = 0.0
    """Wall-clock time of the block's own code."""
    device: str = ""
    """Its device: the name of the GPU, or `CPU`; empty on a machine without a GPU."""
    torch: str = ""
    """The version of torch that was loaded, if any."""
    assertions: int = 0
    """The number of assertions that were executed and held."""
    reason: str = ""
    """The reason why it was skipped or not run."""
    raised: str = ""
    """The exception that it was expected to raise, and raised."""
    rows: tuple[DerivationRow, ...] = ()
    """The lines of a derivation."""
    markup: str = ""
    """The HTML of an `einsum` fence."""
    failures: tuple[Failure, ...] = ()
    """Everything that is wrong: each false line of a derivation is a failure."""

    @property
    def written(self) -> str:
        """The text that a console would show: its output, and its value on a line of its own."""
        between = "\n" if self.output and self.value and not self.output.endswith("\n") else ""
        return self.output + between + self.value

    @property
    def lines(self) -> int:
        """The number of lines of a derivation that are claims and hold."""
        return sum(row.verdict in ("held", "proved") for row in self.rows)

    @property
    def proved(self) -> int:
        """The number of these that are proved for all sizes."""
        return sum(row.verdict == "proved" for row in self.rows)


@dataclass(frozen=True)
class PageResults:
    """The results of a page's blocks, from a run or from the cache."""

    results: Sequence[Result]
    when: float = 0.0
    """The time when its blocks ran, in seconds since 1970."""
    seconds: float = 0.0
    """The time that they took, in seconds."""
    cached: bool = False
    """True if the results were kept from an earlier build."""
    packages: Mapping[str, str] = field(default_factory=dict)
    """The versions of the installed distributions that it loaded."""
    wrote: tuple[str, ...] = ()
    """The files that its code has written or removed, relative to the folder of mkdocs.yml if they are in it."""
    used: Mapping[str, bool] = field(default_factory=dict)
    """Each public name of the library, if that was loaded, and whether the page's code uses it."""
    imports: Mapping[str, float] = field(default_factory=dict)
    """The time that the import of each slow package took in this build, in seconds."""
