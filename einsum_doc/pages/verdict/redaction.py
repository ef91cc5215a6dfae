"""Paths of this machine and secrets, removed from results before they are published."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace

from einsum_doc.pages.record.result import Failure, Result
from einsum_doc.pages.record.text import printable

_SECRET = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL|PRIVATE|_KEY$|^KEY$|APIKEY|AUTH(?!OR)", re.I)
_SHORTEST = 6
"""A shorter value is likelier to be a word of the text than a secret."""


class Redaction:
    """Removes the paths of the project and the home folder, and the values of secret variables, from text.

    >>> clean = Redaction("/home/ada/project", {"HOME": "/home/ada", "API_TOKEN": "c0ffee-42"})
    >>> clean("wrote /home/ada/project/out.txt and /home/ada/x with c0ffee-42")
    'wrote out.txt and ~/x with [API_TOKEN]'

    A variable is secret if its name says so, as TOKEN, PASSWORD or _KEY do.
    shows_paths: True if what blocks show keeps paths, as with markdown-exec alone; failures never do.
    """

    def __init__(self, root: str, environment: Mapping[str, str] = os.environ, *, shows_paths: bool = False) -> None:
        without = {name: value for name, value in environment.items() if name != "HOME"}
        self.shown = Redaction(os.sep, without) if shows_paths else self
        self.words = {
            form: f"[{name}]"
            for name, value in environment.items()
            if _SECRET.search(name) and len(value) >= _SHORTEST
            for form in (value, repr(value)[1:-1])
        }
        # By its real path too: the system tells programs that one if the folder is a link.
        for folder in {root, os.path.realpath(root)} - {os.sep}:
            self.words |= {folder + os.sep: "", folder: "."}
        home = environment.get("HOME") or os.sep
        for folder in {home, os.path.realpath(home)} - {os.sep}:
            self.words.setdefault(folder, "~")
        longest_first = sorted(self.words, key=len, reverse=True)
        self.pattern = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    def __call__(self, text: str) -> str:
        """Return the text without them, and with control characters as Python writes them."""
        return self.pattern.sub(lambda found: self.words[found[0]], printable(text))

    def result(self, result: Result) -> Result:
        """Return the result without them, in all its text."""
        return replace(
            result,
            output=self.shown(result.output),
            errors=self.shown(result.errors),
            value=self.shown(result.value),
            shown=tuple(replace(shown, text=self.shown(shown.text)) for shown in result.shown),
            raised=self(result.raised),
            failures=tuple(map(self.failure, result.failures)),
        )

    def failure(self, failure: Failure) -> Failure:
        """Return the failure without them."""
        return replace(
            failure,
            error=self(failure.error),
            message=self(failure.message),
            details=tuple(map(self, failure.details)),
            trace=tuple(map(self, failure.trace)),
        )
