"""The symbols of a chain -> random sizes, and a random tensor for each input."""
