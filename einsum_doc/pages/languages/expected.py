"""`expected`: the output that the block before it must have."""

from __future__ import annotations

from einsum_doc.pages.reading.fence import matching
from einsum_doc.pages.reading.language import Language

_NUMBER = matching(r"\d+(\.\d*)?([eE][-+]?\d+)?", 'a number, as in "1e-3"')

LANGUAGES = (Language("expected", {"tolerance": _NUMBER}, ours=True, role="expect"),)
