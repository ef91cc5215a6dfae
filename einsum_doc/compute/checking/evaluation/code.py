"""Tensors given by code -> their values, the scale of these, and whether autograd can be trusted with the code."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor as Array
from torch.linalg import LinAlgError  # type: ignore[attr-defined]

from einsum_doc.compute.checking.evaluation.arithmetic import STEEPEST, Random
from einsum_doc.compute.checking.evaluation.arrays import largest
from einsum_doc.compute.checking.instances import Formula, UncheckableError, UnluckyError
from einsum_doc.notation.expression import plain
from einsum_doc.notation.matrices.components import OfMatrix
from einsum_doc.notation.symbols.table import Code

CHANGE = 1e-8
"""The relative change of its arguments by which the sensitivity of code is measured."""

STEP = 1e-6
"""The relative change of its arguments by which the derivative of code is compared with autograd's."""

FOLLOWS = 1e-4
"""The part of the sensitivity of code by which the two may differ."""


def _by_code(code: Code, values: Mapping[str, Array]) -> Array:
    """Return the value of code from those of its arguments."""
    own = {
        used: _by_code(code.parts[name], values) if name in code.parts else values[name]
        for name, used in code.variables.items()
    }
    result = torch.as_tensor(eval(code.compiled, {"torch": torch, **code.namespace, **own}))
    if result.is_complex():
        raise TypeError("complex numbers cannot be compared here")
    return result.to(torch.float64)


SINGULAR = 1e10
"""The condition number from which a matrix is taken for singular, as that of XᵀX where X has more columns than rows."""

_OF_MATRICES: Mapping[str, Callable[[Array], Array]] = {
    "inv": torch.linalg.inv,
    "det": torch.linalg.det,
    "logdet": lambda matrix: torch.linalg.slogdet(matrix)[1],
}


def _of_matrix(found: OfMatrix, array: Array) -> Array:
    """Return the inverse of each of some matrices, its determinant, or the logarithm of that."""
    open_ = array.shape[: len(found.open)]
    size = math.isqrt(math.prod(array.shape[len(open_) :]))
    matrix = array.reshape(*open_, size, size)
    if found.function != "det" and bool((torch.linalg.cond(matrix.detach()) > SINGULAR).any()):
        raise UnluckyError(f"{plain(found.argument.name)} is singular", 1.0)
    result = _OF_MATRICES[found.function](matrix)
    return result.reshape(array.shape) if found.function == "inv" else result


def _weighted(name: str, argument: str, value: Array) -> tuple[Array, Array]:
    """Return an argument of an arbitrary function, with random weights that belong to these names."""
    generator = torch.Generator().manual_seed(zlib.crc32(f"{name} {argument}".encode()))
    return value, torch.rand((3, *value.shape), generator=generator, dtype=torch.float64) - 0.5


def smooth(weighted: Iterable[tuple[Array, Array]]) -> Array:
    """Return a smooth function of tensors in which every component meets every other.

    weighted: the tensors, each with three weights for each component.
    """
    linear = crossed = torch.zeros((), dtype=torch.float64)
    for value, (first, second, third) in weighted:
        linear = linear + (first * value).sum() + (third * torch.sin(value)).sum()
        crossed = crossed + (second * value).sum()
    return linear + crossed * crossed / 4


def run(formula: Formula, arguments: Mapping[str, Array]) -> Array:
    """Return the value of code; it gets copies, so that it may write into them.

    Raises: UncheckableError, from the error that the code raises; UnluckyError, if it is about a matrix's numbers.
    """
    values = {name: array.clone() for name, array in arguments.items()}
    try:
        if isinstance(formula.code, Code):
            return _by_code(formula.code, values)
        if formula.code is not None:
            return _of_matrix(formula.code, values[formula.code.argument.name])
        return smooth(_weighted(formula.name, name, value) for name, value in values.items())
    except UnluckyError:
        raise
    except (Exception, SystemExit) as error:
        kind = UnluckyError if isinstance(error, LinAlgError) else UncheckableError
        first = str(error).partition("\n")[0]
        raise kind(f"the code of {plain(formula.name)} raised {type(error).__name__}: {first}") from error


def sensitivity(formula: Formula, value: Array, arguments: Mapping[str, Array], random: Random) -> Array:
    """Return the scale of the value of code: its size, or the factor by which it enlarges a change of its arguments.

    Raises: UnluckyError, if it enlarges rounding too much, as the inverse of an almost singular matrix.
    """
    found = largest(value)
    for number in range(2 if arguments else 0):
        changed = _perturbed(arguments, number, CHANGE, random)
        found = max(found, largest(run(formula, changed) - value) / CHANGE)
    if not found <= STEEPEST * max(largest(value), 1.0):
        raise UnluckyError(f"the code of {plain(formula.name)} enlarges rounding too much for float64")
    return torch.tensor(found, dtype=torch.float64).expand(value.shape)


def _perturbed(arguments: Mapping[str, Array], number: int, step: float, random: Random) -> dict[str, Array]:
    """Return arguments with a random relative change, of about the size of the step, in each component."""
    return {
        name: array * (1 + step * random(f"change {name} {number}", array.shape)) for name, array in arguments.items()
    }


def follow(
    formula: Formula, arguments: Mapping[str, Array], order: int, scale: Array, condition: float, random: Random
) -> bool:
    """Refuse code whose derivative by autograd is not that of its values, as with `detach` in it.

    order: of the derivative. scale: that of its value. condition: the factor by which it enlarges rounding.
    Returns whether the code could be differentiated so often. Raises: UncheckableError.
    """
    weights = random(f"weights {formula.name}", scale.shape)
    directions = {name: random(f"direction {name}", array.shape) for name, array in arguments.items()}

    def level(variables: Mapping[str, Array]) -> tuple[Array, Array]:
        """Return a weighted sum of all values of the code, or of all its slopes, and its scale."""
        total = (weights * run(formula, variables)).sum()
        size = (weights.abs() * scale).sum()
        for _ in range(order - 1):
            parts = [directions[name] * slope for name, slope in _slopes(total, variables, again=True).items()]
            total = torch.stack([part.sum() for part in parts]).sum() if parts else torch.zeros(())
            # The scale of the values stays in it: slopes may cancel, and leave only their rounding.
            size = size + sum(part.abs().sum() for part in parts) * condition
        return total, size

    with torch.enable_grad():
        here, up, down = (
            {name: array.requires_grad_() for name, array in _perturbed(arguments, 0, step, random).items()}
            for step in (0.0, STEP, -STEP)
        )
        try:
            now, size = level(here)
            said = _slopes(now, here)
            change = float((level(up)[0] - level(down)[0]).detach())
        except RuntimeError:  # no further derivative: it is refused where a claim needs it
            if order > 1:
                return False
            raise
    told = sum(float((slope * (up[name] - down[name]).detach()).sum()) for name, slope in said.items())
    if not abs(change - told) <= FOLLOWS * STEP * float(size.detach()):
        raise UncheckableError(f"the code of {plain(formula.name)} has another derivative than autograd finds in it")
    return True


def _slopes(total: Array, variables: Mapping[str, Array], *, again: bool = False) -> dict[str, Array]:
    """Return the derivatives of a number by the variables that it depends on; to be differentiated again, or not."""
    if not total.requires_grad:
        return {}
    found = torch.autograd.grad(total, list(variables.values()), allow_unused=True, create_graph=again)
    return {name: slope for name, slope in zip(variables, found, strict=True) if slope is not None}
