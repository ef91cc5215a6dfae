"""The lines of a derivation, or the gradients of an equation -> a verdict for each, from random tensors."""
