"""Barriers that part records into train, val and test."""
