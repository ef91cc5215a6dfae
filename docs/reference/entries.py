"""A public name -> its entry in the reference: Markdown from its docstring, whose examples are executed."""

import ast
import doctest
import enum
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from importlib import import_module
from itertools import pairwise
from types import ModuleType
from typing import Any, NamedTuple

WIDTH = 72
"""A longer signature has a line for each parameter."""

_TERM = r"(?:\w|\.{3})*"
_EQUATION = rf"{_TERM}(?:,{_TERM})*->{_TERM}"
_MARKED = re.compile(rf"(?P<code>`[^`]*`|\w+Error\b)|'({_EQUATION})'|({_EQUATION})")


class Entry(NamedTuple):
    """A public name as the reference shows it."""

    markdown: str
    """Its heading, its signature, the text of its docstring, and the same of its members."""
    examples: int
    """How many examples of the docstrings were executed."""


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
    thing, anchor = getattr(package, name), f"{package.__name__}."

    def mark(found: re.Match[str]) -> str:
        text, word = found["code"] or f"`{found[0].strip(chr(39))}`", found[0].strip("`")
        return f"[{text}](#{anchor}{word})" if word in package.__all__ and word != name else text

    lines = [f"### {name} {{#{anchor}{name}}}", "", "```python", _wrapped(_signature(name, thing)), "```", ""]
    lines += _description(thing, mark)
    examples = _run_examples(thing, name)
    if inspect.isclass(thing):
        if issubclass(thing, enum.Enum):
            lines += (f"- `{name}.{own}`, `{thing[own].value!r}`: {text}" for own, text in _values(thing))
        for member, function, is_called in _members(thing):
            call = _signature(f"{name}.{member}", function)
            lines += ["", f"`{call if is_called else call.replace('()', '', 1)}`"]
            lines += [f"{{: #{anchor}{name}.{member} .member }}", *_description(function, mark)]
            examples += _run_examples(function, f"{name}.{member}")
    return Entry("\n".join([*lines, ""]), examples)


def _run_examples(thing: Any, name: str) -> int:
    """Run the examples of a docstring; return how many there are."""
    module = import_module(thing.__module__)
    said: list[str] = []
    runner = doctest.DocTestRunner(verbose=False)
    for test in doctest.DocTestFinder(recurse=False).find(thing, name, module=module, globs=dict(vars(module))):
        runner.run(test, out=said.append)
    if runner.failures:
        raise AssertionError("an example does not hold\n" + "".join(said))
    return runner.tries


def _description(thing: Any, mark: Callable[[re.Match[str]], str]) -> Iterator[str]:
    """Yield a docstring as Markdown."""
    name = f"(?:{'|'.join(inspect.signature(thing).parameters)})"
    start = re.compile(rf"(?:({name}(?:, {name})*)|([A-Z]\w*)): ")
    for paragraph in (inspect.getdoc(thing) or "").split("\n\n"):
        if paragraph.startswith(">>>"):
            yield f"\n```pycon\n{paragraph}\n```\n"
            continue
        for part in re.sub(rf"\n(?!{start.pattern})", " ", paragraph).split("\n"):
            titled = start.match(part)
            fields, fact = titled.groups() if titled else ("", "")
            text = _MARKED.sub(mark, part[titled.end() :] if titled else part)
            if fields:
                yield f"- `{fields.replace(', ', '`, `')}`: {text}"
            else:
                yield f"\n**{fact}:** {text}\n" if fact else f"\n{text}\n"


def _members(thing: type) -> Iterator[tuple[str, Callable[..., Any], bool]]:
    """Yield the methods and properties of a class that are public: name, function, and whether it is called."""
    for member, value in vars(thing).items():
        function = getattr(value, "fget", None) or getattr(value, "func", None) or value
        if not member.startswith("_") and inspect.isfunction(function) and function.__doc__:
            yield member, function, function is value


def _values(thing: type[enum.Enum]) -> Iterator[tuple[str, str]]:
    """Yield the members of an enumeration, with the docstring under each."""
    body = ast.parse(textwrap.dedent(inspect.getsource(thing))).body[0].body  # type: ignore[attr-defined]
    for above, under in pairwise(body):
        match above, under:
            case ast.Assign(targets=[ast.Name(id=name)]), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, text


def _signature(name: str, thing: Any) -> str:
    """Return the signature of an object, without the modules of its types and without addresses of functions."""
    if inspect.isclass(thing) and issubclass(thing, enum.Enum):
        return f"class {name}"
    signature = inspect.signature(thing, eval_str=True)
    own = [each for each in signature.parameters.values() if each.name != "self"]
    returned = signature.empty if inspect.isclass(thing) else signature.return_annotation
    text = str(signature.replace(parameters=own, return_annotation=returned))
    text = re.sub(r"<function (\w+) at 0x\w+>|<class '(?:\w+\.)*(\w+)'>", r"\1\2", text)
    text = re.sub(r"\b(?:\w+\.)+(?=[A-Z])", "", text)
    text = re.sub(r"\bellipsis\b", "EllipsisType", text).replace("= Ellipsis", "= ...")
    return f"class {name}{text}" if inspect.isclass(thing) else name + text


def _wrapped(signature: str) -> str:
    """Return a signature, with a line for each parameter if it is long."""
    parts = re.fullmatch(r"([\w ]+\()(.+)(\)(?: -> .+)?)", signature)
    if parts is None or len(signature) <= WIDTH:
        return signature
    # A comma within a type has no parameter after it.
    parameters = re.split(r", (?=\*|/|\w+: )", parts[2])
    return "\n".join([parts[1], *(f"    {each}," for each in parameters), parts[3]])
