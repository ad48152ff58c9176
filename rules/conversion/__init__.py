"""Rules on conversions that failed."""
