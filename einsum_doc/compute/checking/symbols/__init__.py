"""The names and indices of a derivation -> what each stands for, and which sizes must agree. Without torch."""
