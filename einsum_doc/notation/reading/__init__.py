"""LaTeX -> expressions: their tokens, rows and terms, and the sums and indices that an author leaves out."""
