"""An expression and random tensors -> its numbers in float64. Derivatives come from autograd."""
