"""The JSON schema of the options: it agrees with the validation of MkDocs, and is what the site publishes."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from mkdocs.config.base import ValidationError

from einsum_doc.pages.fronts.config import SCHEMA
from einsum_doc.pages.schema import schema

ROOT = Path(__file__).parents[3]
VALUES = [
    *(True, False, 0, 1, 7.5, -1, "", "auto", "text", [], ["a"], [1], "a,b"),
    *({}, {"a": "b"}, {"a": ["b"]}, {"a": [1]}, {"a": {}}),
]


def is_valid(config: object) -> bool:
    return bool(jsonschema.Draft7Validator(schema()).is_valid(config))


@pytest.mark.parametrize("name", SCHEMA)
def test_it_takes_the_values_that_mkdocs_takes(name: str) -> None:
    def is_taken(value: object) -> bool:
        try:
            SCHEMA[name].validate(value)
        except ValidationError:
            return False
        return True

    taken = [value for value in VALUES if is_taken(value)]
    assert [value for value in VALUES if is_valid({"plugins": [{"einsum-doc": {name: value}}]})] == taken
    assert 0 < len(taken) < len(VALUES)
    assert is_valid({"plugins": [{"einsum-doc": {name: SCHEMA[name].default}}]})


@pytest.mark.parametrize(
    ("config", "valid"),
    [
        ({"site_name": "S", "plugins": ["search", "markdown-exec", "einsum-doc"]}, True),
        ({"plugins": [{"search": {"lang": "en"}}, {"einsum-doc": None}]}, True),
        ({"plugins": {"einsum-doc": {"jobs": 1}}}, True),
        ({"plugins": {"einsum-doc": {"job": 1}}}, False),
        ({"plugins": [{"einsum-doc": {"job": 1}}]}, False),
        ({"plugins": [{"einsum-doc": "cpu"}]}, False),
    ],
)
def test_it_judges_the_options_of_the_builder_alone(config: object, valid: bool) -> None:
    assert is_valid(config) == valid


def test_the_site_publishes_it() -> None:
    published = json.loads((ROOT / "docs/schema.json").read_text("utf-8"))
    assert published == schema(), "run: python -m einsum_doc.pages.schema > docs/schema.json"
