"""The dependencies of a page: everything outside its own text that its results came from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Dependencies:
    """Everything that the blocks of a page have used, beside their own text; paths are absolute."""

    files: tuple[str, ...] = ()
    """Modules of the project that were imported, and files that were opened, whether they were there or not."""
    written: tuple[str, ...] = ()
    """Those among them that the page itself has written or removed."""
    asked: tuple[str, ...] = ()
    """Files whose existence or size was asked for, but that were not opened."""
    folders: tuple[str, ...] = ()
    """Folders that were listed."""
    names: tuple[str, ...] = ()
    """Modules that were asked for and are not the project's: one of its files would come before them."""
    variables: tuple[str, ...] = ()
    """Variables of the environment that were looked up."""
    packages: tuple[str, ...] = ()
    """Files and folders that were loaded from the folders of installed packages, by name."""
    processes: bool = False
    """Whether it started a process, which may read any file of the project."""
    memory: int = 0
    """The most memory that its process has held, in bytes."""
