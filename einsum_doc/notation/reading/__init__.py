"""LaTeX -> expressions, with what an author leaves out put back."""
