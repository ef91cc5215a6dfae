"""The dependencies of a page's results: files, links, folders, modules, packages and variables."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Dependencies:
    """The dependencies of the blocks of a page, beside their own text; paths are absolute."""

    files: tuple[str, ...] = ()
    """Modules of the project that were imported, and files that were opened, whether they were there or not."""
    written: tuple[str, ...] = ()
    """The files among them that the page itself has written or removed."""
    asked: tuple[str, ...] = ()
    """Files that the page has only asked about: whether they are there, and how large."""
    links: tuple[str, ...] = ()
    """Symbolic links that were followed on the way to any of these."""
    folders: tuple[str, ...] = ()
    """Folders that were listed."""
    names: tuple[str, ...] = ()
    """Imported modules that are not the project's: a file of the project could come before them."""
    variables: tuple[str, ...] = ()
    """Variables of the environment that were looked up by name."""
    environment: bool = False
    """Whether the environment was read as a whole."""
    packages: tuple[str, ...] = ()
    """Files and folders of site-packages that modules were loaded from, by name."""
    processes: bool = False
    """Whether the page has started a process, which may read any file of the project."""
