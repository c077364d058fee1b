"""Stages that say which records go, and why."""
