"""Steps of greedy selections, against slow references."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from datakit.kernels.nearness import approach, settle_block

COSINES = st.sampled_from([-0.5, 0.0, 0.25, 0.5, 0.75])


@settings(max_examples=40, deadline=None)
@given(st.data(), st.integers(1, 8), st.sampled_from([0.25, 0.5, 1.0]), st.integers(0, 8))
def test_a_block_is_settled_as_one_by_one(
    data: st.DataObject, size: int, threshold: float, room: int
) -> None:
    upper = [[data.draw(COSINES) for _ in range(size)] for _ in range(size)]
    before = [data.draw(COSINES) for _ in range(size)]
    kept: list[int] = []
    expected = []
    for i in range(size):
        if len(kept) == room:
            break
        met = [(before[i], 99), *((upper[k][i], 7 + k) for k in kept)]
        best = max(cosine for cosine, _ in met)
        expected.append((best, next(place for cosine, place in met if cosine == best)))
        if best < threshold:
            kept.append(i)

    similarity, nearest = np.array(before), np.full(size, 99)
    is_kept = np.zeros(size, dtype=np.bool_)
    seen = settle_block(np.array(upper), (threshold, room), 7, similarity, nearest, is_kept)

    assert seen == len(expected)
    assert np.flatnonzero(is_kept).tolist() == kept
    found = list(zip(similarity.tolist(), nearest.tolist(), strict=True))
    assert found[:seen] == expected


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_a_centre_is_approached_by_those_it_is_nearer_to(seed: int) -> None:
    chance = np.random.default_rng(seed)
    vectors = chance.integers(-300, 300, (6, 5)).astype(np.int16)
    norms = np.sqrt((vectors.astype(np.int64) ** 2).sum(axis=1).astype(np.float64))
    cosines = (vectors.astype(np.int64) @ vectors[2].astype(np.int64)) / (norms * norms[2])
    similarity, nearest = np.full(6, 0.1), np.full(6, 4)

    approach(vectors, norms, 2, similarity, nearest)

    assert similarity.tolist() == np.maximum(cosines, 0.1).tolist()
    assert nearest.tolist() == [2 if cosine > 0.1 else 4 for cosine in cosines]


def test_dot_products_of_long_vectors_are_exact() -> None:
    vectors = np.full((2, 64), 500, dtype=np.int16)
    similarity, nearest = np.zeros(2), np.zeros(2, dtype=np.int64)

    approach(vectors, np.full(2, 4000.0), 1, similarity, nearest)

    assert similarity.tolist() == [1.0, 1.0]
