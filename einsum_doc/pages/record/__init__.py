"""Values that cross processes and the cache: blocks, results, failures, messages. The standard library only."""
