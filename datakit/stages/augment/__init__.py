"""Stages that make further records of each: the same, said otherwise."""
