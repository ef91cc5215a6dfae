"""Derivations of textbooks, papers and courses: they hold, and with a slip of the pen they do not.

`literal` is the text of the source, as near as possible to its notation, `added` has the directives and definitions
that it states in words, and `changed`, where it is given, says which notation is not read as it stands there.
`recalled` says that the formula was written from memory, and not compared with its source.
"""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from einsum_doc import NotationError, verify

TEXTS = json.loads((Path(__file__).parents[2] / "derivations" / "published.json").read_text("utf-8"))


def test_as_many_texts_need_as_many_lines_as_are_said() -> None:
    needed = Counter(min(text["added"].count("\n"), 3) for text in TEXTS)
    assert (len(TEXTS), dict(sorted(needed.items()))) == (121, {0: 56, 1: 32, 2: 20, 3: 13})
    assert sum("changed" in text for text in TEXTS) == 40
    assert sum("changed" not in text and not text["added"] for text in TEXTS) == 40
    assert sum("recalled" in text for text in TEXTS) == 21


PLACE = (
    r"[\w.-]+/[\w.-]+ \S+\.(md|markdown|ipynb|tex)\b"  # a repository and a file in it
    r"|[\w-]+(\.[\w-]+)+[/ ]\S+"  # an address
    r"|.*\b(appendix|chapter|corollary|equations?|lecture|sections?)( notes| after)? \(?[A-Z]?\.?\d"  # a part of a work
)


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text["name"])
def test_every_text_names_the_place_where_it_stands(text: dict[str, str]) -> None:
    assert re.match(PLACE, text["source"]), "a repository with a file, an address, or a work with a numbered part"


@pytest.mark.parametrize(
    "source", ["notes on GitHub: From Math to Code", "a blog", "owner/name", "A. Writer, A Book (2006)"]
)
def test_a_source_without_a_place_is_noticed(source: str) -> None:
    assert not re.match(PLACE, source)


@pytest.mark.parametrize(
    "text",
    # A part by default; the rest takes longer than the default tests may.
    [
        pytest.param(text, id=text["name"], marks=() if number % 4 == 0 else pytest.mark.slow)
        for number, text in enumerate(TEXTS)
    ],
)
def test_a_published_derivation_holds_and_its_false_variant_does_not(text: dict[str, str]) -> None:
    derivation = verify(text["added"] + text["literal"])
    assert derivation, str(derivation)
    assert any(line.kind == "claim" for line in derivation.lines)
    try:
        false = verify(text["added"] + text["false_variant"])
    except NotationError as error:
        pytest.fail(f"the false variant is not read: {error}")
    messages = [line.message for line in false.lines if not line.holds]
    assert messages
    # One that holds only if a loss is held fixed is refused with this question.
    false_or_asked = [message.startswith("false: ") or " holds only if " in message for message in messages]
    assert all(false_or_asked)
    assert not any("cannot be checked" in message for message in messages)
