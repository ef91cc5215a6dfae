"""Markdown -> its fences, each with its line: found by superfences itself.

Two readers of Markdown would disagree on some page, so there is only one: the class that
pymdownx.superfences renders with reads the lines, the site's own superfences is asked which headers
it accepts, and these decisions are recorded instead of acted on. So are the fences that it silently
abandons, because it does not accept their header or they are never closed, and the blocks that it
does not see at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NamedTuple

from markdown import Markdown
from markdown.extensions.attr_list import get_attrs
from markdown.htmlparser import HTMLExtractor
from pymdownx.superfences import RE_OPTIONS, SuperFencesBlockPreprocessor

from einsum_doc.pages.reading import fence
from einsum_doc.pages.reading.language import Languages
from einsum_doc.pages.record.block import Block, Expected, Location
from einsum_doc.pages.record.result import Failure


@dataclass(frozen=True)
class Fence:
    """A fence as superfences reads it."""

    line: int
    """The index of its opening line, from 0."""
    end: int
    """The index of the line after its closing one; if it has none, after the last that superfences took for its."""
    header: fence.Header
    code: str
    """The code as a formatter is given it: dedented, tabs expanded."""
    closed: bool = True
    commented: bool = False
    """Inside an HTML comment: text, though superfences would run it."""
    hides: int | None = None
    """The line of a block that superfences does not see, because it is inside this fence; or the line of this fence, if
    superfences does not see it itself, because its opening is not at the start of a line."""


_NO_LANGUAGES = Languages({}, ())
_DAMAGED = re.compile(r"^([> ]*)(?:\S?(``|~~)|([`~])\S\3)(?=[^\s`~])(?!.*\2)")
"""The start of a fence that has lost one of its first three backticks or tildes: another stands there, or none."""


def scan(lines: Sequence[str], languages: Languages = _NO_LANGUAGES, md: Markdown | None = None) -> list[Fence]:
    """Return the fences of a page, from the lines that superfences would be given.

    >>> [found] = scan(["Text.", "", "```python exec='on'", "x = 1", "```"])
    >>> found.line, found.header.options, found.code
    (2, {'exec': 'on'}, 'x = 1')

    md: the Markdown whose superfences will be given the lines; None, for one that accepts every option.
    An opening that superfences gives up is returned with `closed` false. A block that it does not see is found too:

    >>> [found] = scan(["- ```python exec='on'", "  x = 1", "  ```"])[:1]
    >>> found.line, found.hides, found.closed
    (0, 0, False)
    """
    marked = _marked(lines)
    if not marked:
        return []
    openings = [*_openings(lines, languages.unasked, marked)]
    found = _FenceReader(md or _markdown(), languages).read(lines, marked)
    found = [replace(each, hides=_hidden_in(each, lines, openings)) for each in found]
    for index in openings:
        if not any(each.line <= index < each.end for each in found):
            found.append(Fence(index, index + 1, fence.Header("", {}), "", closed=False, hides=index))
    found.sort(key=lambda each: each.line)
    commented = _in_comments(lines, found)
    return [replace(each, commented=index in commented) for index, each in enumerate(found)]


@cache
def _markdown() -> Markdown:
    """Return a Markdown whose superfences accepts every option."""
    fence = {"name": "*", "class": "*", "validator": lambda *_: True}
    configs = {"pymdownx.superfences": {"custom_fences": [fence]}}
    return Markdown(extensions=["pymdownx.superfences"], extension_configs=configs)


def _marked(lines: Sequence[str]) -> list[int]:
    """Return the lines that may begin or end a fence."""
    return [index for index, line in enumerate(lines) if "```" in line or "~~~" in line or _DAMAGED.match(line)]


def _hidden_in(found: Fence, lines: Sequence[str], openings: Iterable[int]) -> int | None:
    """Return the line of the first block that a fence has swallowed, if it cannot be meant as an example."""
    own = _run_of(lines[found.line])
    for index in (index for index in openings if found.line < index < found.end):
        inner = _run_of(lines[index])
        # To show a block, a fence must be the longer one, or the block must have an end of its own in it.
        ends = any(_run_of(line) == line.strip("> ") == inner for line in lines[index + 1 : found.end])
        if not found.closed or (inner.startswith(own) and not (ends and inner != own)):
            return index
    return None


def _run_of(line: str) -> str:
    """Return the backticks or tildes that a line begins with."""
    run = re.match(r"[> ]*(`{3,}|~{3,}|)", line)
    return run[1] if run else ""


def _openings(lines: Sequence[str], unasked: Collection[str], marked: Iterable[int]) -> Iterator[int]:
    """Yield the marked lines on which a fence opens, at their start or not, that its author wants run.

    >>> lines = ["1. ```py exec='on'", "Of ```py exec='on'``` text", "~~~ py exec='off'", "~~~ all", "``py exec='on'"]
    >>> list(_openings(lines, ["all"], _marked(lines)))
    [0, 3, 4]
    """
    for index in marked:
        runs = re.findall(r"(`+|~{3,})([^`]*)", _DAMAGED.sub(r"\1```", lines[index]))
        while runs:
            run, text = runs.pop(0)
            closing = next((index for index, (other, _) in enumerate(runs) if other == run), None)
            if closing is not None:
                runs = runs[closing + 1 :]  # a span of code
            elif len(run) >= 3 and _wants_run("".join([text, *(text for _, text in runs)]).replace("~", ""), unasked):
                yield index
                break


def _wants_run(header: str, unasked: Collection[str]) -> bool:
    words = re.match(r"[\s{.]*(?P<language>[\w#+-]+)(?P<options>.*)", header)
    if words is None:
        return False
    wants = r"""(?<![\w-])exec(?![\w-])(?!\s*=\s*["']?(?:(?:off|no|false|0)\b|["']{2}))"""
    # A letter may stand in the place of the last backtick.
    named = any(name in unasked for name in (words["language"], words["language"][1:]))
    return named or re.search(wants, words["options"]) is not None


def _in_comments(lines: Sequence[str], found: Sequence[Fence]) -> set[int]:
    """Return the fences that end up in HTML comments, as Python-Markdown's own reader of HTML finds them."""
    if not any("<!--" in line for line in lines):
        return set()
    text = list(lines)
    for index, each in reversed(list(enumerate(found))):
        # superfences leaves something like this in the place of a fence.
        mark = f"\x02einsum_doc:{index}\x03"
        if each.closed:
            prefix = re.match(r"[> ]*", lines[each.line])
            text[each.line : each.end] = [(prefix[0] if prefix else "") + mark]
        else:
            text[each.line] = re.sub(r"(?=[`~])", mark, text[each.line], count=1)
    md = Markdown()
    reader = HTMLExtractor(md)
    reader.feed("\n".join(text) + "\n\n")
    reader.close()
    raw = "\n".join(md.htmlStash.rawHtmlBlocks)
    comments = "".join(re.findall(r"<!--.*?--!?>", raw, re.S))
    return {int(index) for index in re.findall(r"\x02einsum_doc:(\d+)\x03", comments)}


def normalize(text: str) -> list[str]:
    r"""Return the lines of a page as Python-Markdown normalizes them, as many as the text has.

    >>> normalize("a\n\tb\n   \n")
    ['a', '    b', '', '']
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").expandtabs(4)
    return [line if line.strip(" ") else "" for line in text.split("\n")]


class Fault(NamedTuple):
    """A fence that is wrong before anything is run."""

    failure: Failure
    after: int
    """The number of the page's blocks before it."""


class PageReading(NamedTuple):
    """The fences of a page that this builder handles."""

    blocks: Sequence[Block] = ()
    faults: Sequence[Fault] = ()
    numbered: Mapping[int, Block | Fault | Fence] = {}
    """The fences that superfences will ask for, by their numbers, the indices of their opening lines: blocks, wrong
    fences, those in a comment, and those of Markdown with fences inside."""
    formulas: Mapping[int, Block] = {}
    """The display formulas that are checked, by the indices of their first lines: they are among the blocks."""


def read(
    lines: Sequence[str], locations: Sequence[Location], languages: Languages, md: Markdown | None = None
) -> PageReading:
    """Return the blocks of a page, and the fences that are wrong.

    lines: those that superfences will be given. locations: the location of each. md: the Markdown of the site.
    """
    blocks: list[Block] = []
    faults: list[Fault] = []
    numbered: dict[int, Block | Fault | Fence] = {}
    opening = 0  # that of the last block
    is_off = False  # the last block is switched off or wrong, and keeps its expected output
    is_lost = False  # an end is missing: superfences may have taken the fences below for something else
    refused: Fence | None = None  # the last fence whose options superfences does not accept: its end may begin another

    def fault(found: Fence, message: str, *details: str, asked_for: bool = True) -> None:
        nonlocal is_off
        is_off = is_off or languages.of(found.header.language).role != "expect"
        failure = Failure(locations[found.line], "FenceError", message, tuple(filter(None, details)))
        faults.append(Fault(failure, len(blocks)))
        if asked_for and not found.header.unread and languages.formats(found.header.language):
            numbered[found.line] = faults[-1]

    for found in _with_nested(scan(lines, languages, md), languages, md):
        language = languages.of(found.header.language)
        if found.commented:
            if languages.formats(language.name):
                numbered[found.line] = found
            continue
        try:
            asked = languages.executes(found.header)
        except fence.FenceError as error:
            fault(found, error.message, error.hint)
            continue
        expects, runs = language.role == "expect", asked and language.role == "run"
        if not expects:
            is_off = "exec" in found.header.options and not asked
        if not found.closed and (asked or expects):
            fault(found, "the block is never closed", _opening(found, lines), asked_for=False)
            is_lost = True
        elif found.hides is not None and not runs:
            if not is_lost:
                fault(found, *_hidden(found, refused, lines, locations), asked_for=False)
            is_lost = True
        elif not found.closed:
            refused = found if found.header.options or found.header.unread else refused
        elif expects and not is_off:
            if not blocks or blocks[-1].expected is not None:
                fault(found, "there is no block before it whose output it could be")
            else:
                blocks[-1] = numbered[opening] = replace(blocks[-1], expected=_expected(found, locations))
        elif runs and (nothing := language.nothing_in(found.code)):
            fault(found, *nothing)
        elif runs:
            blocks.append(_block(found, len(blocks) + 1, locations))
            opening = found.line
            numbered[opening] = blocks[-1]
        elif asked:
            numbered[found.line] = found
    return PageReading(blocks, faults, numbered)


def _opening(found: Fence, lines: Sequence[str]) -> str:
    return f"its opening: {lines[found.line].strip()}"


def _expected(found: Fence, locations: Sequence[Location]) -> Expected:
    """Return the output that a fence says the block before it has."""
    return Expected(locations[found.line], found.code, float(found.header.options.get("tolerance", Expected.tolerance)))


def _block(found: Fence, number: int, locations: Sequence[Location]) -> Block:
    """Return a fence as a block, with the location of each of its lines where these are not the lines after it."""
    block = Block(locations[found.line], number, found.header.language, found.code, dict(found.header.options))
    lines = tuple(locations[found.line + 1 : found.end - 1])
    moved = lines != tuple(map(block.location_of, range(len(lines))))
    return replace(block, locations=lines) if moved else block


def _hidden(
    found: Fence, refused: Fence | None, lines: Sequence[str], locations: Sequence[Location]
) -> tuple[str, ...]:
    """Return the message and the details about a fence that hides a block, or is one that is not seen."""
    assert found.hides is not None
    if found.hides == found.line:
        return (
            "a block that is not read as one, and would never run",
            _opening(found, lines),
            "begin it on a line of its own, with three backticks after nothing but blanks",
        )
    how = "has taken in" if found.closed else "is never closed, and has taken in"
    hidden = locations[found.hides]
    where = f"line {hidden.line}" if hidden.file == locations[found.line].file else str(hidden)
    hint = "is its end missing?"
    if refused and not found.header.language:
        opening = f"superfences does not accept the options of the fence at line {locations[refused.line].line}"
        hint = f"{opening}: is this its end? Write them in braces, or set superfences' relaxed_headers"
    return f"the fence {how} the block at {where}, which would never run", hint


def in_metadata(text: str, name: str, languages: Languages) -> list[Fault]:
    """Return the faults of a page whose first lines MkDocs reads as its metadata, though blocks begin on them."""
    lines = text.split("\n")
    if lines[0].rstrip() == "---":
        return []
    message = "a block that is read as metadata of the page, and would never run"
    hint = "leave a line empty before it, and have no line of the form `Name: value` begin the page"
    return [
        Fault(Failure(Location(name, index + 1), "FenceError", message, (hint,)), 0)
        for index in _openings(lines, languages.unasked, _marked(lines))
    ]


def _with_nested(fences: Iterable[Fence], languages: Languages, md: Markdown | None) -> Iterator[Fence]:
    """Yield the fences and, where one is Markdown that is executed, those inside it."""
    for found in fences:
        options = found.header.options
        executed = languages.of(found.header.language).holds_fences and fence.is_on(options.get("exec"))
        yield replace(found, hides=None) if executed and found.closed else found
        if executed and found.closed and not found.commented:
            shift = found.line + 1
            for each in scan(with_underscores(found.code.split("\n")), languages, md):
                hides = None if each.hides is None else each.hides + shift
                moved = replace(each, line=each.line + shift, end=each.end + shift, hides=hides)
                yield from _with_nested([moved], languages, md)


class _FenceReader(SuperFencesBlockPreprocessor):  # type: ignore[misc]  # pymdownx has no types
    """superfences' reader of fences, which records them and formats nothing.

    md: a Markdown with superfences, which is asked for each header.
    """

    header: fence.Header | None = None
    at = opened = 0

    def __init__(self, md: Markdown, languages: Languages) -> None:
        super().__init__(md)
        self.site, self.languages = md.preprocessors["fenced_code_block"], languages
        self.site.get_hl_settings()
        self.found: list[Fence] = []

    def read(self, lines: Sequence[str], marked: Sequence[int]) -> list[Fence]:
        self.clear()
        self.search_nested(self._numbered(lines, marked))
        if self.fence is not None:
            self._abandon(len(lines))
        return sorted(self.found, key=lambda each: each.line)

    def _numbered(self, lines: Sequence[str], marked: Sequence[int]) -> Iterator[str]:
        """Yield the lines within fences, and outside of them only those that may begin one."""
        openings = set(marked)
        for self.at, line in enumerate(lines):
            if self.fence is not None or self.at in openings:
                yield line

    def _open(self, header: fence.Header, accepts: Callable[[re.Match[str]], bool], m: re.Match[str]) -> bool:
        self.site.clear()
        # A wrong fence is read on to its end, so that the fences after it are still found and judged.
        opens = accepts(m) or self.languages.claims(header)
        if opens or not header.is_text:
            self.header, self.opened, self.lang = header, self.at, header.language
        return opens

    def parse_options(self, m: re.Match[str]) -> bool:
        values = {}
        repeated = ""
        options = m.group("options") or ""
        # Of a quote too many, superfences makes an end, and another option of the rest.
        unread = options if RE_OPTIONS.sub("", options).strip() else ""
        for option in RE_OPTIONS.finditer(options):
            key, value = option.group("key"), option.group("value")
            repeated = repeated or (key if key in values else "")
            values[key] = key if value is None else value
        header = fence.Header(m.group("lang") or "", values, unread=unread, repeated=repeated)
        return self._open(header, self.site.parse_options, m)

    def handle_attrs(self, m: re.Match[str]) -> bool:
        classes, values, valueless = [], {}, []
        for key, value in get_attrs(m.group("attrs")):
            if key == ".":
                classes.append(value)
            elif value is None:
                valueless.append(key)
            elif key != "id":
                values[key] = value
        language = m.group("lang") or (classes or [""])[0]
        # The rest of braces that cannot be read is dropped without a word.
        unquoted = re.sub(r"""(["']).*?\1""", "", m.group("attrs"))
        names = {*values, *valueless}
        lost = re.search(r"(?<![\w.#-])exec\b", unquoted) and "exec" not in names
        is_class = "exec" in classes[1:] and "exec" not in names
        odd = lost or is_class or any(name.startswith((".", "#")) for name in names)
        unread = m.group("attrs") if odd else ""
        header = fence.Header(language, values, braced=True, unread=unread, valueless=tuple(valueless))
        return self._open(header, self.site.handle_attrs, m)

    def handle_unrecognized(self, m: re.Match[str]) -> bool:
        header = fence.Header(m.group("lang") or "", {}, unread=m.group("unrecognized"))
        return self._open(header, self.site.handle_unrecognized, m)

    def process_nested_block(self, ws: str, content: str, start: int, end: int) -> None:
        assert self.header is not None
        code = self.rebuild_block(self.code)
        self.found.append(Fence(self.opened, self.at + 1, self.header, code))
        self.header = None
        self.clear()

    def clear(self) -> None:
        if self.header is not None:
            self._abandon(self.at + 1)
        super().clear()

    def _abandon(self, at: int) -> None:
        assert self.header is not None
        self.found.append(Fence(self.opened, at, self.header, "", closed=False))
        self.header = None

    def reassemble(self, lines: Iterable[str]) -> Any:
        return lines


def with_underscores(lines: list[str]) -> list[str]:
    """Return the lines with `skip-if` written as superfences can read it, in the headers of fences alone.

    >>> with_underscores(["```python skip-if='no-gpu'", "```", "~~~~", "``` python skip-if='no-gpu'", "~~~~"])
    ["```python skip_if='no-gpu'", '```', '~~~~', "``` python skip-if='no-gpu'", '~~~~']
    """
    if "skip-if=" not in "\n".join(lines):
        return lines
    changed = list(lines)
    for found in scan(lines):
        changed[found.line] = re.sub(r"(?<=[ \t])skip-if=", "skip_if=", changed[found.line])
    return changed
