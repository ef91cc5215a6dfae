"""Expressions and steps -> LaTeX, text and HTML; einsums -> code and words."""
