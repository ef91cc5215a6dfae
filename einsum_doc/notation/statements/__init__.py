"""The lines of a derivation -> the statements that they make, and which of these are proved or false."""
