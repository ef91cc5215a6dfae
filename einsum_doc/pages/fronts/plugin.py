"""The plugin as MkDocs loads it, with a sentence in place of a traceback where something is not installed."""

from mkdocs.config.base import ValidationError

try:
    from einsum_doc.pages.fronts.mkdocs import EinsumDocPlugin as EinsumDocPlugin
except ModuleNotFoundError as missing:
    raise ValidationError(f"einsum-doc needs {missing.name}: pip install 'einsum-doc[docs]'") from None
