"""Filling containers: as an obvious loop does it."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from datakit.kernels.filling import find_starts

Piece = tuple[bool, tuple[int, int], tuple[int, int]]

sizes = st.tuples(st.integers(0, 9), st.integers(0, 9))
pieces = st.lists(st.tuples(st.sampled_from([True, False, False]), sizes, sizes), max_size=20)


def slow_starts(given_pieces: list[Piece], most: tuple[int, int]) -> list[bool]:
    held: list[tuple[int, int]] = []
    found = []
    for breaks, whole, added in given_pieces:
        tried = [*held, added]
        fits = all(sum(size[n] for size in tried) <= most[n] for n in (0, 1))
        found.append(not held or breaks or not fits)
        held = [whole] if found[-1] else tried
    return found


@settings(deadline=None, max_examples=100)
@given(pieces, st.tuples(st.integers(0, 20), st.integers(0, 20)))
def test_containers_are_filled_in_order(given_pieces: list[Piece], most: tuple[int, int]) -> None:
    given_pieces[:1] = [(True, *piece[1:]) for piece in given_pieces[:1]]
    breaks = np.array([piece[0] for piece in given_pieces], dtype=np.bool_)
    whole, added = (
        tuple(np.array([p[n][m] for p in given_pieces], dtype=np.int64) for m in (0, 1))
        for n in (1, 2)
    )

    starts = find_starts(breaks, whole, added, np.array(most, dtype=np.int64))

    assert starts.tolist() == slow_starts(given_pieces, most)
