"""Results kept on disk, each with its dependencies, and returned only if none of them has changed.

A page's *question* is all that is known before it runs: its blocks, the options, the versions of
Python and of this builder, the GPUs. The state of its dependencies when it ran is its *evidence*.
An entry is one file that holds both, with the results of the page's blocks; only pages on which
everything held are kept. If an entry or its folder cannot be read, the page is run.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from einsum_doc.pages.cache.installed import names_in
from einsum_doc.pages.cache.snapshot import MACHINE, Evidence, Snapshot, digest_of, gpu_drivers, python_variables
from einsum_doc.pages.record.block import Block, Location
from einsum_doc.pages.record.codec import from_facts
from einsum_doc.pages.record.files import write
from einsum_doc.pages.record.messages import Dependencies
from einsum_doc.pages.record.options import Options, Project
from einsum_doc.pages.record.result import Failure, PageResults, Result

FORMAT = 2
"""The version of the form of entries."""

AROUND = 0.02
"""The time that the dates of files may lag behind the clock, in seconds."""


QUESTION = (
    *("device", "timeout", "memory", "output_limit", "preload", "executor", "library"),
    *("values", "figures", "compatible"),
)
"""The options of a site that results depend on."""


class Cache:
    """The folder of kept results, as one build sees it: no file is read twice.

    With no `folder`, nothing is kept. `reads` maps a page to the patterns of the files that its processes may
    read; those of other pages may read the whole project. What a page has written must be as it was if it is among the
    pages or in the built site, if another page has read it, or if the page is `awaited`. `stopped` are the entries of
    pages that have reached a limit, which later builds of this process use instead of running them again.
    """

    def __init__(
        self,
        folder: Path | None,
        project: Project,
        options: Options,
        *,
        reads: Mapping[str, Sequence[str]],
        awaited: Sequence[str],
        stopped: dict[str, dict[str, Any]],
    ) -> None:
        self.folder, self.reads, self.awaited, self.stopped = folder, reads, awaited, stopped
        self.limit = int(options.cache_size * 2**20)
        self.reasons: dict[str, str] = {}
        """The reason why the blocks of each page had to run; empty if they had not."""
        self._names: dict[str, list[str]] | None = None
        """The files in the folder, by the page that they belong to."""
        self._before: dict[str, Mapping[str, Any]] = {}
        """The state before the run of each page in whose last run files were changed, if it is as it was after that."""
        self.notes: dict[str, str] = {}
        """The problems with the folder or with an entry in it, and the page whose results each concerns, if one."""
        machine = {**MACHINE, "gpus": gpu_drivers(), "variables": python_variables()}
        self._settings = {"format": FORMAT, **machine, **{name: getattr(options, name) for name in QUESTION}}
        self.published = [os.path.realpath(each) for each in (project.docs_dir, project.site_dir)]
        made = [project.site_dir, *(project.root / name for name in (options.junit, options.json) if name)]
        ignored = [Path(os.path.realpath(each)) for each in made]  # they are no sources
        self._look = partial(Snapshot, Path(os.path.realpath(project.root)), ignored, options.ignored_variables)
        self.now = self._look()

    def find(self, page: str, blocks: Sequence[Block], *, anew: bool = False) -> PageResults | None:
        """Return the results of a page's blocks, if nothing has changed since they were kept; or note the reason.

        anew: files have changed since they were first read in this build.
        """
        now = self._look() if anew else self.now
        question = self._question(page, blocks)
        changes = []
        for path, entry in self._entries(page):
            changes.append(_change(question, entry["question"]))
            if not changes[-1]:
                results = [from_facts(Result, each) for each in entry["results"]]
                written, needs = _written_locations(blocks, results), partial(self._is_needed, page)
                changes[-1] = now.change(entry["evidence"], written, question["reads"], needs)
            if not changes[-1] and entry["evidence"]["unsettled"]:
                self._before[page] = entry["evidence"]
                changes[-1] = f"{entry['evidence']['unsettled']} last"
            if not changes[-1]:
                with contextlib.suppress(OSError):
                    os.utime(path)  # the folder is emptied from its oldest end
                self.reasons[page] = ""
                if "lines" in entry:
                    results = _moved(results, dict(zip(entry["lines"], _lines_of(blocks), strict=True)))
                return PageResults(
                    results,
                    entry["when"],
                    entry["seconds"],
                    cached=True,
                    packages=entry["evidence"]["packages"],
                    wrote=tuple(entry["wrote"]),
                    used=entry["used"],
                )
        self.reasons[page] = changes[0] if changes else "no result of it is kept"
        return None

    def unread(self) -> Iterator[str]:
        """Yield the patterns in `reads` that match no file of the project."""
        for each in dict.fromkeys(each for patterns in self.reads.values() for each in patterns):
            if next(self.now.sources([each]), None) is None:
                yield each

    def last_seconds(self, page: str) -> float:
        """Return the time that the page took when it last held; infinity if it is not known."""
        return next((float(entry["seconds"]) for _, entry in self._entries(page)), float("inf"))

    def keep(
        self, page: str, blocks: Sequence[Block], ran: PageResults, evidence: Evidence, *, alone: bool = False
    ) -> None:
        """Keep the results of a page, if everything on it held and the state of its dependencies is known.

        Those of a page that has reached a limit are kept in memory alone.
        alone: no other page ran at the time. If files were changed then, as by a shell block, the results are for the
        page's next run alone: they are valid if that begins and ends with the files as they are now.
        """
        if self.folder is None:
            return
        held = all(result.status in ("held", "skipped") for result in ran.results)
        if isinstance(evidence, str):
            if held:
                self._note(f"the results of {page} are not kept: {evidence}", page)
            return
        if alone and {**evidence, "unsettled": ""} == {**self._before.get(page, {}), "unsettled": ""}:
            evidence = {**evidence, "unsettled": ""}
        if evidence["unsettled"]:
            self._note(f"the results of {page} are not kept: {evidence['unsettled']}", page)
        entry = {
            "question": self._question(page, blocks),
            "evidence": evidence,
            "results": [asdict(result) for result in ran.results],
            "when": ran.when,
            "seconds": ran.seconds,
            "used": ran.used,
            "wrote": ran.wrote,
        }
        text = json.dumps(entry, sort_keys=True)
        if not held:
            self.stopped[page] = json.loads(text) | {"lines": _lines_of(blocks)}
            return
        name = (
            f"{digest_of(page)[:16]}-{digest_of(json.dumps([entry['question'], evidence], sort_keys=True))[:32]}.json"
        )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write(self.folder / name, f"{digest_of(text)}\n{text}\n")
            self._names = None
        except OSError as error:
            self._note(f"the cache cannot be written ({error.strerror}): what has run now will be run again")

    def tidy(self) -> None:
        """Delete the entries that were used longest ago, until the rest is within the limit."""
        if self.folder is None:
            return
        found = []
        with contextlib.suppress(OSError), os.scandir(self.folder) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):  # another build may be tidying up
                    there = entry.stat()
                    found.append((there.st_mtime, there.st_size, entry.path))
        size = sum(length for _, length, _ in found)
        for _, length, path in sorted(found):
            if size <= self.limit:
                break
            with contextlib.suppress(OSError):
                os.unlink(path)
            size -= length

    def _note(self, text: str, page: str = "") -> None:
        self.notes[text] = page

    def _entries(self, page: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the entries of a page that can be read, the latest used first."""
        if self.folder is None:
            return
        dated = []
        names = self._names
        if names is None:
            names = self._names = defaultdict(list)
            for name in names_in(str(self.folder)):
                names[name[:16]].append(name)
        for name in names[digest_of(page)[:16]]:
            path = os.path.join(self.folder, name)
            if name.endswith(".json"):
                with contextlib.suppress(OSError):
                    dated.append((os.stat(path).st_mtime_ns, path))
        for _, path in sorted(dated, reverse=True):
            entry = self._read(path)
            if entry is not None:
                yield path, entry
        if page in self.stopped:
            yield "", self.stopped[page]

    def _read(self, path: str) -> dict[str, Any] | None:
        with contextlib.suppress(FileNotFoundError):  # another build may be tidying up
            name = os.path.basename(path)
            try:
                with open(path, encoding="utf-8") as file:
                    digest, text = file.read().split("\n", 1)
                if digest != digest_of(text.removesuffix("\n")):
                    raise ValueError
                entry: dict[str, Any] = json.loads(text)
                if entry["question"]["format"] == FORMAT:
                    return entry
                self._note(f"{name} in the cache is of another version, and ignored")
            except (OSError, ValueError):
                self._note(f"{name} in the cache is damaged, and ignored")
        return None

    def _question(self, page: str, blocks: Sequence[Block]) -> dict[str, Any]:
        asked = [[block.language, block.code, dict(block.options)] for block in blocks]
        return {**self._settings, "page": page, "blocks": asked, "reads": [*self.reads.get(page, ())]}

    def _is_needed(self, writer: str, path: str) -> bool:
        """Return whether anything but the page that has written a file may read it."""
        if writer in self.awaited or any(Path(path).is_relative_to(folder) for folder in self.published):
            return True
        folder = str(self.folder or "")
        others = (self._read(os.path.join(folder, name)) for name in names_in(folder) if name.endswith(".json"))
        return any(
            entry["question"]["page"] != writer and self.now.has_read(path, entry["evidence"], entry["question"])
            for entry in others
            if entry is not None
        )


def evidence_of(
    now: Snapshot, blocks: Sequence[Block], ran: PageResults, dependencies: Dependencies | None, reads: Sequence[str]
) -> Evidence:
    """Return the state of a page's dependencies now; or, in words, why it is not known.

    reads: the patterns of the files that its processes may have read, if not all.
    """
    if dependencies is None:
        return "what it has depended on is not known"
    if dependencies.processes:  # nothing is seen of what they look up, but for its name in the page's code
        # A shell sets PWD itself.
        named = {name for block in blocks for name in re.findall(r"\b[A-Z]\w+", block.code)} - {"PWD"}
        variables = {*dependencies.variables, *filter(now.ignores, named)}
        dependencies = replace(dependencies, variables=tuple(sorted(variables)))
    return now.evidence(dependencies, _written_locations(blocks, ran.results), ran.when - AROUND, reads)


def _change(question: Mapping[str, Any], old: Mapping[str, Any]) -> str:
    """Return the first difference between a page's question and that of an entry, in words; empty if there is none."""
    if old["blocks"] != question["blocks"]:
        both = zip(old["blocks"], question["blocks"], strict=False)
        same = next((number for number, (one, other) in enumerate(both) if one != other), None)
        if same is None:
            return f"it has {len(question['blocks'])} blocks, and had {len(old['blocks'])}"
        return f"block {same + 1} has changed"
    for name in sorted(question.keys() | old.keys()):
        if old.get(name) != question.get(name):
            return f"{_NAMES.get(name, name)} has changed"
    return ""


def _lines_of(blocks: Sequence[Block]) -> list[str]:
    """Return the location of each line of blocks, as messages write it."""
    lines = ((block.location, *map(block.location_of, range(block.code.count("\n") + 1))) for block in blocks)
    return [str(location) for block in lines for location in block]


def _moved(results: Iterable[Result], moves: Mapping[str, str]) -> list[Result]:
    """Return results with the lines that their failures name where these are now."""
    line = re.compile(f"(?:{'|'.join(map(re.escape, sorted(moves, key=len, reverse=True)))})(?!\\d)")

    def text(old: str) -> str:
        return line.sub(lambda found: moves[found[0]], old)

    def failure(old: Failure) -> Failure:
        file, _, number = text(str(old.location)).rpartition(":")
        details, trace = (tuple(map(text, lines)) for lines in (old.details, old.trace))
        return replace(old, location=Location(file, int(number)), details=details, trace=trace)

    return [replace(result, failures=tuple(map(failure, result.failures))) for result in results]


_NAMES = {
    "builder": "the builder itself",
    "python": "the version of Python",
    "gpus": "the GPU",
    "variables": "a variable of Python's",
    "reads": "what its processes may read",
}


def _written_locations(blocks: Sequence[Block], results: Sequence[Result]) -> list[str]:
    """Return the locations of the blocks if their output names their file, as a warning does with its line."""
    locations = [location for block in blocks for location in (block.location, *block.locations)]
    files = {location.file for location in locations}
    texts = [text for result in results for text in (result.written, result.errors, result.raised)]
    texts += [shown.text for result in results for shown in result.shown]
    if any(file in text for text in texts for file in files):
        return list(map(str, locations))
    return []
