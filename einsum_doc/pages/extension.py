"""The Markdown extension for Zensical, under the name that sites write in mkdocs.yml."""

from einsum_doc.pages.fronts.zensical import EinsumDocExtension as EinsumDocExtension
from einsum_doc.pages.fronts.zensical import makeExtension as makeExtension
from einsum_doc.pages.fronts.zensical import never as never
