"""A chain's symbols -> random sizes and random tensors for them."""
