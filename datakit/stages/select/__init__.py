"""Barriers that choose records towards a goal."""
