"""Stages that measure records and add what they found as columns."""
