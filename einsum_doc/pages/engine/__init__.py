"""Pages -> results: the processes that run them, their order, limits and end."""
