"""Frozen values <-> JSON, as they cross processes and are kept in the cache."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

_encode = json.JSONEncoder(default=asdict).encode  # by reference: a page may patch json
_Value = TypeVar("_Value")


def to_json(value: Any) -> str:
    """Return a value as one line of JSON: plain values, dataclasses and named tuples."""
    return _encode(value)


def from_facts(kind: type[_Value], facts: Any) -> _Value:
    """Return the value of a type that `facts`, its decoded JSON, describes.

    >>> from einsum_doc.pages.record.block import Location
    >>> from_facts(Location, ["docs/a.md", 3])
    Location(file='docs/a.md', line=3)

    Dataclasses come from objects and named tuples from arrays; their fields are read by their annotations.
    Raises: KeyError or TypeError, if a field is missing or unknown.
    """
    value: _Value = _read(kind, facts)
    return value


def _read(kind: Any, facts: Any) -> Any:
    if isinstance(kind, type) and is_dataclass(kind):
        hints = _hints(kind)
        return kind(**{name: _read(hints[name], fact) for name, fact in facts.items()})
    if hasattr(kind, "_fields"):  # of a named tuple
        return kind(*facts)
    origin, inner = get_origin(kind), get_args(kind)
    if origin is UnionType and facts is not None:  # with None or, in the evidence, with another plain type
        return _read(inner[0], facts)
    if origin in (tuple, Sequence):
        items = (_read(inner[0], fact) for fact in facts)
        return tuple(items) if origin is tuple else list(items)
    return facts


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    """Return the types of the fields of a dataclass."""
    # Not through sys.modules: a worker removes the builder's own modules from it.
    hints = get_type_hints(kind, kind.__init__.__globals__)  # type: ignore[misc]
    return {each.name: hints[each.name] for each in fields(kind)}
