"""Every example in a docstring is executed."""

from __future__ import annotations

import doctest
from importlib import import_module
from pkgutil import walk_packages

import pytest

import einsum_doc

MODULES = [module.name for module in walk_packages(einsum_doc.__path__, "einsum_doc.") if "__main__" not in module.name]


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples(name: str) -> None:
    assert doctest.testmod(import_module(name)).failed == 0
