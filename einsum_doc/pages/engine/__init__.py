"""Pages -> results: the processes that run pages, their order, their limits and their end."""
