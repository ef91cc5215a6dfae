"""The commit that is being built."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def commit_of(folder: Path) -> str:
    """Return the commit that a folder is at, and whether files have changed since; "" outside of git."""
    folder = Path(os.path.realpath(folder))
    # Starting git to ask takes longer than looking for a repository.
    if "GIT_DIR" not in os.environ and not any((each / ".git").exists() for each in (folder, *folder.parents)):
        return ""
    commit = _git(folder, "rev-parse", "--short", "HEAD")
    changed = commit and _git(folder, "status", "--porcelain")
    return f"{commit}, modified" if changed else commit


def _git(folder: Path, *args: str) -> str:
    try:
        told = subprocess.run(["git", *args], cwd=folder, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return told.stdout.strip() if told.returncode == 0 else ""
