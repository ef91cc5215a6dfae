"""An expression and random tensors -> its numbers in float64, derivatives by autograd."""
