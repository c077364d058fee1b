"""Barriers that reject records there already is one of."""
