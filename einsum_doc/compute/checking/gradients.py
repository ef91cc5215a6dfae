"""An Equation + sizes -> a Check, against autograd."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape

import torch
from torch import Tensor

from einsum_doc.compute.contraction.binding import Binding, Sizes, bind, shapes_from
from einsum_doc.compute.contraction.pairwise import torch_einsum, torch_takes
from einsum_doc.compute.contraction.public import einsum, hvp, jvp, vjp
from einsum_doc.derivatives import gradient
from einsum_doc.equation import Equation, parse
from einsum_doc.errors import ArgumentError, shown, whole

TOLERANCE = 1e-10
"""The largest error that holds. Sums of float64 numbers of size 1 stay orders of magnitude below it."""


@dataclass(frozen=True)
class Row:
    """One claim that was checked.

    >>> check("i->", {"i": 3}).rows[-1]
    Row(claim='gradcheck   finite differences', held=True, error=None)

    claim: the claim in words; held: its outcome; error: the largest difference, if it was checked by one.
    """

    claim: str
    held: bool
    error: float | None


@dataclass(frozen=True)
class Check:
    """The outcome of `check`: true if every claim held; `str()` is a small table.

    >>> found = check("ij,jk->ik", {"i": 2, "j": 3, "k": 4})
    >>> bool(found), found.equation, found.sizes, [row.held for row in found.rows]
    (True, 'ij,jk->ik', {'i': 2, 'j': 3, 'k': 4}, [True, True, True, True, True, True])

    equation: its canonical text.
    sizes: of each of its labels.
    dtype: of the operands.
    rows: the claims.
    """

    equation: str
    sizes: Mapping[str, int]
    dtype: str
    rows: tuple[Row, ...]

    def __bool__(self) -> bool:
        return all(row.held for row in self.rows)

    @property
    def max_error(self) -> float:
        """The largest error of all claims."""
        return max((row.error for row in self.rows if row.error is not None), default=0.0)

    def _repr_html_(self) -> str:
        head = f"<th><code>{escape(self.equation)}</code></th><th>error</th><th>{escape(self._conditions)}</th>"
        rows = "".join(
            f"<tr><td>{escape(row.claim)}</td><td>{'' if row.error is None else f'{row.error:.1e}'}</td>"
            f"<td>{'held' if row.held else 'BROKEN'}</td></tr>"
            for row in self.rows
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"

    @property
    def _conditions(self) -> str:
        sizes = " ".join(f"{label}={size}" for label, size in self.sizes.items())
        return "  ".join(part for part in (sizes, self.dtype) if part)

    def __str__(self) -> str:
        width = max(len(row.claim) for row in self.rows)
        lines = ["  ".join(part for part in (self.equation, self._conditions) if part)]
        for row in self.rows:
            error = "       " if row.error is None else f"{row.error:.1e}"
            lines.append(f"  {row.claim:<{width}}  {error}  {'held' if row.held else 'BROKEN'}")
        return "\n".join(lines)


def check(
    equation: Equation | str,
    sizes: Sizes | Sequence[Sequence[int]],
    *,
    dtype: torch.dtype = torch.float64,
    seed: int = 0,
) -> Check:
    """Check an einsum and its gradients against autograd of `torch.einsum`, on random numbers.

    >>> bool(check("ijk,ip->jkp", {"i": 4, "j": 3, "k": 2, "p": 5}))
    True
    >>> check("ij,ij->j", [(10, 2), (1, 2)]).max_error < 1e-12
    True

    It checks the output; each gradient; the Hessian of ⟨dldz, z⟩ times random v; the adjoint identity, that the
    derivative J and the gradient are transposes: ⟨dldz, J v⟩ = ⟨Jᵀ dldz, v⟩; and finite differences, by
    `torch.autograd.gradcheck`. torch cannot run an output with repeated or new labels: it gets Kronecker
    deltas and one-tensors for them.

    sizes: of each label, or the shapes of the operands and then, if it has new labels, of the output.
    dtype: float64 or complex128.
    Error: the largest difference, relative to the largest number where that is above 1.
    Raises: as `einsum`; OperandError, if a label has no size; ArgumentError, for another dtype.
    """
    equation = parse(equation)
    if dtype not in (torch.float64, torch.complex128):
        raise ArgumentError(f"errors are told from rounding in float64 and complex128, not in {shown(dtype)}")
    shapes, new = shapes_from(equation, sizes)
    binding = bind(equation, shapes, new)
    generator = torch.Generator("cpu").manual_seed(whole(seed, "seed is"))

    def random(shape: Sequence[int]) -> Tensor:
        drawn = torch.randn(tuple(shape), dtype=dtype, generator=generator, device="cpu")
        return drawn.to(torch.get_default_device())  # from the CPU: the numbers are the same on every device

    operands = [random(shape).requires_grad_() for shape in shapes]
    dldz = random(binding.output_shape)
    reference = _reference(equation, binding, operands)
    expected = torch.autograd.grad(reference, operands, dldz, create_graph=True)
    run = partial(einsum, str(equation), sizes=new)
    output = run(*operands)
    learned = torch.autograd.grad(output, operands, dldz, create_graph=True)

    rows = [_row(f"output      {equation}", _error(output, reference))]
    for number, (ours, own, theirs) in enumerate(zip(vjp(equation, operands, dldz), learned, expected, strict=True)):
        error = max(_error(ours, theirs), _error(own, theirs))
        rows.append(_row(f"gradient {number}  {gradient(equation, number)}", error))
    fixed = [operand.detach() for operand in operands]
    tangents = [random(shape) for shape in shapes]
    moved = _hessian_product(expected, operands, tangents)
    found = (hvp(equation, fixed, dldz, tangents), _hessian_product(learned, operands, tangents))
    error = max(_error(own, other) for ours in found for own, other in zip(ours, moved, strict=True))
    rows.append(_row("second      ∂⟨Jᵀdldz, v⟩ = Hv", error))
    forward = _inner(dldz, jvp(equation, fixed, tangents, sizes=new))
    backward = sum(map(_inner, vjp(equation, fixed, dldz), tangents))
    error = abs(forward - backward) / max(1.0, abs(forward))
    rows.append(_row("adjoint     ⟨dldz, Jv⟩ = ⟨Jᵀdldz, v⟩", error))
    held = torch.autograd.gradcheck(run, tuple(operands), fast_mode=True, raise_exception=False)
    rows.append(Row("gradcheck   finite differences", bool(held), None))
    return Check(str(equation), binding.sizes, str(dtype).removeprefix("torch."), tuple(rows))


def _reference(equation: Equation, binding: Binding, operands: Sequence[Tensor]) -> Tensor:
    """Return the output by `torch.einsum`."""
    if torch_takes(equation) and binding.sizes.keys() == set().union(*binding.operands):
        result: Tensor = torch_einsum(str(equation), *operands)
        return result
    return _with_deltas(binding, operands)


def _with_deltas(binding: Binding, operands: Sequence[Tensor]) -> Tensor:
    """Return the output by `torch.einsum`: a repeated label by a Kronecker delta, a new one by a one-tensor."""
    numbers = {label: number for number, label in enumerate(binding.sizes)}
    arguments: list[Tensor | list[int]] = []
    for operand, term in zip(operands, binding.operands, strict=True):
        arguments += [operand, [numbers[label] for label in term]]
    like = operands[0].detach()
    output: list[int] = []
    fresh = len(numbers)
    for label in binding.output:
        size, number = binding.sizes[label], numbers[label]
        if number in output:
            arguments += [torch.eye(size, dtype=like.dtype), [number, fresh]]
            output.append(fresh)
            fresh += 1
        else:
            arguments += [torch.ones(size, dtype=like.dtype), [number]]
            output.append(number)
    result: Tensor = torch_einsum(*arguments, output)
    return result


def _row(claim: str, error: float) -> Row:
    return Row(claim, error <= TOLERANCE, error)


def _error(ours: Tensor, theirs: Tensor) -> float:
    if ours.shape != theirs.shape:
        return float("inf")
    if ours.numel() == 0:
        return 0.0
    scale = max(1.0, theirs.abs().max().item())
    return float((ours - theirs).abs().max().item() / scale)


def _hessian_product(
    gradients: Sequence[Tensor], operands: Sequence[Tensor], tangents: Sequence[Tensor]
) -> Sequence[Tensor]:
    """Return the Hessian times a vector, by a second backward pass: it is symmetric, so that Hv = Hᵀv."""
    moving = [pair for pair in zip(gradients, tangents, strict=True) if pair[0].requires_grad]
    if not moving:
        return [torch.zeros_like(operand) for operand in operands]
    first, along = zip(*moving, strict=True)
    return torch.autograd.grad(first, operands, along, materialize_grads=True)


def _inner(left: Tensor, right: Tensor) -> float:
    """Return the real inner product: torch's gradient of a complex operand is the gradient for this one."""
    return float((left.conj() * right).sum().real.item())
