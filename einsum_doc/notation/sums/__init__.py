"""The sums of index notation: those that are implied, and those over any number of indices."""
