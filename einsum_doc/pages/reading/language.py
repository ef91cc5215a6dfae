"""A language of fences, which reads, runs and exports its blocks; and the languages that a site executes.

The languages themselves are in `languages/`, a file for each, and are passed in here as a mapping of their names.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Protocol

from einsum_doc.pages.reading.fence import (
    EXEC_OPTIONS,
    HIGHLIGHT_OPTIONS,
    OUR_OPTIONS,
    FenceError,
    Header,
    OptionCheck,
    is_like_exec,
    is_on,
    line_numbers,
    switch,
    written,
)
from einsum_doc.pages.record.block import Block
from einsum_doc.pages.record.result import Result

_DECLARE = "an option of another tool is declared in `fence_options`, in mkdocs.yml"


class PageProcess(Protocol):
    """The process of a page, as a language's `run` is given it."""

    kept: dict[str, Any]
    """Objects that languages keep from one block of the page to the next, by names of their own."""

    @property
    def namespace(self) -> dict[str, Any]:
        """The variables of the page's Python code; for a block with the option `session`, of that session."""

    def execute(self, block: Block, *, interactive: bool = False) -> None:
        """Execute the program of a block as Python, at its lines, with its assertions counted and its value shown.

        interactive: whether each expression writes its value to the output, as in a console.
        """


@dataclass(frozen=True)
class Language:
    """A language of fences. A method that a language does not override treats its code as lines that are all run.

    >>> Language("js").program("f()")
    'f()'
    """

    name: str
    """The word after the backticks."""
    options: Mapping[str, OptionCheck] = field(default_factory=dict)
    """The options that only its fences have."""
    ours: bool = False
    """True for a language of this builder: its fences need no `exec="on"`, and have no options but its own."""
    role: Literal["run", "show", "expect"] = "run"
    """The use of its fences: a worker runs them, markdown-exec shows them, or they hold the last block's output."""
    unasked: bool = False
    """True if markdown-exec acts on its fences without `exec="on"`."""
    holds_fences: bool = False
    """True if its code is Markdown, with fences that count."""
    uses_torch: bool = False
    """True if its blocks need PyTorch, which is then loaded once for all pages."""
    comment: str = r"^\s*#.*"
    """The pattern of a comment; a block of nothing else is refused."""
    prompt: str = ""
    """The prompt before a command, if its code is a session in a console, with commands and their output."""

    def check_use(self, options: Mapping[str, str]) -> None:
        """Check the options of a block that is executed, beyond their form.

        Raises: FenceError, for an option that would do nothing.
        """
        if "device" in options:
            raise FenceError(f"option 'device' does nothing for {self.name}", "it is PyTorch's default device")

    def typed(self, code: str) -> Mapping[int, str]:
        """Return the lines to be run, by their number in the code, from 0; in a session, without prompts."""
        return dict(enumerate(code.split("\n")))

    def program(self, code: str) -> str:
        """Return the program to be run: a line for each line of the code."""
        typed = self.typed(code)
        return "\n".join(typed.get(index, "") for index in range(code.count("\n") + 1))

    def source(self, code: str) -> str:
        """Return the code as the page shows it: without output, which a session writes itself."""
        typed = self.typed(code)
        return "\n".join(line for index, line in enumerate(code.split("\n")) if index in typed)

    def nothing_in(self, code: str) -> tuple[str, ...]:
        """Return the reason why a block would run nothing, and a hint; an empty tuple, if it runs something."""
        if self.prompt and not self.typed(code):
            return "there is nothing in it to run", f"write {self.prompt!r} before what is typed"
        if re.sub(self.comment, "", self.program(code), flags=re.M).strip("\\ \t\n\f"):
            return ()
        return "there is nothing in it to run", 'if it is out of use, write exec="off"'

    def run(self, block: Block, process: PageProcess) -> Result:
        """Run a block and return its rows, its markup and its failures; an error that is raised is another failure."""
        raise NotImplementedError

    def defines(self, code: str, name: str) -> bool:
        """Return whether a block of this code defines a name for the blocks after it."""
        return False

    def words(self, result: Result) -> str:
        """Return the Markdown above the program of a block in a downloaded page."""
        return ""

    def setup(self, block: Block) -> Sequence[str]:
        """Return the lines that a downloaded page needs once, before the first program of this kind."""
        return ()

    def standalone(self, block: Block) -> Iterable[str]:
        """Return the lines of the Python program that does the same as a block, in a downloaded page."""
        raise NotImplementedError


def literal(text: str) -> str:
    """Return the text as a literal of Python, over several lines if it has several."""
    if "\n" not in text or '"""' in text or text.endswith(('"', "\\")):
        return repr(text)
    return f'r"""{text}"""' if "\\" in text else f'"""{text}"""'


@dataclass(frozen=True)
class Languages:
    """The languages whose fences a site executes."""

    known: Mapping[str, Language]
    """Every language of this builder, by name."""
    runnable: Collection[str]
    """The languages that markdown-exec is configured for."""
    always: Collection[str] = ()
    """Those that run without `exec="on"`: markdown-exec's MARKDOWN_EXEC_AUTO."""
    foreign: Collection[str] = ()
    """Those that another plugin or extension has a fence for."""
    declared: Collection[str] = ()
    """The options of other tools, as the site declares them."""

    @cached_property
    def ours(self) -> list[str]:
        """The languages that this builder adds."""
        return [name for name, language in self.known.items() if language.ours]

    @property
    def unasked(self) -> set[str]:
        """Those whose fences are never only shown."""
        return {*self.ours, *self.always}

    def of(self, name: str) -> Language:
        """Return the language of a name; for one that is not known, a language without options."""
        return self.known.get(name) or Language(name)

    def formats(self, name: str) -> bool:
        """Return whether superfences asks this builder for the HTML of a language's fences."""
        return name in self.runnable or (name in self.ours and self.of(name).role == "run")

    def executes(self, header: Header) -> bool:
        """Return whether a fence asks to be executed; if not, its options are the business of other tools.

        >>> languages = Languages({}, {"python"})
        >>> languages.executes(Header("python", {"exec": "on", "source": "above"}))
        True
        >>> languages.executes(Header("python", {"exce": "on"}))
        Traceback (most recent call last):
        ...
        einsum_doc.pages.reading.fence.FenceError: unknown option 'exce'

        Raises: FenceError, for a header that cannot be read, an option that is not known, or one without effect; and
        for a fence that is not executed, but meant to be.
        """
        language, options = self.of(header.language), header.options
        runnable = language.name in self.runnable
        if header.is_text or (language.name in self.foreign and not runnable and not language.ours):
            return False
        if not runnable and not language.ours:
            meant = difflib.get_close_matches(language.name, self.ours, n=1, cutoff=0.8)
            if meant and not _is_highlighted(language.name):
                raise FenceError(f"unknown language '{language.name}'", f"did you mean '{meant[0]}'?")
        if not (header.asks or language.ours or language.name in self.always or (runnable and language.unasked)):
            self._check_not_meant(header)
            return False
        self._check_readable(header)
        self._check_options(header, language)
        if language.ours:
            return language.role == "run"
        if not runnable:
            named = f"'{language.name}'" if language.name else "a block without a language"
            raise FenceError(f"{named} cannot be executed", "languages: " + ", ".join(sorted(self.runnable)))
        language.check_use(options)
        if "tabs" in options and not options.get("source", "").startswith("tabbed"):
            raise FenceError("option 'tabs' does nothing without tabs", 'add source="tabbed-left"')
        return True

    def claims(self, header: Header) -> bool:
        """Return whether a fence asks to be executed, or is wrong."""
        try:
            return self.executes(header)
        except FenceError:
            return True

    def _check_not_meant(self, header: Header) -> None:
        """Check that a fence that is not executed is not meant to be: no option is like `exec`, or all are ours."""
        options = header.options
        for name in (*options, *header.valueless):
            if is_like_exec(name) and is_on(options.get(name, name)) and name not in self.declared:
                raise FenceError(f"unknown option '{name}'", f"did you mean 'exec'? {_DECLARE}")
        ours = {*EXEC_OPTIONS, *OUR_OPTIONS}
        idle = options.keys() & ours - {"id"}
        only = options.keys() <= (ours | HIGHLIGHT_OPTIONS.keys()) - {*self.declared}
        if idle and only and "exec" not in options and not header.braced and header.language in self.runnable:
            told = f"option '{written(min(idle))}' does nothing on a block that is not executed"
            raise FenceError(told, 'add exec="on"')

    def _check_readable(self, header: Header) -> None:
        """Check that a header can be read."""
        if header.unread:
            raise FenceError(
                f"the options {header.unread.strip()} cannot be read",
                'write them as name="value", with blanks between them and none around =',
            )
        if header.repeated:
            raise FenceError(f"option '{header.repeated}' is given twice")
        bare = next((name for name in header.valueless if name in self.runnable), "") if not header.language else ""
        if bare:
            hint = f'write {bare} exec="on", or {{.{bare} exec="on"}}, or {bare} alone'
            raise FenceError(f"'{bare}' in braces is no language", hint)

    def _check_options(self, header: Header, language: Language) -> None:
        """Check that the options of a header are known, and have values of the right form."""
        known = language.options
        if not language.ours:
            known = {**EXEC_OPTIONS, **OUR_OPTIONS, **language.options, **HIGHLIGHT_OPTIONS}
        values: dict[str, str | None] = {**header.options, **dict.fromkeys(header.valueless)}
        for name, value in values.items():
            if name not in known:
                if not self._is_of_others(name, value, header, known):
                    raise FenceError(f"unknown option '{name}'", self._hint(name, known, language))
                continue
            # A bare word stands for itself: `exec` is exec="exec", which markdown-exec takes for "on".
            if value == name and known[name] in (switch, line_numbers):
                continue
            try:
                if value is None:
                    raise ValueError
                known[name](value)
            except ValueError as wanted:
                if value in (name, None):
                    hint = f'write {written(name)}="…", with straight quotes and no blanks around ='
                    raise FenceError(f"option '{written(name)}' has no value", hint) from None
                raise FenceError(f'{written(name)}="{value}" is not understood', str(wanted)) from None

    def _is_of_others(self, name: str, value: str | None, header: Header, known: Collection[str]) -> bool:
        """Return whether an unknown option is declared or, in braces, meant as an attribute of the HTML element."""
        if header.language in self.ours:
            return False
        # An option that looks like a known one is misspelt; one without a value may be a part of one.
        part = value is None and "exec" in header.options
        is_attribute = header.braced and not (part or is_like_exec(name) or _alike(name, known))
        return name in self.declared or is_attribute

    def _hint(self, name: str, known: Collection[str], language: Language) -> str:
        """Return a hint for an option that is not known."""
        for other in self.known.values():
            if other.role == "expect" and name in other.options:
                return f"it belongs to an `{other.name}` fence after the block"
        close = _alike(name, known)
        return f"did you mean '{close[0]}'?" if close else "" if language.ours else _DECLARE


def _alike(name: str, known: Collection[str]) -> list[str]:
    """Return the known option that a name is most like, if there is one."""
    return difflib.get_close_matches(name, known, n=1, cutoff=0.65)


def _is_highlighted(language: str) -> bool:
    """Return whether the highlighter knows a language."""
    from pygments.lexers import find_lexer_class_by_name
    from pygments.util import ClassNotFound

    try:
        return find_lexer_class_by_name(language) is not None
    except ClassNotFound:
        return False
