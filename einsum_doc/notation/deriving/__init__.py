"""An equation -> its derivation: steps, each by a rule and with a reason."""
