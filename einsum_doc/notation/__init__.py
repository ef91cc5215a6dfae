"""Index notation: reading, deriving, writing and drawing it. Pure Python on the standard library."""
