"""Equation -> the source text of its gradient, for torch, NumPy or JAX."""

from einsum_doc.derivatives import gradient
from einsum_doc.equation import ELLIPSIS, Equation, Role, Term, parse
from einsum_doc.errors import EquationError, chosen
from einsum_doc.notation.writing.lowering import in_ascii

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
        like = {"dtype": dldz.dtype, "device": dldz.device}
        delta_1 = torch.eye(x0.shape[1], **like)
        return torch.einsum("ik,jk,ia->iaj", dldz, x1.conj(), delta_1)

    No library can write a diagonal or a new label; so a repeated label of the gradient equation gets a
    Kronecker delta, and a new one a one-tensor, as further operands. The text is for operands of one dtype whose
    sizes are equal where their labels are, and whose ellipses have the same axes: it does not broadcast. JAX's
    gradient of a complex operand is the conjugate of torch's.
    Raises: EquationError, if there are more labels than the library has letters; ArgumentError, if there is no such
    library.
    """
    equation = parse(equation)
    importing, name = LIBRARIES[chosen(library, "library", LIBRARIES)]
    whole = gradient(equation, wrt)
    letters, spare = in_ascii(equation.labels)
    names = [f"x{number}" for number in range(len(equation.operands))]
    terms = ["".join(letters[label] for label in term) for term in whole.operands]
    conjugate = "" if library == "jax" else ".conj()"
    arguments = ["dldz", *(other + conjugate for number, other in enumerate(names) if number != wrt)]
    lines: list[str] = []
    output: list[str] = []
    for axis, label in enumerate(whole.output):
        letter = letters[label]
        if letter in output:
            fresh = next(spare, "")
            terms.append(letter + fresh)
            arguments.append(f"delta_{axis}")
            lines.append(f"delta_{axis} = {name}.eye({_size(wrt, whole.output, axis)}, **like)")
            letter = fresh
        elif Role.BROADCAST in whole.roles[label]:
            terms.append(letter)
            arguments.append(f"one_{axis}")
            lines.append(f"one_{axis} = {name}.ones({_size(wrt, whole.output, axis)}, **like)")
        output.append(letter)
    if not all([*letters.values(), *output]):
        raise EquationError("there are more labels than letters from A to z", text=equation.text)
    if lines:
        device = ', "device": dldz.device' if library == "torch" else ""
        lines.insert(0, f'like = {{"dtype": dldz.dtype{device}}}')
    if library == "numpy":
        # Without it NumPy multiplies everything at once, and refuses an ellipsis that is summed.
        arguments.append("optimize=True")
    call = f'{name}.einsum("{",".join(terms)}->{"".join(output)}", {", ".join(arguments)})'
    head = [f"def gradient_{wrt}(dldz, {', '.join(names)}):"]
    shared = sum(ELLIPSIS in term for term in equation.operands) > 1
    condition = " The ellipsis has the same axes in each operand." if shared else ""
    head.append(f'    """The gradient of x{wrt} in {equation}: {whole}.{condition}"""')
    return "\n".join([importing, "", "", *head, *(f"    {line}" for line in [*lines, f"return {call}"])])


def _size(wrt: int, term: Term, axis: int) -> str:
    """Return the expression for the size of an axis, or for the shape under the ellipsis."""
    if term[axis] == ELLIPSIS:
        after = len(term) - axis - 1
        return f"x{wrt}.shape[{axis}:x{wrt}.ndim - {after}]"
    place = axis - len(term) if ELLIPSIS in term[:axis] else axis
    return f"x{wrt}.shape[{place}]"
