"""The gradient of any einsum: as an einsum, as a derivation, and as fast PyTorch.

Importing this package loads neither torch nor mkdocs: a name is imported when it is first used.
"""

import ast
from importlib import import_module
from pkgutil import get_data
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from einsum_doc.compute.checking.derivation import verify as verify
    from einsum_doc.compute.checking.gradients import Check as Check
    from einsum_doc.compute.checking.gradients import Row as Row
    from einsum_doc.compute.checking.gradients import check as check
    from einsum_doc.compute.contraction.cost import Cost as Cost
    from einsum_doc.compute.contraction.cost import Work as Work
    from einsum_doc.compute.contraction.cost import cost as cost
    from einsum_doc.compute.contraction.public import einsum as einsum
    from einsum_doc.compute.contraction.public import hvp as hvp
    from einsum_doc.compute.contraction.public import jvp as jvp
    from einsum_doc.compute.contraction.public import vjp as vjp
    from einsum_doc.derivatives import Summand as Summand
    from einsum_doc.derivatives import gradient as gradient
    from einsum_doc.derivatives import second_derivative as second_derivative
    from einsum_doc.derivatives import shared_gradient as shared_gradient
    from einsum_doc.derivatives import tangent as tangent
    from einsum_doc.equation import Equation as Equation
    from einsum_doc.equation import Role as Role
    from einsum_doc.equation import from_sublists as from_sublists
    from einsum_doc.equation import parse as parse
    from einsum_doc.errors import ArgumentError as ArgumentError
    from einsum_doc.errors import EinsumError as EinsumError
    from einsum_doc.errors import EquationError as EquationError
    from einsum_doc.errors import NotationError as NotationError
    from einsum_doc.errors import OperandError as OperandError
    from einsum_doc.notation.deriving.derivation import Derivation as Derivation
    from einsum_doc.notation.deriving.derive import derive as derive
    from einsum_doc.notation.statements.statements import prove as prove
    from einsum_doc.notation.step import Step as Step
    from einsum_doc.notation.writing.emit import emit as emit

# Only type checkers execute the imports above; at run time they are read, to say where each public name is defined.
_MODULES = {
    alias.name: node.module
    for node in ast.walk(ast.parse(get_data(__name__, "__init__.py") or b""))
    if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("einsum_doc.")
    for alias in node.names
}
__all__ = sorted(_MODULES)


def __getattr__(name: str) -> Any:
    """Import a public name from its module, the first time that it is used.

    Raises: ModuleNotFoundError, if it needs PyTorch, which is not installed.
    """
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = import_module(_MODULES[name])
    except ModuleNotFoundError as missing:
        if missing.name != "torch":
            raise
        message = f"{__name__}.{name} needs PyTorch: pip install 'einsum-doc[torch]'"
        raise ModuleNotFoundError(message, name="torch") from None
    return getattr(module, name)


def __dir__() -> list[str]:
    """Return the public names, for tab completion."""
    return __all__
