"""What a published page must not say: where this machine keeps its files, and its secrets."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace

from einsum_doc.pages.record.result import Failure, Result

_SECRET = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL|PRIVATE|_KEY$|^KEY$|APIKEY|AUTH(?!OR)", re.I)
_SHORTEST = 6
"""A value of fewer characters is likelier to be a word of the text than a secret."""


class Redaction:
    """Takes the paths of the project and the home folder, and the values of secret variables, out of text.

    >>> clean = Redaction("/home/ada/project", {"HOME": "/home/ada", "API_TOKEN": "c0ffee-42"})
    >>> clean("wrote /home/ada/project/out.txt and /home/ada/x with c0ffee-42")
    'wrote out.txt and ~/x with [API_TOKEN]'

    A variable is secret if its name says so, as TOKEN, PASSWORD or _KEY do.
    """

    def __init__(self, root: str, environment: Mapping[str, str] = os.environ) -> None:
        self.words = {
            form: f"[{name}]"
            for name, value in environment.items()
            if _SECRET.search(name) and len(value) >= _SHORTEST
            for form in (value, repr(value)[1:-1])
        }
        # By its real path too: of a folder that is a link, the system tells a program that one.
        for folder in {root, os.path.realpath(root)} - {os.sep}:
            self.words |= {folder + os.sep: "", folder: "."}
        home = environment.get("HOME") or os.sep
        for folder in {home, os.path.realpath(home)} - {os.sep}:
            self.words.setdefault(folder, "~")
        longest_first = sorted(self.words, key=len, reverse=True)
        self.pattern = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    def __call__(self, text: str) -> str:
        """The text without them."""
        return self.pattern.sub(lambda found: self.words[found[0]], text)

    def result(self, result: Result) -> Result:
        """The result without them, in whatever it says."""
        return replace(
            result,
            output=self(result.output),
            errors=self(result.errors),
            value=self(result.value),
            shown=tuple(replace(shown, text=self(shown.text)) for shown in result.shown),
            raised=self(result.raised),
            failure=None if result.failure is None else self.failure(result.failure),
            also=tuple(map(self.failure, result.also)),
        )

    def failure(self, failure: Failure) -> Failure:
        """The failure without them."""
        return replace(
            failure,
            error=self(failure.error),
            message=self(failure.message),
            details=tuple(map(self, failure.details)),
            trace=tuple(map(self, failure.trace)),
        )
