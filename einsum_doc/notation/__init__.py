"""Index notation, as the posts write it: LaTeX in, expressions out. Pure Python on the standard library."""
