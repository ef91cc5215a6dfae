"""LaTeX -> expressions: tokens, rows and terms, implied sums and ranges."""
