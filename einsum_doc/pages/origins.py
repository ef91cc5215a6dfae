"""Where each line of a page comes from, after plugins and snippets have changed it.

What superfences reads is not what stands in the file: front matter is gone, other plugins
have rewritten lines, snippets have been put in. A failure is reported at the line that an
author can go and edit, so the two are laid side by side.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from einsum_doc.pages.block import Place
from einsum_doc.pages.scan import normalize


def origins(name: str, text: str, final: Sequence[str], root: Path, folders: Sequence[Path] = ()) -> list[Place]:
    r"""The place of each line of `final`, which has become of the file `name` with this `text`.

    >>> source = "---\ntitle: T\n---\nOne.\n\nTwo.\n"
    >>> [str(place) for place in origins("docs/a.md", source, ["One.", "", "Two."], Path())]
    ['docs/a.md:4', 'docs/a.md:5', 'docs/a.md:6']

    A line that another plugin wrote is placed where it was put in. `folders` are where
    snippets are looked for, and `root` is what their names are relative to.
    """
    source = normalize(text)
    count = len(final)
    while count and not final[count - 1]:
        count -= 1
    length = len(source)
    while length and not source[length - 1]:
        length -= 1
    shift = length - count
    if shift >= 0 and list(final[:count]) == source[shift:length]:
        return [Place(name, shift + index + 1) for index in range(len(final))]

    places = [Place(name, 1)] * len(final)
    matcher = difflib.SequenceMatcher(None, source, final, autojunk=False)
    for kind, from_, to, first, last in matcher.get_opcodes():
        if kind == "equal":
            places[first:last] = [Place(name, from_ + offset + 1) for offset in range(last - first)]
        else:
            here = Place(name, min(from_, len(source) - 1) + 1)
            places[first:last] = _snippet(source[from_:to], final[first:last], root, folders) or [here] * (last - first)
    return places


def _snippet(replaced: Sequence[str], put_in: Sequence[str], root: Path, folders: Sequence[Path]) -> list[Place]:
    """The places in the one snippet that was put in here, if it was one."""
    for path in _named_files(replaced, folders):
        lines = normalize(path.read_text("utf-8-sig", errors="replace"))
        for first in range(len(lines) - len(put_in) + 1):
            if lines[first : first + len(put_in)] == list(put_in):
                name = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
                return [Place(name, first + offset + 1) for offset in range(len(put_in))]
    return []


def _named_files(lines: Sequence[str], folders: Sequence[Path]) -> Iterator[Path]:
    for line in lines:
        for name in re.findall(r"""[\w./ -]+\.\w+""", line):
            for folder in folders:
                path = folder / name.strip()
                if path.is_file():
                    yield path
