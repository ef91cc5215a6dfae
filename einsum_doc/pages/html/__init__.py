"""A value or a result -> HTML."""
