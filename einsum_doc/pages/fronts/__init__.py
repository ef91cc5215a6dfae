"""Who asks for a build: MkDocs, Zensical, the command line, pytest."""
