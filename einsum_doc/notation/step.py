"""Step: one line of a derivation, as a frozen value."""

from __future__ import annotations

from dataclasses import dataclass

from einsum_doc.notation.expression import Expression


@dataclass(frozen=True)
class Step:
    """One line of a derivation.

    >>> from einsum_doc import derive
    >>> step = derive("ij,jk->ik", wrt=0).steps[0]
    >>> print(step.left, "=", step.right, "|", step.reason)
    z_{ik} = x_{ij} y_{jk} | Definition. $j$ is not on the left: it is summed.

    left: the side left of the `=`; None where the line continues the one before.
    right: the side right of it.
    rule: the rule that made the line: "definition", "constant factors", "product rule", "deltas", "chain rule",
    "substitution", "conjugate", "delta of i", "one-tensor of i", "surviving delta of i", "linearity", and last
    "gradient equation", "tangent equation" or "second derivative equation", and "matrix form" where there is one.
    reason: the reason why the line is true, in words; mathematics in it stands between dollars, in LaTeX.
    """

    left: Expression | None
    right: Expression
    rule: str
    reason: str
