"""Files that are written as a whole, so that another build reads all of one or nothing."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path


def write(path: Path, text: str) -> None:
    """Write a text into a file, in place of what is there; several processes may do so at a time."""
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():  # a pipe, or a terminal
        path.write_text(text, "utf-8", newline="")
        return
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    try:
        part.write_text(text, "utf-8", newline="")
        if path.exists():
            shutil.copymode(path, part)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
