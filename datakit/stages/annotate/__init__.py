"""Stages that add columns; no text and no row changes."""
