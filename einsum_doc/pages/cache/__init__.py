"""Results kept on disk, and returned only if no dependency has changed."""
