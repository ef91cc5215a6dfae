"""Values that cross processes and the cache: blocks, results, failures. The standard library only."""
