"""The languages of fences, by name: the values of `LANGUAGES` in each file of this folder; and functions that assert.

A file whose name begins with `_` is a part of a language that is loaded when a block runs. The others are loaded by
every build, and import nothing of the einsum library.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from einsum_doc.pages.reading.language import Language

_FILES = sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py") if path.stem != "all")
_MODULES = [import_module(f"einsum_doc.pages.languages.{name}") for name in _FILES]

LANGUAGES: dict[str, Language] = {language.name: language for module in _MODULES for language in module.LANGUAGES}

ASSERTING = {
    "einsum_doc.compute.checking.gradients": "check",
    "einsum_doc.compute.checking.derivation": "verify",
    "einsum_doc.notation.statements.statements": "prove",
}
"""The functions of the einsum library whose calls count as assertions, by their modules."""
