"""String helpers outside the hot path."""
