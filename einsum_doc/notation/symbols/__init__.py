"""The names and indices of a derivation -> their meanings, and the sizes that must agree."""
