"""A chain in matrix notation -> the same in components, by what its page says about its names."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from einsum_doc.errors import NotationError
from einsum_doc.notation.expression import (
    ACCENTS,
    Delta,
    Expression,
    Function,
    Index,
    NewIndex,
    Partial,
    Summation,
    Tensor,
    letters,
    plain,
    rebuilt,
    subscripts,
)
from einsum_doc.notation.matrices.components import Components, Indices, OfMatrix, component_indices, unbound
from einsum_doc.notation.matrices.nodes import MatrixFunction
from einsum_doc.notation.matrices.shapes import COLUMN, MATRIX, SCALAR, Fail, Shape, Shapes, words
from einsum_doc.notation.reading.components import canonical
from einsum_doc.notation.reading.directives import Directive
from einsum_doc.notation.reading.parse import Chain, parse_expression
from einsum_doc.notation.sums.scope import Scope
from einsum_doc.notation.symbols.resolution import kinds_of
from einsum_doc.notation.symbols.table import SymbolTable

_BOLD = re.compile(r"\\(?:mathbf|boldsymbol|vec)\{(.*?)\}")
_STYLED = re.compile(r"\\math(?:sf|cal)\{(?!L\})[A-Z]\}'*")
_SIGN = re.compile(r"\\?([A-Za-z]+)")


def shape_of(table: SymbolTable, tensor: Tensor) -> Shape:
    """Return the shape of a tensor as it stands: a scalar, if it has indices or is not bold.

    A tensor that the page has used with indices has as many here. Of others, a bold capital is a matrix, and a bold
    small letter a column.
    """
    name = tensor.name
    if any(not isinstance(index, Index) or index.letter not in table.samples for index in tensor.indices):
        return SCALAR
    if name in table.shapes:
        return table.shapes[name]
    known = table.tensors.get(name)
    if known is not None and known.kinds is not None:
        return {1: COLUMN, 2: MATRIX}.get(len(known.kinds) - len(tensor.indices), SCALAR)
    bold = _BOLD.search(name)
    if bold is None:
        return {1: COLUMN, 2: MATRIX}.get(table.ranks.get(name, 0) - len(tensor.indices), SCALAR)
    signs = [sign for sign in _SIGN.findall(bold[1]) if sign not in ACCENTS]
    return MATRIX if signs and (signs[-1][0] if bold[1].startswith("\\") else signs[-1][-1]).isupper() else COLUMN


def is_of_tensors(table: SymbolTable, expression: Expression) -> bool:
    """Return whether anything in an expression is a vector, a matrix, or a sign for them."""
    shapes = Shapes(lambda tensor: shape_of(table, tensor), Scope("").fail)
    return shapes.is_matrix_notation(expression)


def magnitudes(table: SymbolTable, expression: Expression) -> Expression:
    """Return an expression with bars around a number as its absolute value."""

    def absolute(part: Expression) -> Expression:
        bars = isinstance(part, MatrixFunction) and part.name == "bars" and not is_of_tensors(table, part.argument)
        return Function("abs", part.argument, at=part.at) if bars and isinstance(part, MatrixFunction) else part

    return rebuilt(expression, absolute)


def in_components(
    sides: Sequence[Expression], table: SymbolTable, scope: Scope, taken: Collection[str]
) -> tuple[list[Expression], Indices, list[OfMatrix]]:
    """Return sides in components, the indices that all have, and the inverses and determinants that are new.

    taken: letters that have a meaning in the text.
    Raises: NotationError, where shapes do not fit.
    """
    _refuse_two_names(sides, table, scope)
    _refuse_styled(sides, table, scope)
    names = {part.name for side in sides for part in side.walk() if isinstance(part, Tensor)}
    used = letters(index for side in sides for index in subscripts(side)) | {name.lower() for name in names}
    before = set(table.matrices)
    fail = _failing(sides, table, scope)
    components = Components(
        lambda tensor: shape_of(table, tensor),
        {*used, *table.fixed, *taken},
        table.aliases,
        table.samples,
        table.matrices,
        fail,
    )
    head, *rest = sides
    if isinstance(head, Tensor) and not head.indices and head.name not in table.tensors and rest:
        _widen(table, head, components.shapes.of(rest[0]))
    for side in sides:
        shape = components.shapes.of(side) if components.shapes.is_matrix_notation(side) else SCALAR
        for index in unbound(side) if shape not in (SCALAR, None) else ():
            if index.letter not in table.samples | table.fixed:
                fault = f"the index {index} stands in {side}, which is {words(shape or SCALAR)}"
                raise fail(fault, index.at, r"components on both sides, or _{\text{…}} for a label")
    lowered, free = components.sides(sides)
    _refuse_unsized(sides, lowered, fail)
    return lowered, free, [table.matrices[key] for key in table.matrices if key not in before]


def tied(entries: Sequence[Chain | Directive], table: SymbolTable, scope: Scope) -> list[Chain | Directive]:
    r"""Return entries in which the components of a bold name have its style: x_i is that of `\mathbf{x}`.

    So is x_{ij}, or X_{ij}, of `\mathbf{X}`. The bold name never has indices, and the other always has one for each
    of its axes. What a directive, or the page above, has said of one of them stays.
    """
    chains = [each for each in entries if isinstance(each, Chain)]
    parts = [part for chain in chains for side in chain.sides for part in side.walk() if isinstance(part, Tensor)]
    said = " ".join(each.body for each in entries if isinstance(each, Directive) and "=" in each.body)
    indexed = {part.name for part in parts if part.indices}
    names = {name for name in (*table.tensors, *(part.name for part in parts)) if _BOLD.search(name)}
    for name in names - indexed - table.ranks.keys():
        thin = _BOLD.sub(r"\1", name)
        rank = sum(shape_of(table, Tensor(name)))
        known = {thin, thin if set("^_") & set(thin) else thin.lower()} & indexed - table.tensors.keys() - table.scalars
        own = [part for part in parts if part.name in known]
        fits = all(len(part.indices) == rank and kinds_of(part.indices) == ("index",) * rank for part in own)
        numbered = letters(index for part in own for index in part.indices) & (table.samples | table.lexicon.samples)
        if len(known) > 1 and fits and name not in said:
            fault = f"{' and '.join(sorted(map(plain, known)))} could both be components of {name}"
            raise scope.fail(fault, own[0].at, "one of them, or a letter of its own for the other")
        if len(known) == 1 and fits and name not in said and not numbered:
            table.components.update((each, name) for each in known - table.tensors.keys() - table.scalars)

    def bold(part: Expression) -> Expression:
        if not isinstance(part, Tensor) or not part.indices:
            return part
        return replace(part, name=table.components.get(part.name, part.name))

    def renamed(chain: Chain) -> Chain:
        relations = tuple(replace(each, right=rebuilt(each.right, bold)) for each in chain.relations)
        return replace(chain, head=rebuilt(chain.head, bold), relations=relations)

    return [renamed(each) if isinstance(each, Chain) and table.components else each for each in entries]


def refuse_labels(chains: Sequence[Chain], table: SymbolTable, scope: Scope) -> None:
    r"""Refuse `z^{(1)}`, a name of its own, beside `z^{(i)}` whose i is an index, here or above on the page."""
    parts = [part for chain in chains for side in chain.sides for part in side.walk() if isinstance(part, Tensor)]
    indexed = {part.name for part in parts if part.indices} | table.ranks.keys()
    for name in (*(part.name for part in parts), *table.tensors):
        base, caret, _ = name.partition("^{(")
        if caret and base in indexed and table.lexicon.upper | table.lexicon.numbered:
            at = next((part.at for part in parts if part.name in (name, base)), (0, 0))
            fault = f"{plain(name)} is a name of its own, and {plain(base)} has an index in its place"
            raise scope.fail(fault, at, f"an index in both, {plain(base)}_1; or another name")
    names = [*(part.name for part in parts), *table.tensors]
    bold = {_BOLD.sub(r"\1", name): name for name in names if _BOLD.search(name)}
    for base, line, label in (name.partition("_") for name in names):
        name = base + line + label
        label = label.strip("{}")
        if line and label.isupper() and base in bold and sum(shape_of(table, Tensor(bold[base]))) == len(label):
            at = next((part.at for part in parts if part.name in (name, bold[base])), (0, 0))
            fault = f"{plain(name)} could be a component of {bold[base]}"
            raise scope.fail(fault, at, f"'% fixed {label}' for a component; another letter for a name of its own")


def _refuse_two_names(sides: Sequence[Expression], table: SymbolTable, scope: Scope) -> None:
    """Refuse a bold name beside components of the same letter in another style: a reader takes them for one."""
    parts = [part for side in sides for part in side.walk() if isinstance(part, Tensor)]
    indexed = {name for name, symbol in table.tensors.items() if symbol.kinds}
    indexed |= {part.name for part in parts if part.indices}
    for part in parts:
        if part.indices or part.name in table.aliases or not _BOLD.search(part.name):
            continue
        for other in indexed - {part.name}:
            if plain(other) == plain(part.name):
                expected = f"'% matrix {part.name} = {other}_{{ij}}', or one name for both"
                raise scope.fail(f"{other} with indices and {part.name} without are two names", part.at, expected)


def _refuse_styled(sides: Sequence[Expression], table: SymbolTable, scope: Scope) -> None:
    r"""Refuse `\mathsf{A}` and `\mathcal{A}`, but for the loss: inputs without indices, and matrices to a reader."""
    parts = [part for side in sides for part in side.walk()]
    scalars = {part.body.name for part in parts if isinstance(part, Partial) and isinstance(part.body, Tensor)}
    known = {*table.shapes, *table.tensors, *table.scalars, *scalars, *table.ranges}
    for part in parts[1:]:
        if isinstance(part, Tensor) and not part.indices and part.name not in known and _STYLED.fullmatch(part.name):
            expected = f"'% matrix {part.name}', or a small or italic letter for a number"
            raise scope.fail(f"nothing says if {part.name} is a matrix or a number", part.at, expected)


def _failing(sides: Sequence[Expression], table: SymbolTable, scope: Scope) -> Fail:
    r"""Return the errors about shapes: each asks if `\mathbf{x}_i` is a vector, where that is in the sides."""
    bold = [part for side in sides for part in side.walk() if isinstance(part, Tensor) and _BOLD.search(part.name)]
    single = [part.indices[0] for part in bold if len(part.indices) == 1]
    asked = [str(index) for index in single if isinstance(index, Index) and index.letter not in table.samples]
    question = f"'% samples {asked[0]}', if {asked[0]} numbers vectors; or " if asked else ""
    return lambda fault, at, expected: scope.fail(fault, at, question + expected)


def _refuse_unsized(sides: Sequence[Expression], lowered: Sequence[Expression], fail: Fail) -> None:
    r"""Refuse a sum over the components of ones or of an identity, as `\mathbf{1}^\top \mathbf{1}`, of any size."""
    parts = [part for side in lowered for part in side.walk()]
    sized = {index for part in parts if isinstance(part, Tensor) for index in part.own}
    deltas = [set(part.own) for part in parts if isinstance(part, Delta)]
    while joined := set().union(*(each for each in deltas if each & sized)) - sized:
        sized |= joined
    for side, found in zip(sides, lowered, strict=True):
        for part in found.walk():
            if isinstance(part, Summation) and any(isinstance(i, NewIndex) and i not in sized for i in part.indices):
                fault = f"nothing says how many components are summed in {side}"
                raise fail(fault, part.at, r"a letter for the number, or a tensor beside \mathbf{1} and \mathbf{I}")


def _widen(table: SymbolTable, head: Tensor, shape: Shape | None) -> None:
    """Let a new name stand for what has several indices along its rows or columns, as a Kronecker product."""
    own = shape_of(table, head)
    if shape is not None and max(shape) > 1 and tuple(map(bool, shape)) == tuple(map(bool, own)):
        table.shapes[head.name] = shape


def declare(step: Directive, table: SymbolTable, scope: Scope, tensor: Callable[[str], str]) -> None:
    """Apply a directive `matrix`, `vector` or `samples`; `tensor` finds the one of the text that a name means.

    Raises: NotationError, if it cannot be read.
    """
    left, equals, right = step.equation
    names = [canonical(name, table.lexicon) for name in ([left] if equals else step.names)]
    if not names or (equals and (step.word == "samples" or not right)):
        raise scope.fail(f"'% {step.word}' without a name", step.at, "one or more names")
    if step.word == "samples":
        table.samples |= set(names)
        return
    shape = MATRIX if step.word == "matrix" else COLUMN
    for number, name in enumerate(names):
        if set("_^") & set(name) and "{" not in name and name not in table.lexicon.names:
            fault = f"{name} with an index in '% {step.word}'"
            raise scope.fail(
                fault, step.at, "the name alone; '% samples i' if i numbers vectors, '% label t' if t is a step"
            )
        if name in table.tensors or name in table.scalars:
            raise scope.fail(f"{name} has a meaning already", step.at, "a new name, or % new")
        names[number] = tensor(name)
        table.shapes[names[number]] = shape
    if equals:
        table.aliases[names[0]] = _alias(step, right, shape, scope)


def _alias(step: Directive, text: str, shape: Shape, scope: Scope) -> tuple[Expression, Indices]:
    """Read the component that a name stands for, with the indices of its rows and columns."""
    try:
        found = parse_expression(text)
    except NotationError as error:
        raise scope.fail(
            f"{text}: {error.fault}", step.at, r"a component, as \frac{\partial l}{\partial y_{ij}}"
        ) from error
    own = component_indices(found)
    if len(set(own)) < len(own) or len(own) != sum(shape) or kinds_of(own) != ("index",) * len(own):
        raise scope.fail(f"{text} is no {step.word}", step.at, f"{sum(shape)} different indices")
    return found, own
