"""Rules on recurrent layers and state."""
