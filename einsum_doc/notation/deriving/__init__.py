"""An equation -> its derivation: steps, each with its rule and its reason."""
