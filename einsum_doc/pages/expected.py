"""`python -m einsum_doc.pages.expected`: rewrite the `expected` fences that are not met."""

import os
import subprocess
import sys
import tempfile

from einsum_doc.pages.verdict.expected import REWRITE


def main() -> int:
    """Build the site here and rewrite its `expected` fences; return the exit status.

    It takes the options of `mkdocs build`. The site itself goes to a temporary folder.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "mkdocs", "build", "--quiet", *sys.argv[1:], "--site-dir", folder]
        return subprocess.run(command, env={**os.environ, REWRITE: folder}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
