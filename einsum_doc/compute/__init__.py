"""Tensors: einsums and checks. The only part of the library that imports torch."""
