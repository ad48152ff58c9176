"""Rules on structure, signatures and what runtimes accept."""
