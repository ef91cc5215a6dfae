"""Results kept on disk, and given back if nothing that they depended on has changed."""
