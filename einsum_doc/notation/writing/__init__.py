"""Expressions and derivations -> LaTeX, text, HTML and code."""
