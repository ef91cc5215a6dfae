"""A Markdown page -> its verified HTML."""
