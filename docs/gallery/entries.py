"""The pages of the gallery -> its entries, for the overview, the comparisons and the tests."""

import re
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

PAGES = ("vectors", "matrices", "products", "layers", "attention", "tensors", "probability", "quantum")
"""The pages with entries, in order."""

_ENTRY = re.compile(
    r"^## (?P<name>.+) \{ #(?P<anchor>[\w-]+) \}\n\n(?P<sentence>.+)\n\n"
    r'```einsum show="[a-z ]+" names="(?P<names>[^"]+)" output="(?P<output>\w)"\n(?P<equation>.+)\n```$',
    re.M,
)


class Entry(NamedTuple):
    """An operation of the gallery, as its page has it."""

    name: str
    anchor: str
    sentence: str
    equation: str
    names: Sequence[str]
    output: str
    functions: Sequence[str]
    """The names that its comparison calls, such as `torch.trace`."""
    expression: str
    """Its comparison as one expression of PyTorch, or nothing."""


def read(page: str) -> tuple[str, list[Entry]]:
    """Return the title of a page and its entries."""
    text = Path(__file__).with_name(f"{page}.md").read_text("utf-8")
    [title] = re.findall(r"^# (.+)$", text, re.M)
    found = [match.groupdict() for match in _ENTRY.finditer(text)]
    assert len(found) == text.count("```einsum"), f"an entry of {page}.md is not read"
    compared = dict(re.findall(r'^ *"([\w-]+)": (.+),$', text, re.M))
    bodies = dict(re.findall(r"^ *def (\w+)(\(.+?\n)\n", text, re.M | re.S))

    def functions(anchor: str) -> list[str]:
        code = compared.get(anchor, "")
        return re.findall(r"\b(?:torch|F)\.[\w.]+", code + bodies.get(code.partition("(")[0], ""))

    def expression(anchor: str, names: Sequence[str]) -> str:
        code = compared.get(anchor, "")
        if any(f"{own}(" in code for own in bodies):
            return ""
        if code.startswith("lambda"):
            return code.partition(": ")[2]
        if code.startswith("(("):  # the operands, and the expected result
            result = code.partition("), ")[2][:-1]
            return result if re.match(r"(F|torch)\.(?!tensor)", result) else ""
        return f"{code}({', '.join(dict.fromkeys(names))})" if "." in code else ""

    entries = []
    for each in found:
        anchor, names = each["anchor"], each["names"].split()
        entries.append(
            Entry(**{**each, "names": names}, functions=functions(anchor), expression=expression(anchor, names))
        )
    return title, entries


def table() -> str:
    """Return a table of the entries that are one expression of PyTorch, as Markdown."""
    lines = ["| operation | einsum | without einsum |", "|---|---|---|"]
    for page in PAGES:
        lines += [
            f"| [{entry.name}]({page}.md#{entry.anchor}) | `{entry.equation}` | `{entry.expression}` |"
            for entry in read(page)[1]
            if entry.expression
        ]
    return "\n".join(lines)


def overview() -> str:
    """Return a box to filter the entries of all pages, and a picture of each that links to it, as Markdown."""
    pages = {page: read(page) for page in PAGES}
    lines = [
        '<div class="filter" data-search-exclude><label for="wanted">Find an operation</label>',
        '<input id="wanted" type="search" autocomplete="off" spellcheck="false" aria-describedby="hint">',
        '<p id="hint">By words, such as <i>attention</i> or <i>bmm</i>, or by an einsum in any letters.</p>',
        f'<p aria-live="polite">{sum(len(entries) for _, entries in pages.values())} operations</p></div>',
        "",
    ]
    for page, (title, entries) in pages.items():
        lines += [f"## [{title}]({page}.md)", "", '<ul class="gallery" data-search-exclude>']
        for entry in entries:
            words = escape(" ".join([title, entry.anchor, entry.sentence, *entry.functions]))
            lines.append(
                f'<li data-words="{words}"><a href="{page}/#{entry.anchor}">{_thumbnail(entry)}'
                f"<span>{entry.name}</span><code>{escape(entry.equation)}</code></a></li>"
            )
        lines += ["</ul>", ""]
    return "\n".join([*lines, '<script src="../javascripts/gallery.js"></script>'])


def options() -> str:
    """Return the entries of all pages as options of a box to select from, grouped by page."""
    groups = ""
    for title, entries in map(read, PAGES):
        each = (
            f'<option value="{escape(entry.equation)}" data-names="{" ".join(entry.names)}">{entry.name}</option>'
            for entry in entries
        )
        groups += f'<optgroup label="{title}">{"".join(each)}</optgroup>'
    return groups


def _thumbnail(entry: Entry) -> str:
    """Return the picture of an entry, small, without what a link does not need: its words and its wide lines."""
    from einsum_doc.notation.drawing.diagram import diagram

    picture = diagram(entry.equation, names=entry.names, output=entry.output).replace("\n", "")
    picture = re.sub(r'<title>.*</style>|<path class="near"[^>]*>', "", picture)
    picture = picture.replace('role="img"', 'aria-hidden="true"')
    return re.sub(
        r'(?<= )(width|height)="([\d.]+)"', lambda size: f'{size[1]}="{0.7 * float(size[2]):.0f}"', picture, count=2
    )


def compare(page: str, others: Mapping[str, Callable[..., Any] | tuple[Sequence[Any], Any]]) -> None:
    """Compare the einsum of each entry of a page with other code, and print how many hold.

    others: for each anchor a function of the tensors that are named, or the operands with the expected result.
    Raises: AssertionError, if one does not hold, or is missing.
    """
    import torch

    from einsum_doc import einsum, parse
    from einsum_doc.article import sizes_of

    _, entries = read(page)
    assert [entry.anchor for entry in entries] == list(others)
    for entry in entries:
        equation, other = parse(entry.equation), others[entry.anchor]
        if callable(other):
            sizes = sizes_of(equation, names=entry.names)
            made = {
                name: torch.randn([sizes[label] for label in term], dtype=torch.float64)
                for name, term in zip(entry.names, equation.operands, strict=True)
            }
            operands, expected = [made[name] for name in entry.names], other(*made.values())
        else:
            operands, expected = other
        torch.testing.assert_close(
            einsum(entry.equation, *operands), expected, msg=lambda found, name=entry.name: f"{name}: {found}"
        )
    print(f"{len(entries)} einsums agree with other code.")
