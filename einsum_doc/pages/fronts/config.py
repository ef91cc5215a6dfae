"""The options of the builder as MkDocs reads and validates them in mkdocs.yml."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields
from typing import Any, get_args, get_origin, get_type_hints

from mkdocs.config import base
from mkdocs.config import config_options as c

from einsum_doc.pages.record.options import COMPATIBLE, OptionError, Options


class _Amount(c.Type[int | float]):
    """A number that is not negative, and with `above_zero` not zero."""

    def __init__(self, *, above_zero: bool, whole: bool, default: float) -> None:
        super().__init__(int if whole else (int, float), default=default)
        self.above_zero = above_zero

    def run_validation(self, value: object) -> int | float:
        number = super().run_validation(value)
        if isinstance(number, bool) or number < 0 or (self.above_zero and not number):
            raise base.ValidationError(f"expected a number {'above' if self.above_zero else 'from'} 0, not {number!r}")
        return number


def _option(field: Field[Any], kind: Any) -> base.BaseConfigOption[Any]:
    """Return the option of MkDocs that validates a field of `Options`."""
    default: Any = field.default if field.default_factory is MISSING else field.default_factory()
    if isinstance(default, bool):
        return c.Type(bool, default=default)
    if kind in (int, float):
        above_zero = bool(field.metadata.get("above_zero"))
        return _Amount(above_zero=above_zero, whole=kind is int, default=default)
    if get_origin(kind) is Sequence:
        return c.ListOfItems(c.Type(str), default=default)
    if get_origin(kind) is Mapping:
        values: Any = c.Type(str) if get_args(kind)[1] is str else c.ListOfItems(c.Type(str))
        return c.DictOfItems(values, default=default)
    return c.Type(str, default=default) if kind is str else c.Choice(get_args(kind), default=default)


_KINDS = get_type_hints(Options)
SCHEMA = {field.name: _option(field, _KINDS[field.name]) for field in fields(Options)}
"""The options of MkDocs, by their names."""


class EinsumDocConfig(base.Config):
    """The options as MkDocs has them, each a field of `Options`."""

    vars().update(SCHEMA)
    given = frozenset[str]()
    """The names of the options that mkdocs.yml has."""

    def load_dict(self, patch: dict[str, Any]) -> None:
        """Take options over, as MkDocs has read them."""
        super().load_dict(patch)
        self.given = frozenset(patch)


def options_from(config: EinsumDocConfig) -> Options:
    """Return the options that mkdocs.yml has.

    Raises: OptionError, for an option that does not exist.
    """
    unknown = sorted(config.keys() - SCHEMA.keys())
    if unknown:
        raise OptionError(f"unknown option {unknown[0]!r} in mkdocs.yml; there are: {', '.join(sorted(SCHEMA))}")
    changed = {name: value for name, value in COMPATIBLE.items() if config["compatible"] and name not in config.given}
    return Options(**{name: config[name] for name in SCHEMA} | changed)
