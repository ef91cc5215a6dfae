"""`python -m einsum_doc.pages.expected`: rewrite the `expected` fences that are not met."""

import sys

from einsum_doc.pages.verdict.rewriting import main

if __name__ == "__main__":
    sys.exit(main())
