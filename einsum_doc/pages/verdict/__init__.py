"""Results -> what counts, and what is said of it."""
