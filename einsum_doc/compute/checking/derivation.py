"""A derivation's text -> a Line for each of its relations: what it says, and whether that is true."""

from __future__ import annotations

import ast
import builtins
import copy
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor as Array

from einsum_doc.compute.checking.chain import ChainCheck, Known, Page, names_in
from einsum_doc.compute.checking.instance import Instance
from einsum_doc.errors import NotationError
from einsum_doc.notation.expression import (
    Delta,
    Expression,
    Fixed,
    Index,
    One,
    Partial,
    Position,
    Range,
    RangeProduct,
    Size,
    Subscript,
    Summation,
    Tensor,
    letters,
    plain,
    rebuilt,
    subscripts,
)
from einsum_doc.notation.reading.directives import Directive
from einsum_doc.notation.reading.parse import Chain, Document, parse_notation
from einsum_doc.notation.reading.scope import Scope
from einsum_doc.notation.writing.html import row_html


@dataclass(frozen=True)
class Line:
    r"""One relation of a derivation, and whether it holds.

    line: the line of the text where it starts, from 0. row: the row it is in; rows end with `\\`.
    latex: what MathJax is to typeset, without `\\`, comments and reason; those of one row, put together, are
    the row. text: the same as plain text. reason: the author's, from a `\tag` or a trailing `\text`.
    kind: "definition" or "claim". message: of a false claim, one line. details: both values at the worst
    component, the sizes, and where shapes differ why. checked: what was checked, in words.
    """

    line: int
    latex: str
    reason: str
    kind: str
    holds: bool
    message: str
    details: tuple[str, ...]
    checked: str
    row: int = 0
    text: str = ""


@dataclass(frozen=True)
class Derivation:
    """The lines of a derivation: true if every claim holds; `str()` is a small table."""

    lines: tuple[Line, ...]

    def __bool__(self) -> bool:
        return all(line.holds for line in self.lines)

    def _repr_html_(self) -> str:
        rows = []
        for line in self.lines:
            checked = None if line.kind == "definition" and line.holds else line.checked
            rows.append(row_html(line.latex, line.reason, holds=line.holds, checked=checked))
        return f'<div class="derivation">{" ".join(rows)}</div>'

    def __str__(self) -> str:
        rows = []
        for number, line in enumerate(self.lines, 1):
            verdict = "defined" if line.kind == "definition" else "holds" if line.holds else "FALSE"
            rows.append(f"{number:>3}  {verdict:<7}  {line.text}" + (f"   ({line.reason})" if line.reason else ""))
            if not line.holds:
                rows += [f"       {part}" for part in (line.message, *line.details)]
        return "\n".join(rows)


def verify(
    latex: str,
    *,
    let: Mapping[str, str | Callable[..., Any]] | None = None,
    size: Mapping[str, str | int] | None = None,
    fixed: str | Iterable[str] = (),
    no_sum: str | Iterable[str] = (),
    positive: str | Iterable[str] = (),
    namespace: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> Derivation:
    r"""Check a derivation written by hand, line by line.

    >>> print(verify(r"z_{ik} &= x_{ij} y_{jk} \\ \frac{\partial z_{ik}}{\partial x_{pq}} &= \delta_{ip} y_{qk}"))
      1  defined  z_{ik} = x_{ij} y_{jk}
      2  holds    ∂z_{ik}/∂x_{pq} = δ_{ip} y_{qk}

    let: tensors given by code, such as {"y": "torch.linalg.inv(x)"}; names in it that are neither tensors of
    the text nor torch's are looked up in `namespace`. size: {"i": "k"} makes two indices equally long,
    {"i": 3} says how long. fixed: constant indices. no_sum: indices that are never summed. positive: inputs
    that are positive. Each says the same as the directive of that name.
    Raises: NotationError, at what cannot be read or has no meaning.
    """
    page = Derivations(namespace, seed)
    words: list[Directive] = []
    for name, code in (let or {}).items():
        if callable(code):
            page.namespace[f"_let_{len(words)}"] = code
            parameters = inspect.signature(code).parameters
            code = f"_let_{len(words)}({', '.join(parameters)})"
        words.append(Directive("let", f"{name} = {code}", (0, 0)))
    words += [Directive("size", f"{index} = {other}", (0, 0)) for index, other in (size or {}).items()]
    for word, names in (("fixed", fixed), ("no sum", no_sum), ("positive", positive)):
        listed = names.split() if isinstance(names, str) else list(names)
        words += [Directive(word, name, (0, 0)) for name in listed]
    return page.check(latex, words)


class Derivations:
    """The derivations of one page: what one of them defines holds in those after it.

    namespace: where `% let` finds names that are no tensors. seed: what all random numbers come from.
    """

    def __init__(self, namespace: Mapping[str, Any] | None = None, seed: int = 0) -> None:
        self.namespace: dict[str, Any] = dict(namespace or {})
        self.seed = seed
        self.page = Page()

    def check(self, text: str, directives: Sequence[Directive] = ()) -> Derivation:
        """Check one derivation.

        Raises: NotationError; the page is then as it was before.
        """
        try:
            return self.checked(text, directives)
        except RecursionError as error:
            raise NotationError(
                "too deeply nested", text=text, position=(0, 0), expected="shorter formulas, and fewer definitions"
            ) from error

    def checked(self, text: str, directives: Sequence[Directive]) -> Derivation:
        """The lines of a text, taken into the page if all can be read."""
        document = parse_notation(text)
        page = copy.copy(self.page)
        for name in ("names", "scalars", "fixed", "positive", "capitals", "equal", "scopes"):
            setattr(page, name, copy.copy(getattr(page, name)))
        reading = Reading(document, tuple(directives), page, self.namespace, self.seed)
        # Whatever the page has made of torch's settings: numbers are drawn and compared on the CPU, with gradients.
        # Saying so where it is so already would cost each call of torch one of Python.
        here = nullcontext() if torch.get_default_device().type == "cpu" else torch.device("cpu")
        with here, torch.enable_grad():
            lines = tuple(reading.lines())
        self.page = reading.page
        return Derivation(lines)


class Reading:
    """One text on its page."""

    def __init__(
        self,
        document: Document,
        directives: tuple[Directive, ...],
        page: Page,
        namespace: Mapping[str, Any],
        seed: int,
    ) -> None:
        self.document = document
        self.page = page
        self.namespace = namespace
        self.seed = seed
        self.steps = (*directives, *document.steps)
        self.chains = [step for step in self.steps if isinstance(step, Chain)]
        self.kept: list[Index] = []
        self.equal: list[tuple[Index, Index | int]] = []
        self.instances: dict[Any, Instance] = {}
        self.checks: list[ChainCheck] = []
        self.written: dict[Any, Any] = {}

    def fail(self, fault: str, at: Position, expected: str = "") -> NotationError:
        return NotationError(fault, text=self.document.text, position=at, expected=expected)

    # -- directives

    def lines(self) -> Iterator[Line]:
        """Each relation in order."""
        if not self.chains:
            raise self.fail("nothing to check", (0, 0), "a row such as z_i &= x_{ij} y_j")
        first = True
        for step in self.steps:
            if isinstance(step, Directive) and step.word == "new":
                if not first:
                    raise self.fail(
                        "'% new' after something else", step.at, "'% new' before everything else of its text"
                    )
                self.page = Page(count=self.page.count)
            first = first and isinstance(step, Directive) and step.word in ("", "new")
        for step in self.steps:
            if isinstance(step, Directive):
                self.directive(step)
        for step in self.steps:
            if isinstance(step, Chain):
                yield from self.chain(step)
            elif step.word == "let":
                self.let(step)

    def directive(self, step: Directive) -> None:
        """What a directive says about the whole text."""
        body = step.body
        if step.word in ("fixed", "no sum", "positive"):
            names = body.replace(",", " ").split()
            if not names:
                raise self.fail(f"'% {step.word}' without a name", step.at, "one or more names")
            for name in names:
                if step.word == "positive":
                    self.positive(name, step)
                elif step.word == "fixed":
                    self.page.fixed.add(self.index(name, step).letter)
                else:
                    self.kept.append(self.index(name, step))
        elif step.word == "size":
            left, equals, right = (part.strip() for part in body.partition("="))
            if not equals:
                raise self.fail("'% size' without '='", step.at, "% size i = k, or % size i = 3")
            if right.isdecimal() and right.isascii():
                if not 1 <= int(right) <= 64:
                    raise self.fail("a size that cannot be checked", step.at, "a number from 1 to 64")
                self.equal.append((self.index(left, step), int(right)))
            else:
                self.equal.append((self.index(left, step), self.index(right, step)))
        elif step.word == "new" and body:
            raise self.fail("'% new' with something after it", step.at, "% new alone")

    def positive(self, name: str, step: Directive) -> None:
        """An input whose components are positive."""
        tensor = self.tensor_called(name, step)
        known = self.page.names.get(tensor)
        if known is not None and known.arguments is not None:
            raise self.fail(f"{plain(tensor)} is defined, so it is as its arguments make it", step.at, "an input")
        self.page.positive.add(tensor)

    def index(self, name: str, step: Directive) -> Index:
        """An index that a directive names."""
        bare = name.rstrip("'")
        known = {
            place
            for chain in self.chains
            for side in _sides(chain)
            for place in subscripts(side)
            if isinstance(place, Index)
        }
        found = Index(bare, len(name) - len(bare))
        greek = Index("\\" + bare, found.primes)
        if found not in known and greek in known:
            found = greek
        if found not in known and step.word != "fixed":
            raise self.fail(f"{name or 'nothing'} is no index of this text", step.at, "an index")
        if step.word == "fixed" and (not bare.lstrip("\\").isalpha() or found.primes):
            raise self.fail(f"{name} is no index", step.at, "a letter")
        return found

    def tensor_called(self, name: str, step: Directive) -> str:
        """The tensor that a directive names, in LaTeX or as code would."""
        names = self.called()
        exact = "".join(name.split())
        if any(exact in found for found in names.values()):
            return exact
        if name in names:
            return self.one_of(names[name], step)
        raise self.fail(f"{name} is no tensor of this text", step.at, "a tensor")

    def called(self) -> dict[str, dict[str, None]]:
        """The tensors of this page by their names in code."""
        found: dict[str, dict[str, None]] = {}
        written = (part for chain in self.chains for side in _sides(chain) for part in side.walk())
        for name in (*self.page.names, *(part.name for part in written if isinstance(part, Tensor))):
            found.setdefault(_in_code(name), {})[name] = None
        return found

    def one_of(self, names: Iterable[str], step: Directive) -> str:
        """The tensor that a name in code means."""
        first, *others = names
        if others:
            both = " or ".join((first, *others))
            raise self.fail(f"{_in_code(first)} could be {both}", step.at, "names that differ without their style")
        return first

    def let(self, step: Directive) -> None:
        """A tensor given by code."""
        left, equals, code = (part.strip() for part in step.body.partition("="))
        if not equals or not code or code.startswith("="):
            raise self.fail("'% let' without '='", step.at, "% let y = torch.linalg.inv(x)")
        name = self.tensor_called(left, step)
        if name in self.page.names:
            raise self.fail(f"{left} has a meaning already", step.at, "a new name, or % new")
        try:
            tree = ast.parse(code, mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            why = error.msg if isinstance(error, SyntaxError) else str(error)
            raise self.fail(f"the code of {left} cannot be read: {why}", step.at, "a Python expression") from None
        names = self.called()
        bound = {part.arg for part in ast.walk(tree) if isinstance(part, ast.arg)}
        bound |= {part.id for part in ast.walk(tree) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
        arguments: dict[str, str] = {}
        for part in ast.walk(tree):
            if isinstance(part, ast.Name) and part.id not in bound:
                if part.id in names:
                    arguments[part.id] = self.one_of(names[part.id], step)
                elif part.id not in self.namespace and part.id != "torch" and not hasattr(builtins, part.id):
                    raise self.fail(
                        f"{part.id} in the code of {left} is not known", step.at, "a tensor or a name of the page"
                    )
        if name in arguments.values():
            raise self.fail(f"{left} is in its own code", step.at, "code of other tensors")
        for argument in arguments.values():
            if argument not in self.page.names:
                self.page.names[argument] = Known(argument, self.kinds_in_text(argument))
        compiled = compile(tree, "<let>", "eval")
        namespace = {"torch": torch, **self.namespace}
        in_code = {argument: own for own, argument in arguments.items()}

        def run(values: Mapping[str, Array]) -> Array:
            own = {in_code[argument]: value for argument, value in values.items()}
            result = torch.as_tensor(eval(compiled, {**namespace, **own}))
            if result.is_complex():
                raise TypeError("complex numbers cannot be compared here")
            return result.to(torch.float64)

        self.page.names[name] = Known(
            name, self.kinds_in_text(name), tuple(arguments.values()), code=run, line=f"{left} = {code}", let=step
        )

    def kinds_in_text(self, name: str) -> tuple[str, ...] | None:
        for chain in self.chains:
            for side in _sides(chain):
                for part in side.walk():
                    if isinstance(part, Tensor) and part.name == name:
                        return _kinds(part.indices)
        return None

    # -- chains

    def chain(self, chain: Chain) -> Iterator[Line]:
        """The lines of one chain."""
        self.page.count += 1
        key = f"chain {self.page.count}"
        sides = self.resolved(chain, key)
        signs = [relation.sign for relation in chain.relations]
        head = sides[0]
        defines = isinstance(head, Tensor) and self.defines(head, sides[1], signs[0])
        seen: set[str] = set()
        for number, side in enumerate(sides):
            if not (defines and number == 0):
                self.register(side, seen)
            if defines and number == 1:
                assert isinstance(head, Tensor)
                self.define(head, side, key)
        self.page.scopes[key] = Scope(self.document.text)
        self.page.equal[key] = self.equal
        checks = ChainCheck(self, key, sides, signs, defines)
        checks.prepare()
        self.checks.append(checks)
        for number, relation in enumerate(chain.relations):
            left, right = sides[number], sides[number + 1]
            text = f"{left} {relation.sign} {right}" if number == 0 else f"{'':4}{relation.sign} {right}"
            if defines and number == 0:
                holds, message, details, checked = checks.definition()
                kind = "definition"
            else:
                kind = "claim"
                holds, message, details, checked = checks.claim(number, relation.sign)
            yield Line(
                relation.line,
                relation.latex,
                relation.reason,
                kind,
                holds,
                message,
                details,
                checked,
                relation.row,
                text,
            )
        if not defines:
            for name in [name for name, (owner, _) in self.page.capitals.items() if owner == key]:
                del self.page.capitals[name]

    def defines(self, head: Tensor, right: Expression, sign: str) -> bool:
        """Whether a left side is a new name, alone."""
        new = head.name not in self.page.names and head.name not in self.page.scalars
        alone = all(isinstance(index, Index | Range) for index in head.indices)
        itself = any(isinstance(part, Tensor) and part.name == head.name for part in right.walk())
        if not (new and alone and sign == "=" and not itself):
            return False
        if len(set(head.indices)) < len(head.indices):
            raise self.fail(
                f"{head} would define a diagonal only", head.at, "each index once on the left of a definition"
            )
        return True

    def define(self, head: Tensor, right: Expression, key: str) -> None:
        """Take a definition into the page."""
        if head.name in self.page.positive:
            raise self.fail(
                f"{plain(head.name)} is said to be positive, but is no input", head.at, "'% positive' of inputs"
            )
        own = names_in(right, self.page.scalars)
        downstream = any(self.is_gradient(part) for part in right.walk()) or any(
            self.page.names[name].downstream for name in own
        )
        self.page.names[head.name] = Known(
            head.name, _kinds(head.indices), own, head, right, key, line=f"{head} = {right}", downstream=downstream
        )

    def is_gradient(self, part: Expression) -> bool:
        """Whether a part is a derivative of the arbitrary downstream scalar."""
        return isinstance(part, Partial) and isinstance(part.body, Tensor) and part.body.name in self.page.scalars

    def resolved(self, chain: Chain, key: str) -> list[Expression]:
        """The sides of a chain, with its constant indices and its capitals recognised."""
        raw = _sides(chain)
        own = letters(place for side in raw for place in subscripts(side))
        bodies = {
            id(part) for side in raw for whole in side.walk() if isinstance(whole, Partial) for part in whole.parts
        }
        every = {place for side in raw for place in subscripts(side) if isinstance(place, Index)}

        def constant(place: Subscript) -> Subscript:
            inside = (place.first, place.last) if isinstance(place, Range) else (place,)
            for end in inside:
                if not isinstance(end, Index):
                    continue
                if end.letter in self.page.fixed:
                    if end.primes or isinstance(place, Range):
                        raise self.fail(f"{plain(end.letter)} is a constant index", end.at, "it alone, without primes")
                    return Fixed(end.letter, end.at)
                if len(end.letter) == 1 and end.letter.isupper():
                    raise self.fail(
                        f"the capital {end.letter} as an index",
                        end.at,
                        f"'% fixed {end.letter}', if it is a constant index",
                    )
            return place

        def change(part: Expression) -> Expression:
            match part:
                case Tensor(name, ()) if id(part) not in bodies and name.rstrip("'") in own | self.page.fixed:
                    raise self.fail(
                        f"{plain(name)} is an index here, and has no value", part.at, "another letter for one of them"
                    )
                case Tensor(name, ()) if id(part) not in bodies and self.is_capital(name):
                    letter = name.lower()
                    if letter in own:
                        candidates = [index for index in every if index.letter == letter]
                        if not candidates:
                            raise self.fail(
                                f"{name} is the range of an index with dots", part.at, "an index of its own"
                            )
                        index = min(candidates, key=lambda index: index.primes)
                        self.page.capitals.setdefault(name, (key, index))
                        return Size(name, index, part.at)
                    if name in self.page.capitals:
                        raise self.fail(
                            f"{name} was the range of {letter}, and no {letter} is here",
                            part.at,
                            f"an index {letter} in this chain",
                        )
                    return part
                case Tensor(_, indices) | Delta(indices) | One(indices):
                    return replace(part, indices=tuple(map(constant, indices)))
                case Summation(indices, _):
                    found = tuple(map(constant, indices))
                    if any(isinstance(place, Fixed) for place in found):
                        raise self.fail("a sum over a constant index", part.at, "an index that is not fixed")
                    if part.capital and (not self.is_capital(part.capital) or part.capital in self.page.fixed):
                        raise self.fail(
                            f"{part.capital} has a meaning already, and is not the range of {indices[0]}",
                            part.at,
                            rf"\sum_{{{indices[0]}}}, or another letter",
                        )
                    if part.capital:
                        assert isinstance(indices[0], Index)
                        self.page.capitals.setdefault(part.capital, (key, indices[0]))
                    return replace(part, indices=found)
                case RangeProduct(first, last):
                    return replace(
                        part,
                        first=None if first is None else change(first),
                        last=replace(last, indices=tuple(map(constant, last.indices))),
                    )
                case _:
                    return part

        return [rebuilt(side, change) for side in raw]

    def is_capital(self, name: str) -> bool:
        return len(name) == 1 and name.isupper() and name not in self.page.names and name not in self.page.scalars

    def register(self, side: Expression, seen: set[str]) -> None:
        """Take the names of a side into the page; check that each is used as before."""
        bodies: set[int] = set()
        for part in side.walk():
            if isinstance(part, Partial) and isinstance(part.body, Tensor) and not part.body.indices:
                name = part.body.name
                if name not in self.page.names and name != part.by.name:
                    self.page.scalars.add(name)
                if name in self.page.scalars:
                    bodies.add(id(part.body))
        for part in side.walk():
            if not isinstance(part, Tensor) or id(part) in bodies:
                continue
            if part.name in self.page.scalars:
                raise self.fail(
                    f"{plain(part.name)} is the arbitrary downstream scalar, whose value is not known",
                    part.at,
                    f"only derivatives of it; or a definition of {plain(part.name)} before them, or % new",
                )
            kinds = _kinds(part.indices)
            known = self.page.names.get(part.name)
            if known is None:
                self.page.names[part.name] = Known(part.name, kinds)
            elif known.kinds is None:
                self.page.names[part.name] = replace(known, kinds=kinds)
            elif known.kinds != kinds:
                has = _count(known.kinds)
                where = f", as in {known.line}" if known.line else ""
                raise self.fail(
                    f"{plain(part.name)} has {has}, not {_count(kinds)}",
                    part.at,
                    f"{has}{where}; or % new, to forget what the page has said",
                )
        for part in side.walk():
            if isinstance(part, Partial):
                self.differentiable(part)

    def differentiable(self, part: Partial) -> None:
        """Refuse a derivative that has no meaning here."""
        if self.is_gradient(part):
            if self.page.names[part.by.name].downstream:
                raise self.fail("a derivative by a gradient", part.at, "a derivative by a tensor that l depends on")
            return
        inner = [each for each in part.body.walk() if isinstance(each, Tensor)]
        again = any(self.is_gradient(each) for each in part.body.walk()) or any(
            name in self.page.names and self.page.names[name].downstream
            for name in (*(each.name for each in inner), part.by.name)
        )
        if again:
            raise self.fail(
                "a second derivative of the arbitrary downstream scalar", part.at, "first derivatives of it"
            )
        if isinstance(part.body, Tensor):
            body, by = part.body.name, part.by.name
            if body != by and self.depends(by, body) and not self.depends(body, by):
                raise self.fail(
                    f"{plain(by)} is computed from {plain(body)}, not the other way round",
                    part.at,
                    "a derivative by an argument",
                )
            known = self.page.names.get(body)
            computed = self.page.names[by].arguments is not None
            undefined = known is not None and known.right is None and known.code is None
            if body != by and undefined and (computed or not part.body.indices):
                raise self.fail(
                    f"{plain(body)} is an input, so it is not computed from {plain(by)}",
                    part.at,
                    f"a definition of {plain(body)} before this; or a scalar that is only ever differentiated",
                )

    def depends(self, name: str, x: str) -> bool:
        """Whether a tensor is computed from x, or is x."""
        seen, rest = {name}, [name]
        while rest:
            known = self.page.names.get(rest.pop())
            new = set(known.arguments or ()) - seen if known is not None else set()
            seen |= new
            rest += new
        return x in seen


def _sides(chain: Chain) -> list[Expression]:
    return [chain.head, *(relation.right for relation in chain.relations)]


def _kinds(indices: tuple[Subscript, ...]) -> tuple[str, ...]:
    return tuple("range" if isinstance(index, Range) else "index" for index in indices)


def _count(kinds: tuple[str, ...]) -> str:
    single, wide = kinds.count("index"), kinds.count("range")
    words = [f"{single} {'index' if single == 1 else 'indices'}"] if single or not wide else []
    if wide:
        words.append(f"{wide} {'range' if wide == 1 else 'ranges'} of indices")
    order = f" in the order {', '.join(kinds)}" if single and wide else ""
    return " and ".join(words) + order


def _in_code(name: str) -> str:
    r"""The name of a tensor in Python: `\mu` is mu, `\hat{x}` is x_hat, and x' is x_prime."""
    primes = len(name) - len(name.rstrip("'"))
    bare = name.rstrip("'")
    if "{" in bare:
        command, _, inner = bare[1:-1].partition("{")
        found = _in_code(inner) + (f"_{command}" if command in ("hat", "bar", "tilde", "dot", "vec", "check") else "")
    else:
        found = bare.lstrip("\\")
    return found + "_prime" * primes
