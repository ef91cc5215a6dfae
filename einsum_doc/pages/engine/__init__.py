"""Pages -> results: which page runs when, within which limits, and how its processes end."""
