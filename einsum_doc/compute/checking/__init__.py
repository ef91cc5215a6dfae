"""A derivation's lines, and an equation's gradients -> a verdict each, from random tensors."""
