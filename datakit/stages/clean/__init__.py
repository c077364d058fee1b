"""Stages that change text and keep the row."""
