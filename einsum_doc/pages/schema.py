"""`python -m einsum_doc.pages.schema`: print the JSON schema with which editors complete and check the options."""

import ast
import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from itertools import pairwise
from typing import Any, Literal, get_args, get_origin, get_type_hints

from einsum_doc.pages.record.options import Options


def schema() -> dict[str, Any]:
    """Return the schema of a mkdocs.yml: of the options of the builder, and of nothing else in it."""
    kinds, told = get_type_hints(Options), _descriptions()
    options = {}
    for field in fields(Options):
        default = field.default if field.default_factory is MISSING else field.default_factory()
        options[field.name] = _type(kinds[field.name], field.metadata) | {"description": told[field.name]}
        options[field.name]["default"] = default
    plugin = {"type": ["object", "null"], "properties": options, "additionalProperties": False}
    plugins = {"properties": {"einsum-doc": plugin}}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "The options of einsum-doc in mkdocs.yml",
        "properties": {"plugins": {"items": plugins, **plugins}},
    }


def _type(kind: Any, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a value of this type; on numbers, `metadata` may have `above_zero`."""
    if get_origin(kind) is Literal:
        return {"enum": [*get_args(kind)]}
    if get_origin(kind) is Sequence:
        return {"type": "array", "items": _type(get_args(kind)[0], {})}
    if get_origin(kind) is Mapping:
        return {"type": "object", "additionalProperties": _type(get_args(kind)[1], {})}
    if kind in (int, float):
        least = "exclusiveMinimum" if metadata.get("above_zero") else "minimum"
        return {"type": "integer" if kind is int else "number", least: 0}
    return {"type": {bool: "boolean", str: "string"}[kind]}


def _descriptions() -> dict[str, str]:
    """Return the docstrings of the options, which Python itself does not keep."""
    [parsed] = ast.parse(inspect.getsource(Options)).body
    assert isinstance(parsed, ast.ClassDef)
    return {
        field.target.id: inspect.cleandoc(ast.literal_eval(text.value))
        for field, text in pairwise(parsed.body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, ast.Expr)
    }


if __name__ == "__main__":
    print(json.dumps(schema(), indent=2, ensure_ascii=False))
