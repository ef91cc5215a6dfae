"""What last held on a GPU, to be shown, with its date, where there is none.

A record is one file for each block and device, in a folder that can be committed, so that it
travels from the machine with a GPU to those without. It belongs to the block's code and to that of
the blocks before it: if these have changed, nothing has been verified, and nothing is shown. What
else they depended on may have changed since; a record says when and on what it held, and no more.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from einsum_doc.pages.reading.fence import CONDITIONS, devices_of
from einsum_doc.pages.record.block import Block, Failure, Result, result_from

FORMAT = 1
"""The version of a record's own form."""


def gpus_of(block: Block) -> tuple[str, ...]:
    """The GPUs that a block needs, or would run on as well.

    >>> from einsum_doc.pages.record.block import Place
    >>> gpus_of(Block(Place("docs/a.md", 1), 1, "python", "", {"device": "cpu,cuda"}))
    ('cuda',)
    """
    if block.options.get("skip_if") == "no-gpu":
        return ("cuda",)
    return tuple(device for device in devices_of(block.options) if device.startswith("cuda"))


class Records:
    """The folder of records. `commit` tells what is being built; `required` makes a GPU that is missing a failure."""

    def __init__(self, folder: Path, commit: Callable[[], str] = lambda: "", *, required: bool = False) -> None:
        self.folder = folder
        self.commit = commit
        self.required = required
        self.notes: list[str] = []
        """What is wrong with the folder or with a record in it."""

    def completed(self, page: str, blocks: Sequence[Block], results: Sequence[Result], when: float) -> list[Result]:
        """The results of a page, with what last held on GPUs that are not there; those that are there are recorded.

        when: when the page ran.
        """
        found = list(results)
        current, missing = set(), False
        for position, (block, result) in enumerate(zip(blocks, results, strict=False)):
            for gpu in gpus_of(block):
                path = self._path(page, blocks[: position + 1], gpu)
                current.add(path)
                ran = next((each for each in (result, *result.others) if each.on in (gpu, "")), None)
                if ran is not None and ran.status == "held":
                    self._write(path, replace(ran, on=gpu, others=()), when)
                elif result.status in ("held", "skipped"):
                    found[position] = self._without(block, found[position], gpu, path)
                    missing = True
        if current and not missing and len(results) == len(blocks):
            # Of what the page's blocks said before they were changed nothing will be shown any more.
            old = re.compile(rf"{re.escape(_slug(page))}-[0-9a-f]{{20}}\.json")
            for path in self.folder.glob("*.json"):
                if old.fullmatch(path.name) and path not in current:
                    path.unlink(missing_ok=True)
        return found

    def _without(self, block: Block, result: Result, gpu: str, path: Path) -> Result:
        """The result of a block that could not be run on a GPU."""
        reason = CONDITIONS["no-gpu"]
        if self.required:
            failure = Failure(block.place, "DeviceError", f"the block needs {gpu}, which is not here")
            return replace(result, status="failed", failure=result.failure or failure)
        last = self._read(path)
        missing = replace(last, status="skipped", assertions=0, rows=()) if last else Result("skipped")
        missing = replace(missing, reason=reason, on=gpu)
        if result.status == "skipped" and not result.when and len(devices_of(block.options)) < 2:
            return missing
        return replace(result, others=(*result.others, missing))

    def _path(self, page: str, blocks: Sequence[Block], gpu: str) -> Path:
        asked = [[block.language, block.code, dict(block.options)] for block in blocks]
        return self.folder / f"{_slug(page)}-{_digest(json.dumps([page, asked, gpu], sort_keys=True))}.json"

    def _write(self, path: Path, result: Result, when: float) -> None:
        """Write a record, unless it is there: results from the cache are those of an earlier build."""
        facts: dict[str, Any] = {"format": FORMAT, "result": asdict(replace(result, when=when, commit=self.commit()))}
        last = self._read(path)
        if last is not None and last.when >= when:
            return
        text = json.dumps(facts, sort_keys=True, indent=1)
        part = path.with_suffix(".part")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            part.write_text(f"{_digest(text)}\n{text}\n", "utf-8")
            part.replace(path)
        except OSError as error:
            self._note(f"what held on the GPU cannot be recorded ({error.strerror})")

    def _read(self, path: Path) -> Result | None:
        try:
            digest, text = path.read_text("utf-8").split("\n", 1)
            if digest != _digest(text.removesuffix("\n")):
                raise ValueError
            facts: dict[str, Any] = json.loads(text)
            return result_from(facts["result"]) if facts["format"] == FORMAT else None
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError):
            self._note(f"{path.name}, a record of what held on a GPU, is damaged, and ignored")
            return None

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


def _slug(page: str) -> str:
    return page.removesuffix(".md").replace("/", "-")


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=10).hexdigest()
