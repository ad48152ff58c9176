"""Rules on measured accuracy."""
