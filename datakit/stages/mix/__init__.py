"""Barriers that set the shares of several sources."""
