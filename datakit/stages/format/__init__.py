"""Stages that bring records into the shape of training data."""
