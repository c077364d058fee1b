"""The kernels of near-duplicates against slow, obvious ones."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datakit.kernels.components import find_roots, head_buckets, join_pairs
from datakit.kernels.settling import Sets, settle_records

RECORDS = st.lists(
    st.tuples(
        st.lists(st.integers(0, 40), min_size=1, max_size=25),  # hashes, repeats too
        st.sets(st.integers(0, 4), max_size=4),  # buckets
        st.sampled_from([False] * 9 + [True]),  # fixed
    ),
    min_size=1,
    max_size=30,
)


def slow_settle(records, threshold):
    """Each record against those that stay, in order."""
    found, staying = [], []
    for number, (hashes, buckets, fixed) in enumerate(records):
        best = (-1, 0.0)
        for other in staying if not fixed else []:
            theirs, their_buckets, _ = records[other]
            similarity = len({*hashes} & {*theirs}) / len({*hashes} | {*theirs})
            if buckets & their_buckets and similarity >= threshold and similarity > best[1]:
                best = (other, similarity)
        found.append(best)
        if best[0] < 0:
            staying.append(number)
    return found


def settle(records, threshold, most_listed):
    hashes = [hashes for hashes, _, _ in records]
    sizes = np.array([len(row) for row in hashes])
    ends = np.cumsum(sizes)
    buckets = [sorted(row) for _, row, _ in records]
    sets = Sets(
        np.array(list(itertools.chain(*hashes)), dtype=np.uint32),
        ends - sizes,
        ends.copy(),
        np.array(list(itertools.chain(*buckets)), dtype=np.int32),
        np.cumsum([0, *(len(row) for row in buckets)]),
        int(sizes.max()),
    )
    fixed = np.array([row[2] for row in records])
    partners, similarity = settle_records(sets, fixed, threshold, most_listed)
    return list(zip(partners.tolist(), similarity.tolist(), strict=True))


@settings(max_examples=150, deadline=None)
@given(
    records=RECORDS,
    threshold=st.sampled_from([0.2, 0.5, 2 / 3, 0.8, 1.0]),
    most_listed=st.sampled_from([0, 3, 64]),
)
def test_records_are_settled_as_by_the_slow_way(records, threshold, most_listed):
    assert settle(records, threshold, most_listed) == slow_settle(records, threshold)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=30))
@pytest.mark.parametrize("kind", [np.uint32, np.uint64])
def test_components_have_their_least_member_for_a_root(kind, pairs):
    parents = np.arange(20, dtype=kind)
    ones, others = np.array(pairs, dtype=kind).reshape(-1, 2).T.copy()

    join_pairs(parents, ones, others)
    find_roots(parents)

    roots = list(range(20))
    for _ in range(20):
        for one, other in pairs:
            roots[one] = roots[other] = min(roots[one], roots[other])
    assert parents.tolist() == roots


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), max_size=30))
def test_heads_are_the_least_of_each_bucket_that_is_not_alone(rows):
    keys, addresses = np.array(rows, dtype=np.uint64).reshape(-1, 2).T.copy()
    found, heads = np.empty((2, len(rows)), dtype=np.uint64)

    kept = head_buckets(keys, np.argsort(keys), addresses, found, heads)

    members = {key: [a for k, a in rows if k == key] for key, _ in rows}
    expected = [(a, min(members[k])) for k, a in rows if len(set(members[k])) > 1]
    assert sorted(zip(found[:kept], heads[:kept], strict=True)) == sorted(expected)
