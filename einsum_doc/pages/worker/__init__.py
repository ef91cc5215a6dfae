"""A block -> its result, in the process of its page."""
