"""Matrix notation: its expressions, their shapes, and the same in components."""
