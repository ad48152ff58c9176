"""Models answer the user's data; what they got right, and how long it took."""
