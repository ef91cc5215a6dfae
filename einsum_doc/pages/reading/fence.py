"""The header of a fence: its options, and a check of each one's value.

The options are markdown-exec's own, those of the highlighter, and ours. A fence is checked
here before anything is run, because the programs that read it later are silent: a misspelt option
makes superfences publish the raw text of the fence, or never run it, and the build is green.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

_TRUE = {"yes", "on", "true", "1"}
_FALSE = {"", "no", "off", "false", "0"}
_ABOVE_ZERO = r"(?=.*[1-9])\d+(\.\d+)?"

SOURCES = ("above", "below", "block", "material-block", "tabbed-left", "tabbed-right", "console")
"""The places in which markdown-exec can show the source of a block."""

NO_GPU = "no GPU"
"""The reason of a block that is skipped because it needs a GPU."""

OptionCheck = Callable[[str], object]
"""A check of an option's value, which raises ValueError with what was expected; `str` accepts every value."""


class FenceError(ValueError):
    """An error in the header or the place of a fence, which would otherwise be ignored."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


# ---- Values ------------------------------------------------------------------------------------------------


def matching(pattern: str, form: str) -> OptionCheck:
    """Return a check that a value matches a pattern; `form` says in words what is expected."""

    def check(value: str) -> None:
        if not re.fullmatch(pattern, value, re.S):
            raise ValueError(f"expected {form}")

    return check


def switch(value: str) -> None:
    """Check that a value turns something on or off."""
    if value.lower() not in _TRUE | _FALSE:
        raise ValueError('expected "on" or "off"')


def one_of(value: str, choices: Sequence[str], form: str) -> None:
    """Check that a value is one of several; `form` says in words what is expected."""
    if value not in choices:
        close = difflib.get_close_matches(value, choices, n=1)
        raise ValueError(f'did you mean "{close[0]}"?' if close else f"expected {form}")


def _source(value: str) -> None:
    one_of(value, ("", *SOURCES), "one of " + ", ".join(f'"{source}"' for source in SOURCES))


def _error(value: str) -> None:
    try:
        re.compile(value)
    except re.error as error:
        form = 'an error and a pattern for its message, as in "ValueError: .*sizes"'
        raise ValueError(f"expected {form} ({error})") from None
    if not re.match(r"[A-Za-z_.]*[A-Z]\w*", value):
        raise ValueError('expected the name of an error first, as in "ValueError: .*sizes"')


whole_number = matching(r"\d+", "a whole number")
line_numbers = matching(r"\d+([ \t]+\d+){0,2}", 'a first line number, as in "1"')

# ---- Options -----------------------------------------------------------------------------------------------

EXEC_OPTIONS: Mapping[str, OptionCheck] = {
    "exec": switch,
    "html": switch,
    "id": str,
    "idprefix": str,
    "result": str,
    "returncode": whole_number,
    "session": str,
    "source": _source,
    "tabs": matching(r"(|.*[^\\])\|.*", 'two titles with a bar between them, as in "Code|Output"'),
    "updatetoc": switch,
    "width": whole_number,
    "workdir": str,
}
"""markdown-exec's options."""

OUR_OPTIONS: Mapping[str, OptionCheck] = {
    "device": matching(r"(cpu|cuda)(:\d+)?", 'one device as PyTorch calls it, as in "cuda" or "cuda:1"'),
    "memory": matching(_ABOVE_ZERO, 'a number of GiB above 0, as in "4"'),
    "output_limit": matching(_ABOVE_ZERO, 'a number of MiB above 0, as in "128"'),
    "raises": _error,
    "skip_if": matching(r"no-gpu|missing:\w+(\.\w+)*", '"no-gpu", or "missing:" and the name of a module'),
    "timeout": matching(_ABOVE_ZERO, 'a number of seconds above 0, as in "300"'),
}
"""This builder's options: device and limits of a block, an expected error, a condition on which it is skipped."""

HIGHLIGHT_OPTIONS: Mapping[str, OptionCheck] = {
    "hl_lines": matching(r"\d+(-\d+)?([ \t]+\d+(-\d+)?)*", 'lines and ranges of lines, as in "2 5-7"'),
    "linenums": line_numbers,
    "title": str,
    "title_mode": str,
}
"""The options of every fence that is shown as code. A language adds its own to these."""


@dataclass(frozen=True)
class Header:
    """The first line of a fence, read but not yet judged."""

    language: str
    options: Mapping[str, str]
    braced: bool = False
    """True for `{.python key=value}`: other keys are then attributes of the HTML element."""
    unread: str = ""
    """The text, if it could not be read as options at all."""
    valueless: tuple[str, ...] = ()
    """The options that are written in braces without a value, which superfences ignores."""
    repeated: str = ""
    """An option that is given twice, if one is."""

    @property
    def is_text(self) -> bool:
        """True if the line is text with backticks in it."""
        return any(mark in self.unread for mark in "`~")

    @property
    def asks(self) -> bool:
        """True if the fence is meant to be executed, though its options may not be readable."""
        unread = re.findall(r"""([\w-]+)(?:\s*[=:]\s*(?:"[^"]*"|'[^']*'|[^\s"']*))?""", self.unread)
        asked = is_on(self.options.get("exec")) or "exec" in (*self.valueless, self.repeated)
        return asked or any(is_like_exec(name) or name == "skip-if" for name in unread)


def is_like_exec(name: str) -> bool:
    """Return whether the name of an option is `exec`, or may be meant as it.

    >>> [name for name in ("exec", "exce", "exe", "Exec", "execute", "test", "data-exec") if is_like_exec(name)]
    ['exec', 'exce', 'exe', 'Exec', 'execute']
    """
    name = name.lower()
    close = "exec" in name or difflib.get_close_matches(name, ["exec"], cutoff=0.75)
    return bool(close) and not name.startswith("data-")


def is_on(value: str | None) -> bool:
    """Return whether a switch is on, read as markdown-exec reads it.

    >>> is_on("on"), is_on("off"), is_on(None)
    (True, False, False)
    """
    return value is not None and value.lower() not in _FALSE


def gpu_of(options: Mapping[str, str]) -> str:
    """Return PyTorch's name of the GPU that a block needs; nothing, if it needs none.

    >>> gpu_of({"device": "cuda:1"}), gpu_of({"skip_if": "no-gpu"}), gpu_of({"device": "cpu"})
    ('cuda:1', 'cuda', '')
    """
    device = options.get("device", "")
    return device if device.startswith("cuda") else "cuda" if options.get("skip_if") == "no-gpu" else ""


def module_of(options: Mapping[str, str]) -> Sequence[str]:
    """Return the module without which a block is skipped, after the packages that it is in; nothing, if there is none.

    >>> module_of({"skip_if": "missing:scipy.linalg"}), module_of({"skip_if": "no-gpu"})
    (['scipy', 'scipy.linalg'], [])
    """
    name = options.get("skip_if", "").partition("missing:")[2]
    return [*accumulate(name.split("."), "{}.{}".format)] if name else []


def written(option: str) -> str:
    """Return an option as its author writes it: superfences knows no hyphens."""
    return "skip-if" if option == "skip_if" else option
