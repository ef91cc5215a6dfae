"""Tensors: the only part that imports torch."""
