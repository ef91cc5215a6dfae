"""The callers of a build: MkDocs, Zensical, the command line, pytest; and the functions that downloaded pages call."""
