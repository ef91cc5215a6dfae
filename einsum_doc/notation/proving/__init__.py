"""Two sides -> whether they are equal for all sizes: normal forms with exact numbers, and rules for derivatives."""
