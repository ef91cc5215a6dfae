"""The gradient of any einsum: as an einsum, as a derivation, and as fast PyTorch.

Importing this package loads neither torch nor mkdocs: a name is imported when it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from einsum_doc.compute.cost import Cost as Cost
    from einsum_doc.compute.cost import Work as Work
    from einsum_doc.compute.cost import cost as cost
    from einsum_doc.compute.derivation import verify as verify
    from einsum_doc.compute.einsum import einsum as einsum
    from einsum_doc.compute.einsum import hvp as hvp
    from einsum_doc.compute.einsum import jvp as jvp
    from einsum_doc.compute.einsum import vjp as vjp
    from einsum_doc.compute.emit import emit as emit
    from einsum_doc.compute.verify import Check as Check
    from einsum_doc.compute.verify import Row as Row
    from einsum_doc.compute.verify import check as check
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
    from einsum_doc.notation.derive import Derivation as Derivation
    from einsum_doc.notation.derive import Step as Step
    from einsum_doc.notation.derive import derive as derive

_HOME = {
    "Check": "einsum_doc.compute.verify",
    "Cost": "einsum_doc.compute.cost",
    "Derivation": "einsum_doc.notation.derive",
    "EinsumError": "einsum_doc.errors",
    "Equation": "einsum_doc.equation",
    "EquationError": "einsum_doc.errors",
    "NotationError": "einsum_doc.errors",
    "OperandError": "einsum_doc.errors",
    "Role": "einsum_doc.equation",
    "Row": "einsum_doc.compute.verify",
    "Step": "einsum_doc.notation.derive",
    "Summand": "einsum_doc.derivatives",
    "Work": "einsum_doc.compute.cost",
    "check": "einsum_doc.compute.verify",
    "cost": "einsum_doc.compute.cost",
    "derive": "einsum_doc.notation.derive",
    "einsum": "einsum_doc.compute.einsum",
    "emit": "einsum_doc.compute.emit",
    "from_sublists": "einsum_doc.equation",
    "gradient": "einsum_doc.derivatives",
    "hvp": "einsum_doc.compute.einsum",
    "jvp": "einsum_doc.compute.einsum",
    "parse": "einsum_doc.equation",
    "second_derivative": "einsum_doc.derivatives",
    "shared_gradient": "einsum_doc.derivatives",
    "tangent": "einsum_doc.derivatives",
    "verify": "einsum_doc.compute.derivation",
    "vjp": "einsum_doc.compute.einsum",
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
