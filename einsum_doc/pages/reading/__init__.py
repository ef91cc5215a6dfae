"""A page's text -> its blocks, each with its number and its location in the author's file."""
