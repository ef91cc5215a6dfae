"""Equation -> the source text of its gradient, or of the equation and all its gradients, for torch, NumPy or JAX."""

from collections.abc import Mapping, Sequence

from einsum_doc.derivatives import gradient
from einsum_doc.equation import ELLIPSIS, Equation, Role, Term, parse
from einsum_doc.errors import EquationError, chosen
from einsum_doc.notation.expression import identifier
from einsum_doc.notation.writing.lowering import Lowering, in_ascii

LIBRARIES = {
    "torch": ("import torch", "torch"),
    "numpy": ("import numpy as np", "np"),
    "jax": ("import jax.numpy as jnp", "jnp"),
}
"""For each library its import, and the name that it is used by."""


def emit(equation: Equation | str, wrt: int, library: str = "torch") -> str:
    """Return the source text of a function that computes the gradient of operand `wrt`.

    >>> print(emit("iij,jk->ik", wrt=0))
    import torch
    <BLANKLINE>
    <BLANKLINE>
    def gradient_0(dldz, x0, x1):
        \"\"\"The gradient of x0 in iij,jk->ik: ik,jk->iij.\"\"\"
        delta_1 = torch.eye(x0.shape[1], dtype=dldz.dtype, device=dldz.device)
        return torch.einsum("ik,jk,ia->iaj", dldz, x1.conj(), delta_1)

    No library can write a diagonal or a new label; so a repeated label of the gradient equation gets a
    Kronecker delta, and a new one a one-tensor, as further operands. The text is for operands of one dtype whose
    sizes are equal where their labels are, and whose ellipses have the same axes: it does not broadcast. JAX's
    gradient of a complex operand is the conjugate of torch's.
    Raises: EquationError, if there are more labels than the library has letters; ArgumentError, if there is no such
    library.
    """
    equation = parse(equation)
    importing, _ = LIBRARIES[chosen(library, "library", LIBRARIES)]
    whole = gradient(equation, wrt)
    names = [f"x{number}" for number in range(len(equation.operands))]
    conjugate = "" if library == "jax" else ".conj()"
    arguments = ["dldz", *(other + conjugate for number, other in enumerate(names) if number != wrt)]
    sizes = [_size(names[wrt], whole.output, axis) for axis in range(len(whole.output))]
    factors, call = _call(whole, arguments, sizes, library)
    head = [f"def gradient_{wrt}(dldz, {', '.join(names)}):"]
    shared = sum(ELLIPSIS in term for term in equation.operands) > 1
    condition = " The ellipsis has the same axes in each operand." if shared else ""
    head.append(f'    """The gradient of x{wrt} in {equation}: {whole}.{condition}"""')
    return "\n".join([importing, "", "", *head, *(f"    {line}" for line in [*factors, f"return {call}"])])


def program(lowerings: Sequence[Lowering], library: str, sizes: Mapping[str, object]) -> str:
    """Return the source text that computes an einsum, and from the upstream gradient those that are lowered.

    sizes: of the labels; one that is only in the output has no other.
    Raises: as `emit`.
    """
    first = lowerings[0]
    equation = first.equation
    operands = list(map(identifier, first.names))
    held = {
        label: _size(name, term, axis)
        for name, term in zip(operands, equation.operands, strict=True)
        for axis, label in enumerate(term)
    }
    lengths = [str(held.get(label, sizes.get(label))) for label in equation.output]
    factors, call = _call(equation, operands, lengths, library)
    lines = [LIBRARIES[library][0], "", *factors, f"{identifier(first.output)} = {call}", ""]
    for lowering in lowerings:
        if library == "torch":
            lines.append(lowering.code)
            continue
        for number, (count, summand) in enumerate(lowering.multiples):
            name, own = operands[lowering.wrt[0]], summand.equation.output
            lengths = [_size(name, own, axis) for axis in range(len(own))]
            arguments = list(map(lowering.variable, summand.arguments))
            factors, call = _call(summand.equation, arguments, lengths, library)
            times = f"{count} * " if count > 1 else ""
            lines += [*factors, f"{lowering.target[0]} {'+=' if number else '='} {times}{call}"]
    return "\n".join(lines)


def _call(equation: Equation, arguments: Sequence[str], sizes: Sequence[str], library: str) -> tuple[list[str], str]:
    """Return a call of a library's einsum, and above it a line for each factor of its own.

    These are a Kronecker delta for a repeated label of the output, and a one-tensor for a new one.
    sizes: of the axes of the output, as text.
    """
    _, name = LIBRARIES[library]
    letters, spare = in_ascii(equation.labels)
    terms = ["".join(letters[label] for label in term) for term in equation.operands]
    like = f"dtype={arguments[0]}.dtype"
    if library == "torch":
        like += f", device={arguments[0]}.device"
    arguments = list(arguments)
    lines: list[str] = []
    output: list[str] = []
    for axis, label in enumerate(equation.output):
        letter = letters[label]
        if letter in output:
            fresh = next(spare, "")
            terms.append(letter + fresh)
            arguments.append(f"delta_{axis}")
            lines.append(f"delta_{axis} = {name}.eye({sizes[axis]}, {like})")
            letter = fresh
        elif Role.BROADCAST in equation.roles[label]:
            terms.append(letter)
            arguments.append(f"one_{axis}")
            lines.append(f"one_{axis} = {name}.ones({sizes[axis]}, {like})")
        output.append(letter)
    if not all([*letters.values(), *output]):
        raise EquationError("there are more labels than letters from A to z", text=equation.text)
    if library == "numpy":
        # Without it NumPy multiplies everything at once, and refuses an ellipsis that is summed.
        arguments.append("optimize=True")
    return lines, f'{name}.einsum("{",".join(terms)}->{"".join(output)}", {", ".join(arguments)})'


def _size(name: str, term: Term, axis: int) -> str:
    """Return the expression for the size of an axis of a tensor, or for the shape under its ellipsis."""
    if term[axis] == ELLIPSIS:
        after = len(term) - axis - 1
        return f"{name}.shape[{axis}:{name}.ndim - {after}]"
    place = axis - len(term) if ELLIPSIS in term[:axis] else axis
    return f"{name}.shape[{place}]"
