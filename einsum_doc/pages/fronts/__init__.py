"""The callers of a build: MkDocs, Zensical, the command line, pytest."""
