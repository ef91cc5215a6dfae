"""The derivations of the tests and of the site, for what changes them and for benchmarks."""

from __future__ import annotations

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[3]


def pages() -> dict[str, list[str]]:
    """Every derivation of the tests and the site: the texts of each page."""
    folder = ROOT / "tests" / "derivations"
    found = {path.stem: [path.read_text("utf-8")] for path in sorted(folder.glob("*.tex"))}
    field = json.loads((folder / "of_the_field.json").read_text("utf-8"))
    found |= {f"field: {case['name']}": [case["rewritten"]] for case in field if case["rewritten"]}
    published = json.loads((folder / "published.json").read_text("utf-8"))
    found |= {f"published: {case['name']}": [case["added"] + case["literal"]] for case in published}
    for path in sorted((ROOT / "docs").rglob("*.md")):
        page = path.read_text("utf-8")
        left_out = r"^(````+)python.*?^\1$|^```md\n.*?^```$|^\$\$[^$]*\\approx[^$]*\$\$$"
        page = re.sub(left_out, "", page, flags=re.MULTILINE | re.DOTALL)
        display = r"|^\$\$\n(.*?)^\$\$" if "\nchecked: display\n" in page else ""
        found_in_page = re.finditer(r"^```derivation[^\n]*\n(.*?)^```" + display, page, re.MULTILINE | re.DOTALL)
        fences = [next(filter(None, match.groups())) for match in found_in_page]
        if fences:
            found[str(path.relative_to(ROOT))] = fences
    return found


def texts() -> dict[str, str]:
    """The same by name, each as one text: the fences of a page are joined, up to the next `% new`."""
    found: dict[str, str] = {}
    for page, fences in pages().items():
        if not page.startswith("docs/"):
            (found[page],) = fences
            continue
        number = 0
        for fence in fences:
            number += "% new" in fence
            name = f"{page} {number}"
            found[name] = found.get(name, "") + fence.rstrip().removesuffix("\\\\") + "\\\\\n"
    return found
