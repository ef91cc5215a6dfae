"""The Markdown extension for Zensical, under the name that sites write in mkdocs.yml."""

from click import ClickException  # which Zensical and MkDocs show as a sentence

try:
    from einsum_doc.pages.fronts.zensical import EinsumDocExtension as EinsumDocExtension
    from einsum_doc.pages.fronts.zensical import makeExtension as makeExtension
    from einsum_doc.pages.fronts.zensical import never as never
except ModuleNotFoundError as missing:
    raise ClickException(f"einsum-doc needs {missing.name}: pip install 'einsum-doc[docs]'") from None
