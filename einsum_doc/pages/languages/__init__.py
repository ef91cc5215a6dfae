"""The languages of fences: each reads, runs and exports its blocks. Only this folder imports the einsum library."""
