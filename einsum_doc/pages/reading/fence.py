"""What the header of a fence may say: the options, their types, and which one was meant.

The options are markdown-exec's own, those of the highlighter, and ours. A fence is checked
here before anything is run, because what reads it later is silent: a misspelt option makes
superfences publish the raw text of the fence, or never run it, and the build is green.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

_TRUE = {"yes", "on", "true", "1"}
_FALSE = {"", "no", "off", "false", "0"}

SOURCES = ("above", "below", "block", "material-block", "tabbed-left", "tabbed-right", "console")
"""Where markdown-exec can show the source of a block."""

SHOWN_ONLY = frozenset({"tree", "md", "markdown", "pyodide"})
"""Languages of markdown-exec whose blocks run nothing when the site is built."""


class FenceError(ValueError):
    """A fence that says something which nobody would act on."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def _switch(value: str) -> None:
    if value.lower() not in _TRUE | _FALSE:
        raise ValueError('expected "on" or "off"')


def _whole_number(value: str) -> None:
    if not re.fullmatch(r"\d+", value):
        raise ValueError("expected a whole number")


def _source(value: str) -> None:
    if value not in ("", *SOURCES):
        close = difflib.get_close_matches(value, SOURCES, n=1)
        choices = ", ".join(f'"{source}"' for source in SOURCES)
        raise ValueError(f'did you mean "{close[0]}"?' if close else f"expected one of {choices}")


def _two_titles(value: str) -> None:
    if not re.search(r"(?<!\\)\|", value):
        raise ValueError('expected two titles with a bar between them, as in "Code|Output"')


def _lines(value: str) -> None:
    if not re.fullmatch(r"\d+(-\d+)?([ \t]+\d+(-\d+)?)*", value):
        raise ValueError('expected lines and ranges of lines, as in "2 5-7"')


def _line_numbers(value: str) -> None:
    if not re.fullmatch(r"\d+([ \t]+\d+){0,2}", value):
        raise ValueError('expected a first line number, as in "1"')


def _pattern(value: str) -> None:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(
            f'expected an error and a pattern for its message, as in "ValueError: .*sizes" ({error})'
        ) from None
    if not re.match(r"[A-Za-z_.]*[A-Z]\w*", value):
        raise ValueError('expected the name of an error first, as in "ValueError: .*sizes"')


def _condition(value: str) -> None:
    if value not in CONDITIONS:
        raise ValueError("expected " + " or ".join(f'"{each}"' for each in CONDITIONS))


def _device(value: str) -> None:
    if not re.fullmatch(r"(cpu|cuda)(:\d+)?", value):
        raise ValueError('expected one device as PyTorch calls it, as in "cuda" or "cuda:1"')


def _tolerance(value: str) -> None:
    if not re.fullmatch(r"\d+(\.\d*)?([eE][-+]?\d+)?", value):
        raise ValueError('expected a number, as in "1e-3"')


def _icons(value: str) -> None:
    if value not in ("auto", "basic", "none"):
        raise ValueError('expected "auto", "basic" or "none"')


def _height(value: str) -> None:
    if not re.fullmatch(r"auto|\d+|\d+-\d+", value):
        raise ValueError('expected "auto", a number of lines, or the fewest and the most, as in "5-30"')


def _themes(value: str) -> None:
    if not re.fullmatch(r"[^\s,]+(\s*,\s*[^\s,]+)?", value):
        raise ValueError('expected a theme, or one for light and one for dark, as in "tomorrow,tomorrow_night"')


def _operands(value: str) -> None:
    if not re.fullmatch(r"all|\d+([ ,]+\d+)*", value):
        raise ValueError('expected "all" or the numbers of operands, as in "0 1"')


def _parts(value: str) -> None:
    for word in value.split():
        if word not in PARTS:
            close = difflib.get_close_matches(word, PARTS, n=1)
            raise ValueError(f'did you mean "{close[0]}"?' if close else "expected some of " + " ".join(PARTS))


def _sizes(value: str) -> None:
    if not re.fullmatch(r"(?:[^\W\d_]|\.\.\.)=\d+(x\d+)*(?:[ ,]+(?:[^\W\d_]|\.\.\.)=\d+(x\d+)*)*", value):
        raise ValueError('expected the sizes of labels, as in "i=4 j=3"')


def _text(value: str) -> None:
    pass


CONDITIONS = {"no-gpu": "no GPU"}
"""On what a block can be skipped, and the reason that is shown."""

Check = Callable[[str], None]
"""Raises ValueError with the words for what was expected."""

EXEC_OPTIONS: Mapping[str, Check] = {
    "exec": _switch,
    "html": _switch,
    "id": _text,
    "idprefix": _text,
    "result": _text,
    "returncode": _whole_number,
    "session": _text,
    "source": _source,
    "tabs": _two_titles,
    "updatetoc": _switch,
    "width": _whole_number,
    "workdir": _text,
}
"""markdown-exec's options."""

OUR_OPTIONS: Mapping[str, Check] = {
    "device": _device,
    "raises": _pattern,
    "skip_if": _condition,
}
"""What this builder adds: where a block runs, an error that is expected, a condition on which it is not run."""

EXPECTED = "expected"
"""The language of a fence that holds the output which the block before it must have."""

EINSUM = "einsum"
"""The language of a fence that holds an einsum, which the library derives and typesets."""

PARTS = ("says", "roles", "picture", "derivation", "equation", "code", "cost")
"""What the article that an `einsum` fence becomes consists of, in order."""

DERIVATION = "derivation"
"""The language of a fence that holds the lines of a derivation, to be checked and typeset."""

OURS = frozenset({EXPECTED, EINSUM, DERIVATION})
"""The languages that this builder adds; they have no options but their own."""

HIGHLIGHT_OPTIONS: Mapping[str, Check] = {
    "hl_lines": _lines,
    "linenums": _line_numbers,
    "title": _text,
    "title_mode": _text,
}
"""The options of every fence that is shown as code."""

LANGUAGE_OPTIONS: Mapping[str, Mapping[str, Check]] = {
    "tree": {"icons": _icons},
    "pyodide": {"assets": _switch, "height": _height, "install": _text, "theme": _themes, "version": _text},
    EXPECTED: {"tolerance": _tolerance},
    EINSUM: {"wrt": _operands, "show": _parts, "names": _text, "output": _text, "sizes": _sizes},
}
_ALWAYS_RUN = frozenset({"tree", "pyodide"})


@dataclass(frozen=True)
class Header:
    """The first line of a fence, read but not yet judged."""

    language: str
    options: Mapping[str, str]
    braced: bool = False
    """Written as `{.python key=value}`: other keys are then attributes of the HTML element."""
    unread: str = ""
    """The text, if it could not be read as options at all."""
    valueless: tuple[str, ...] = ()
    """The options that are written in braces without a value, which superfences takes for nothing."""
    repeated: str = ""
    """An option that is given twice, if one is."""

    @property
    def is_option_list(self) -> bool:
        """Whether the unread text was meant as options; else the line is just text with backticks in it."""
        if any(mark in self.unread for mark in "`~"):
            return False
        words = re.split(r"[\s={}]+", self.unread)
        return "=" in self.unread or any(
            difflib.get_close_matches(word, EXEC_OPTIONS, n=1, cutoff=0.75) for word in words
        )


def is_on(value: str | None) -> bool:
    """Whether a switch is on, read as markdown-exec reads it.

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


def executes(header: Header, languages: Collection[str], always: Collection[str] = ()) -> bool:
    """Whether the fence asks to be run, if what it says is right: else FenceError.

    >>> executes(Header("python", {"exec": "on", "source": "above"}), {"python"})
    True
    >>> executes(Header("python", {"exce": "on"}), {"python"})
    Traceback (most recent call last):
    ...
    einsum_doc.pages.reading.fence.FenceError: unknown option 'exce'

    `languages` are those that markdown-exec runs on this site; `always`, those it runs
    even without `exec="on"` (its MARKDOWN_EXEC_AUTO).
    """
    language, options = header.language, header.options
    runnable = language in languages
    if header.unread:
        raise FenceError(
            f"the options {header.unread.strip()} cannot be read",
            'write them as name="value", with blanks between them',
        )

    if header.repeated:
        raise FenceError(f"option '{header.repeated}' is given twice")

    bare = next((name for name in header.valueless if name in languages), "") if not language else ""
    if bare:
        raise FenceError(
            f"'{bare}' in braces is no language", f'write {bare} exec="on", or {{.{bare} exec="on"}}, or {bare} alone'
        )

    if language not in OURS and not runnable:
        meant = difflib.get_close_matches(language, OURS, n=1, cutoff=0.8)
        if meant and not _is_highlighted(language):
            raise FenceError(f"unknown language '{language}'", f"did you mean '{meant[0]}'?")

    ours = {**EXEC_OPTIONS, **OUR_OPTIONS, **LANGUAGE_OPTIONS.get(language, {})}
    known = {**ours, **HIGHLIGHT_OPTIONS}
    if language in OURS:
        known = dict(LANGUAGE_OPTIONS.get(language, {}))
    written: dict[str, str | None] = {**options, **dict.fromkeys(header.valueless)}
    for name, value in written.items():
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            # In braces it may be an attribute of the element, unless it looks like one of ours, or like `exec`
            # for a language that may be misspelt too, or is what a slip has left of a value.
            is_attribute = not (runnable and close) and not difflib.get_close_matches(name, ["exec"], cutoff=0.75)
            is_rest = value is None and "exec" in options
            if header.braced and language not in OURS and is_attribute and not is_rest:
                continue
            hint = f"did you mean '{close[0]}'?" if close else ""
            if name in LANGUAGE_OPTIONS[EXPECTED] and language != EXPECTED:
                hint = f"it belongs to an `{EXPECTED}` fence after the block"
            raise FenceError(f"unknown option '{name}'", hint)
        # A bare word stands for itself: `exec` is exec="exec", which markdown-exec takes for "on".
        if value == name and known[name] in (_switch, _line_numbers):
            continue
        try:
            if value is None:
                raise ValueError
            known[name](value)
        except ValueError as wanted:
            if value in (name, None):
                hint = f'write {_written(name)}="…", with straight quotes and no blanks around ='
                raise FenceError(f"option '{_written(name)}' has no value", hint) from None
            raise FenceError(f'{_written(name)}="{value}" is not understood', str(wanted)) from None

    if language in (DERIVATION, EINSUM):
        return True
    asked = is_on(options.get("exec")) or language in always or (runnable and language in _ALWAYS_RUN)
    if asked and not runnable:
        raise FenceError(
            f"'{language}' cannot be executed" if language else "a block without a language cannot be executed",
            "languages: " + ", ".join(sorted(languages)),
        )
    if asked and language in ("python", "py", "pycon") and "returncode" in options:
        raise FenceError(
            "option 'returncode' does nothing for Python", 'for an error that is expected, write raises="…"'
        )
    if asked and "device" in options and language not in ("python", "py", "pycon"):
        raise FenceError(f"option 'device' does nothing for {language}", "it is PyTorch's default device")
    if asked and "tabs" in options and not options.get("source", "").startswith("tabbed"):
        raise FenceError("option 'tabs' does nothing without tabs", 'add source="tabbed-left"')
    if not asked and not header.braced and language != EXPECTED:
        idle = sorted(options.keys() & (ours.keys() - {"exec", "id"}))
        if idle and "exec" not in options:
            told = f"option '{_written(idle[0])}' does nothing on a block that is not executed"
            raise FenceError(told, 'add exec="on"')
    return asked


def _is_highlighted(language: str) -> bool:
    """Whether the highlighter knows a language."""
    from pygments.lexers import find_lexer_class_by_name
    from pygments.util import ClassNotFound

    try:
        return find_lexer_class_by_name(language) is not None
    except ClassNotFound:
        return False


def _written(option: str) -> str:
    """An option as its author writes it: superfences knows no hyphens."""
    return "skip-if" if option == "skip_if" else option
