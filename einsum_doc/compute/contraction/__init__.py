"""One contraction tree for an einsum and all its gradients, run over tensors."""
