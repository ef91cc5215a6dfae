"""The gradient of any einsum: as an einsum, as a derivation, and as fast PyTorch.

Importing this package loads neither torch nor mkdocs: a name is imported when it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from einsum_doc.compute.checking.derivation import verify as verify
    from einsum_doc.compute.checking.gradients import Check as Check
    from einsum_doc.compute.checking.gradients import Row as Row
    from einsum_doc.compute.checking.gradients import check as check
    from einsum_doc.compute.contraction.cost import Cost as Cost
    from einsum_doc.compute.contraction.cost import Work as Work
    from einsum_doc.compute.contraction.cost import cost as cost
    from einsum_doc.compute.contraction.differentiable import einsum as einsum
    from einsum_doc.compute.contraction.differentiable import hvp as hvp
    from einsum_doc.compute.contraction.differentiable import jvp as jvp
    from einsum_doc.compute.contraction.differentiable import vjp as vjp
    from einsum_doc.derivatives import Summand as Summand
    from einsum_doc.derivatives import gradient as gradient
    from einsum_doc.derivatives import second_derivative as second_derivative
    from einsum_doc.derivatives import shared_gradient as shared_gradient
    from einsum_doc.derivatives import tangent as tangent
    from einsum_doc.equation import Equation as Equation
    from einsum_doc.equation import Role as Role
    from einsum_doc.equation import from_sublists as from_sublists
    from einsum_doc.equation import parse as parse
    from einsum_doc.errors import EinsumError as EinsumError
    from einsum_doc.errors import EquationError as EquationError
    from einsum_doc.errors import NotationError as NotationError
    from einsum_doc.errors import OperandError as OperandError
    from einsum_doc.notation.deriving.derivation import Derivation as Derivation
    from einsum_doc.notation.deriving.derive import derive as derive
    from einsum_doc.notation.step import Step as Step
    from einsum_doc.notation.writing.emit import emit as emit

_HOME = {
    "Check": "einsum_doc.compute.checking.gradients",
    "Cost": "einsum_doc.compute.contraction.cost",
    "Derivation": "einsum_doc.notation.deriving.derivation",
    "EinsumError": "einsum_doc.errors",
    "Equation": "einsum_doc.equation",
    "EquationError": "einsum_doc.errors",
    "NotationError": "einsum_doc.errors",
    "OperandError": "einsum_doc.errors",
    "Role": "einsum_doc.equation",
    "Row": "einsum_doc.compute.checking.gradients",
    "Step": "einsum_doc.notation.step",
    "Summand": "einsum_doc.derivatives",
    "Work": "einsum_doc.compute.contraction.cost",
    "check": "einsum_doc.compute.checking.gradients",
    "cost": "einsum_doc.compute.contraction.cost",
    "derive": "einsum_doc.notation.deriving.derive",
    "einsum": "einsum_doc.compute.contraction.differentiable",
    "emit": "einsum_doc.notation.writing.emit",
    "from_sublists": "einsum_doc.equation",
    "gradient": "einsum_doc.derivatives",
    "hvp": "einsum_doc.compute.contraction.differentiable",
    "jvp": "einsum_doc.compute.contraction.differentiable",
    "parse": "einsum_doc.equation",
    "second_derivative": "einsum_doc.derivatives",
    "shared_gradient": "einsum_doc.derivatives",
    "tangent": "einsum_doc.derivatives",
    "verify": "einsum_doc.compute.checking.derivation",
    "vjp": "einsum_doc.compute.contraction.differentiable",
}
__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    """Import a public name from its home, the first time that it is asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    """The public names, for tab completion."""
    return sorted(_HOME)
