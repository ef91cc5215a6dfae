"""A value or a result -> HTML, as the reader sees it."""
