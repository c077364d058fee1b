"""Sinks: files that trainers load."""
