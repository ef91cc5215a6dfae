"""A page is compared with what it expects while it runs, and stops at the first difference."""

from __future__ import annotations

import re

from ..conftest import Build

BLOCK = '```python exec="on"\n{}\n```\n\n'
EXPECTED = "```expected\n{}\n```\n\n"
LATER = "import threading\nthreading.Timer(0.3, print, ['late']).start()"
PAGES = {
    "index": BLOCK.format(f"{LATER}\nprint('early')") + EXPECTED.format("early\nlate"),
    "late": BLOCK.format(f"{LATER}\nprint('early')") + EXPECTED.format("early"),
    "stops": BLOCK.format("print(1)") + EXPECTED.format("2") + BLOCK.format("open('ran', 'w').close()"),
}


def test_a_page_stops_where_its_output_differs(build: Build) -> None:
    built = build(PAGES)
    assert built.status == 1
    assert "docs/stops.md:5: OutputError: the output is not what is expected\n  - 2\n  + 1\n" in built.console
    assert "1 later block of the page not run" in built.console
    assert not (built.site.parent / "ran").exists()
    assert "docs/late.md:7: OutputError: the output is not what is expected\n    early\n  + late\n" in built.console
    assert not re.search(r"docs/index\.md:\d", built.console)
    assert "3 pages, 4 blocks, 0 assertions held, 2 failures, 1 not run" in built.console
    assert "are not kept" not in built.console
