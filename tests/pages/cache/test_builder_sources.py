"""The builder knows its own files, in whatever folder they are: each of these would be a silent false pass."""

from __future__ import annotations

import importlib
import re
import shutil
from pathlib import Path

import pytest

import einsum_doc
from einsum_doc.pages.cache.snapshot import MACHINE, builder_digest
from einsum_doc.pages.record.block import Block, Location
from einsum_doc.pages.worker import failures
from einsum_doc.pages.worker.assertions import ASSERTING

BUILDER = Path(einsum_doc.__file__).parent / "pages"
SOURCES = sorted(path.relative_to(BUILDER).as_posix() for path in BUILDER.rglob("*.py"))


def test_the_cache_signs_the_builder_as_it_is() -> None:
    assert MACHINE["builder"] == builder_digest(BUILDER)


def test_an_edit_to_any_source_of_the_builder_leaves_no_result_valid(tmp_path: Path) -> None:
    assert any("/" in source for source in SOURCES)
    copy = tmp_path / "pages"
    shutil.copytree(BUILDER, copy)
    seen = {builder_digest(copy)}
    for source in SOURCES:
        with (copy / source).open("a") as file:
            file.write("# edited\n")
        seen.add(builder_digest(copy))
    assert len(seen) == len(SOURCES) + 1


@pytest.mark.parametrize("source", SOURCES)
def test_no_failure_shows_a_frame_of_the_builder(source: str, tmp_path: Path) -> None:
    page = "docs/a.md"
    block = Block(Location(page, 1), 1, "python", "between()")
    between: dict[str, object] = {}
    exec(compile("def between(): 1 / 0", str(BUILDER / source), "exec"), between)
    failures.register_sources({page: ["```python", "between()", "```"]})
    with pytest.raises(ZeroDivisionError) as raised:
        exec(compile("\nbetween()", page, "exec"), between)
    [failure] = failures.failures_of(raised.value, block, str(tmp_path))
    assert failure.location == Location(page, 2)
    assert failure.trace == (f"{page}:2", "    between()")


@pytest.mark.torch(
    *(f"{each}-{name}" for each, name in ASSERTING.items() if re.match("torch|einsum_doc.compute", each))
)
@pytest.mark.parametrize(("module", "prefix"), ASSERTING.items())
def test_the_functions_that_count_as_assertions_are_there(module: str, prefix: str) -> None:
    assert any(name.startswith(prefix) for name in vars(importlib.import_module(module)))


@pytest.mark.torch
@pytest.mark.parametrize("name", ["check", "verify"])
def test_what_the_library_checks_with_counts_as_an_assertion(name: str) -> None:
    assert ASSERTING[getattr(einsum_doc, name).__module__] == name


@pytest.mark.torch("einsum_doc.compute.derivation-names0")
@pytest.mark.parametrize(
    ("module", "names"),
    {
        "einsum_doc.compute.derivation": ["Derivations"],
        "einsum_doc.pages.claims": ["raises", "shows", "writes"],
        "einsum_doc.pages.expected": ["main"],
        "einsum_doc.pages.extension": ["EinsumDocExtension", "makeExtension", "never"],
    }.items(),
)
def test_what_sites_and_downloaded_pages_name_stays_where_it_is(module: str, names: list[str]) -> None:
    assert {*names} <= vars(importlib.import_module(module)).keys()
