"""A block -> its result, in the page's own process."""
