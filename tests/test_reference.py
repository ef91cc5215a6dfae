"""A public name's entry in the reference says what its docstring says, and its examples hold."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

import pytest

import einsum_doc
from docs.reference.entries import entry


class Colour(enum.Enum):
    """What a bird wears.

    >>> Colour.RED.value
    'red'
    """

    RED = "red"
    """As a robin."""
    BLUE = "blue"
    """As a tit."""


@dataclass(frozen=True)
class Bird:
    """A bird: one of many.

    >>> Bird("robin", Colour.RED).called()
    'robin!'

    name: what it is called, and what it
    answers to.
    colour: see `Colour`.
    Raises: EquationError, never; NotFoundError, neither.
    """

    name: str
    colour: Colour

    def called(self, *, loud: bool = True, by: Callable[[str], str] = str) -> str:
        """What is heard, as in 'ij->i' or ij,jk->ik.

        >>> Bird("tit", Colour.BLUE).called(loud=False)
        'tit'
        """
        return by(self.name) + "!" * loud

    @property
    def length(self) -> int:
        """How long it is."""
        return 3


def broken(number: int) -> int:
    """One more.

    >>> broken(1)
    3
    """
    return number + 1


class EquationError(ValueError):
    """Something."""


@pytest.fixture
def birds() -> ModuleType:
    package = ModuleType("birds")
    vars(package).update(Bird=Bird, Colour=Colour, broken=broken, EquationError=EquationError)
    package.__all__ = ["Bird", "Colour", "EquationError", "broken"]  # type: ignore[attr-defined]
    return package


def test_a_class(birds: ModuleType) -> None:
    found = entry(birds, "Bird")
    assert found.examples == 2
    parts = [part.strip() for part in found.markdown.split("\n\n") if part.strip()]
    assert parts == [
        "### Bird {#birds.Bird}",
        "```python\nclass Bird(name: str, colour: Colour)\n```",
        "A bird: one of many.",
        "```pycon\n>>> Bird(\"robin\", Colour.RED).called()\n'robin!'\n```",
        "- `name`: what it is called, and what it answers to.\n- `colour`: see [`Colour`](#birds.Colour).",
        "**Raises:** [EquationError](#birds.EquationError), never; NotFoundError, neither.",
        "`Bird.called(*, loud: bool = True, by: Callable[[str], str] = str) -> str`\n{: #birds.Bird.called .member }",
        "What is heard, as in `ij->i` or `ij,jk->ik`.",
        "```pycon\n>>> Bird(\"tit\", Colour.BLUE).called(loud=False)\n'tit'\n```",
        "`Bird.length -> int`\n{: #birds.Bird.length .member }",
        "How long it is.",
    ]


def test_the_members_of_an_enumeration(birds: ModuleType) -> None:
    markdown = entry(birds, "Colour").markdown
    assert "class Colour\n" in markdown
    assert "- `Colour.RED`, `'red'`: As a robin.\n- `Colour.BLUE`, `'blue'`: As a tit.\n" in markdown


def test_an_example_that_does_not_hold(birds: ModuleType) -> None:
    with pytest.raises(AssertionError, match=r"(?s)test_reference\.py.*broken\(1\).*Expected:\s+3\s+Got:\s+2"):
        entry(birds, "broken")


@pytest.mark.parametrize("name", einsum_doc.__all__)
def test_every_public_name_has_an_example_and_a_signature_of_plain_types(name: str) -> None:
    found = entry(einsum_doc, name)
    assert found.examples > 0
    signature = found.markdown.split("```")[1]
    assert name in signature
    assert " at 0x" not in found.markdown
    assert "einsum_doc." not in signature
    assert "collections.abc" not in signature
