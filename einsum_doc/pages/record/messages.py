"""The messages between a build and the worker of a page: each is one line of JSON, written and read by codec.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from einsum_doc.pages.record.block import Block
from einsum_doc.pages.record.options import Options
from einsum_doc.pages.record.result import Failure, Result


@dataclass(frozen=True)
class Job:
    """The blocks of a page that run in one worker, in order."""

    page: str
    """The page's file, relative to the folder of mkdocs.yml."""
    blocks: Sequence[Block]
    sources: Mapping[str, Sequence[str]]
    """The lines of each file that a block stands in, for the source lines of tracebacks."""
    after: tuple[str, ...] = ()
    """The pages that must have ended before it."""


@dataclass(frozen=True)
class WorkerSettings:
    """The conditions under which a worker runs its blocks."""

    root: str
    """The folder of mkdocs.yml: the working directory of blocks, and last on their import path."""
    options: Options
    threads: int = 0
    """The number of threads that a library of linear algebra may start; 0 sets no limit."""
    gpu: str = ""
    """The number of the one GPU that the worker may use; empty for all."""


@dataclass(frozen=True)
class Start:
    """The first message to a worker."""

    settings: WorkerSettings
    sources: Mapping[str, Sequence[str]]
    """The sources of the job."""


@dataclass(frozen=True)
class Request:
    """A request to run a block or, without one, to wait for what the page has left running."""

    nonce: str
    """A number that the answer must carry: the page's code, in the same process, can write answers as well."""
    block: Block | None = None


@dataclass(frozen=True)
class LateFailure:
    """A failure in a thread, after the block that started it has ended."""

    block: int
    """The number of that block."""
    failure: Failure


@dataclass(frozen=True)
class BlockAnswer:
    """The answer of a worker that has run a block."""

    nonce: str
    result: Result
    late: tuple[LateFailure, ...] = ()
    """Failures of earlier blocks since the last answer."""


@dataclass(frozen=True)
class Dependencies:
    """The dependencies of the blocks of a page, beside their own text; paths are absolute."""

    files: tuple[str, ...] = ()
    """Modules of the project that were imported, and files that were read, whether they were there or not."""
    written: tuple[str, ...] = ()
    """Files that the page itself has written or removed. Those that it has written as a whole are not in `files`."""
    asked: tuple[str, ...] = ()
    """Files that the page has only asked about: whether they are there, and how large."""
    links: tuple[str, ...] = ()
    """Symbolic links that were followed on the way to any of these."""
    folders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Folders that were listed, and regular expressions for the names that were looked for; folders end in `/`."""
    names: tuple[str, ...] = ()
    """Imported modules, by their top-level names, whether they were found or not: others could take their place."""
    variables: tuple[str, ...] = ()
    """Variables of the environment that were looked up by name."""
    environment: bool = False
    """True if the environment was read as a whole."""
    packages: tuple[str, ...] = ()
    """Files and folders of site-packages that modules were loaded from, by name."""
    processes: bool = False
    """True if the page has started a process, which may read any file of the project."""


@dataclass(frozen=True)
class PageAnswer:
    """The answer of a worker at the end of its page."""

    nonce: str
    held: int
    """The number of assertions that have held on the whole page."""
    dependencies: Dependencies | None = None
    """The dependencies of the page's code; None if they could not be found out."""
    used: Mapping[str, bool] = field(default_factory=dict)
    """Each public name of the library, if that was loaded, and whether the page's code uses it."""
    imports: Mapping[str, float] = field(default_factory=dict)
    """The time that the import of each slow package took, in seconds."""
    late: tuple[LateFailure, ...] = ()
    """Failures of blocks since the last answer."""
