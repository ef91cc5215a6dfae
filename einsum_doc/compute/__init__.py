"""Tensors: the only part that imports torch, and only in primitives, einsum and verify."""
