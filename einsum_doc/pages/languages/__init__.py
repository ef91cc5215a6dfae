"""How the language of a fence reads, runs and becomes a program. Only this folder imports the einsum library."""
