"""Results -> the verdict: which results count, and how they are reported."""
