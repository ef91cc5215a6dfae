"""A public name -> its entry in the reference: Markdown from its docstring, whose examples are executed."""

import ast
import doctest
import enum
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import groupby, pairwise
from operator import itemgetter
from types import ModuleType
from typing import Any

WIDTH = 72
"""A longer signature has a line for each parameter."""


TERM = r"(?:\w|\.{3})*"
EQUATION = rf"{TERM}(?:,{TERM})*->{TERM}"


@dataclass(frozen=True)
class Entry:
    """A public name as the reference shows it.

    markdown: its heading, its signature, what its docstring says, and the same of its members.
    examples: how many examples of the docstrings were executed.
    """

    markdown: str
    examples: int


def entry(package: ModuleType, name: str) -> Entry:
    r"""Return the entry of a public name of a package. The anchor of a name is its full name.

    >>> import einsum_doc
    >>> found = entry(einsum_doc, "tangent")
    >>> found.examples
    1
    >>> print(*found.markdown.splitlines()[:5], sep="\n")
    ### tangent {#einsum_doc.tangent}
    <BLANKLINE>
    ```python
    tangent(equation: Equation | str) -> tuple[Summand, ...]
    ```

    A docstring is a sentence, examples, and prose in which a line may begin with a fact, as `Raises:`, or with the
    name of a parameter or field. In prose an equation is set as code, and a public name is a link to its entry.
    Raises: AssertionError, if an example does not hold.
    """
    return _Entry(package, name).made()


class _Entry:
    """One call of `entry`: its parts share the names that they link to, and the count of examples."""

    def __init__(self, package: ModuleType, name: str) -> None:
        self.package, self.name = package, name
        self.names: Sequence[str] = package.__all__
        self.examples = 0

    def made(self) -> Entry:
        thing = getattr(self.package, self.name)
        lines = [f"### {self.name} {{#{self.package.__name__}.{self.name}}}", "", "```python"]
        lines += [*_signature(self.name, thing), "```", "", *self._told(thing, self.name)]
        if inspect.isclass(thing):
            for member, function in _members(thing):
                name = f"{self.name}.{member}"
                value = vars(thing)[member]
                (call,) = _signature(name, function, width=None, attribute=function is not value)
                lines += [f"`{call}`", f"{{: #{self.package.__name__}.{name} .member }}", ""]
                lines += self._told(function, name)
        return Entry("\n".join(lines), self.examples)

    def _told(self, thing: Any, name: str) -> Iterator[str]:
        """Yield a docstring as Markdown."""
        self.examples += _run_examples(thing, name)
        for kind, blocks in groupby(_blocks(inspect.getdoc(thing) or "", _parameters(thing)), key=itemgetter(0)):
            for _, title, text in blocks:
                match kind:
                    case "example":
                        yield f"```pycon\n{text}\n```"
                    case "field":
                        yield f"- {', '.join(f'`{own}`' for own in title.split(', '))}: {self._prose(text)}"
                    case "fact":
                        yield f"**{title}:** {self._prose(text)}\n"
                    case _:
                        yield f"{self._prose(text)}\n"
            yield ""
        if inspect.isclass(thing) and issubclass(thing, enum.Enum):
            yield from (f"- `{name}.{own}`, `{thing[own].value!r}`: {text}" for own, text in _values(thing))
            yield ""

    def _prose(self, text: str) -> str:
        """Return prose with its equations as code, and its public names as links."""
        parts = re.split(r"(`[^`]*`)", text)
        for number, part in enumerate(parts):
            if number % 2:
                parts[number] = self._linked(part.strip("`"), part)
            else:
                part = re.sub(rf"'({EQUATION})'|({EQUATION})", r"`\1\2`", part)
                parts[number] = re.sub(r"\w+Error\b", lambda found: self._linked(found[0], found[0]), part)
        return "".join(parts)

    def _linked(self, name: str, text: str) -> str:
        known = name in self.names and name != self.name
        return f"[{text}](#{self.package.__name__}.{name})" if known else text


def _run_examples(thing: Any, name: str) -> int:
    """Run the examples of a docstring; return how many there are."""
    module = import_module(thing.__module__)
    said: list[str] = []
    runner = doctest.DocTestRunner(verbose=False)
    count = 0
    for test in doctest.DocTestFinder(recurse=False).find(thing, name, module=module, globs=dict(vars(module))):
        count += runner.run(test, out=said.append).attempted
    if runner.failures:
        raise AssertionError("an example does not hold\n" + "".join(said))
    return count


def _members(thing: type) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield the public methods and properties of a class that have a docstring."""
    for member, value in vars(thing).items():
        function = getattr(value, "fget", None) or getattr(value, "func", None) or value
        if not member.startswith("_") and inspect.isfunction(function) and function.__doc__:
            yield member, function


def _values(thing: type[enum.Enum]) -> Iterator[tuple[str, str]]:
    """Yield the members of an enumeration, with the docstring under each."""
    body = ast.parse(textwrap.dedent(inspect.getsource(thing))).body[0].body  # type: ignore[attr-defined]
    for above, under in pairwise(body):
        match above, under:
            case ast.Assign(targets=[ast.Name(id=name)]), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, text


def _parameters(thing: Any) -> set[str]:
    own = {name for name in vars(thing) if not name.startswith("_")} if inspect.isclass(thing) else set()
    return own | set(inspect.signature(thing).parameters)


def _blocks(doc: str, parameters: set[str]) -> Iterator[tuple[str, str, str]]:
    """Yield the parts of a docstring: their kind, title and text."""
    open_block: tuple[str, str, list[str]] | None = None
    first = True
    for line in [*doc.split("\n"), ""]:
        started = _start(line, parameters, first=first)
        first = False
        in_example = open_block is not None and open_block[0] == "example"
        if open_block is not None and (not line.strip() or (started[0] != "prose" and not in_example)):
            kind, title, lines = open_block
            yield kind, title, ("\n" if in_example else " ").join(lines)
            open_block = None
        if not line.strip():
            continue
        if open_block is None:
            kind, title, text = started
            open_block = kind, title, [text]
        else:
            open_block[2].append(line if in_example else line.strip())


def _start(line: str, parameters: set[str], *, first: bool) -> tuple[str, str, str]:
    """Return the kind, title and text of the block that a line begins; prose, if it may continue one."""
    if line.startswith(">>>"):
        return "example", "", line
    titled = re.match(r"(\w+(?:, \w+)*): (.*)", line)
    if titled and set(titled[1].split(", ")) <= parameters:
        return "field", titled[1], titled[2]
    if titled and titled[1][0].isupper() and not first:
        return "fact", titled[1], titled[2]
    return "prose", "", line.strip()


def _signature(name: str, thing: Any, *, width: int | None = WIDTH, attribute: bool = False) -> list[str]:
    """Return the signature of an object, or the type of an attribute, as lines of Python."""
    if inspect.isclass(thing) and issubclass(thing, enum.Enum):
        return [f"class {name}"]
    signature = inspect.signature(thing, eval_str=True)
    parameters = [own for own in signature.parameters.values() if own.name != "self"]
    head = f"class {name}" if inspect.isclass(thing) else name
    returned = signature.return_annotation
    untold = inspect.isclass(thing) or returned is signature.empty
    tail = "" if untold else f" -> {_plain(inspect.formatannotation(returned))}"
    if attribute:
        return [head + tail]
    whole = _plain(str(signature.replace(parameters=parameters, return_annotation=signature.empty)))
    line = f"{head}{whole}{tail}"
    if width is None or len(line) <= width:
        return [line]
    return [f"{head}(", *(f"    {own}," for own in _split(whole[1:-1])), f"){tail}"]


def _plain(text: str) -> str:
    """Return a signature without the modules of its types, and without addresses of functions."""
    text = re.sub(r"<function (\w+) at 0x\w+>|<class '(?:\w+\.)*(\w+)'>", r"\1\2", text)
    text = re.sub(r"\b(?:\w+\.)+(?=[A-Z])", "", text)
    return re.sub(r"\bellipsis\b", "EllipsisType", text).replace("= Ellipsis", "= ...")


def _split(text: str) -> Iterator[str]:
    """Yield the parameters of a signature: a comma in brackets does not separate them."""
    depth, part = 0, ""
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth == 0:
            yield part.strip()
            part = ""
        else:
            part += character
    if part.strip():
        yield part.strip()
