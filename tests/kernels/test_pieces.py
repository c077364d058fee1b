"""Filling pieces with parts, against the obvious way."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from datakit.kernels.best_fit import fit_best
from datakit.kernels.pieces import fill_pieces

sizes = st.lists(st.integers(1, 12), max_size=20)


def slow_pieces(parts: list[int], most: int, overlap: int) -> list[tuple[int, int]]:
    pieces = []
    first = 0
    while first < len(parts):
        stop = first + 1
        while stop < len(parts) and sum(parts[first : stop + 1]) <= most:
            stop += 1
        pieces.append((first, stop))
        if stop == len(parts):
            break
        starts = range(first + 1, stop + 1)
        fits = [
            start
            for start in starts
            if sum(parts[start:stop]) <= overlap and sum(parts[start : stop + 1]) <= most
        ]
        first = min(fits, default=stop)
    return pieces


@given(st.lists(sizes, max_size=4), st.integers(1, 20), st.integers(0, 10))
def test_pieces_are_those_of_the_obvious_way(
    texts: list[list[int]], most: int, overlap: int
) -> None:
    flat = np.array([size for parts in texts for size in parts], dtype=np.int64)
    bounds = np.cumsum([0, *map(len, texts)], dtype=np.int64)

    spans, counts = fill_pieces(flat, bounds, most, overlap)

    expected = [slow_pieces(parts, most, overlap) for parts in texts]
    shifted = [
        [int(start) + first, int(start) + stop]
        for start, pieces in zip(bounds, expected, strict=False)
        for first, stop in pieces
    ]
    assert spans.tolist() == shifted
    assert counts.tolist() == [len(pieces) for pieces in expected]


def slow_fit(pieces: list[int], capacity: int) -> list[int]:
    rooms: list[int] = []
    used: list[int] = []
    found = []
    for turn, size in enumerate(pieces):
        fitting = [b for b, room in enumerate(rooms) if room >= size]
        if fitting:
            chosen = min(fitting, key=lambda b: (rooms[b], -used[b]))
        else:
            chosen = len(rooms)
            rooms.append(capacity)
            used.append(turn)
        rooms[chosen] -= size
        used[chosen] = turn
        found.append(chosen)
    return found


@given(st.lists(st.integers(0, 15), max_size=40), st.integers(15, 30))
def test_bins_are_those_of_the_obvious_way(pieces: list[int], capacity: int) -> None:
    assert fit_best(np.array(pieces, dtype=np.int64), capacity).tolist() == slow_fit(
        pieces, capacity
    )
