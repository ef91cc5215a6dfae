"""The functions of the einsum library whose calls count as assertions."""

ASSERTING = {
    "einsum_doc.compute.checking.gradients": "check",
    "einsum_doc.compute.checking.derivation": "verify",
}
"""Their modules, and their names."""
