"""An equation -> the derivation of its gradient: steps, each with its reason."""
