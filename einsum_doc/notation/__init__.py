"""Index notation: read, derived, written and drawn. Pure Python on the standard library."""
