"""A page's text -> its blocks, each with its place in the author's file."""
