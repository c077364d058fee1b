"""dedup.minhash against brute force and datasketch, and what it must not depend on."""

import itertools
import random

import numpy as np
import polars as pl
import pytest
from datasketch import MinHash
from hypothesis import given, settings
from hypothesis import strategies as st

from datakit.errors import SettingsError
from datakit.executors import in_memory
from datakit.kernels import minhash as kernel
from datakit.stages.dedup import stayers, verify
from datakit.stages.dedup.bands import choose_bands, recall_of
from datakit.stages.dedup.minhash import MinHashDedup, load_permutations
from datakit.stages.dedup.shingles import make_shingles
from datakit.testing import run_stage

WORDS = ["alpha", "beta", "gamma", "delta", "eps", "zeta", "eta"]
TEXTS = st.lists(
    st.lists(st.sampled_from(WORDS), max_size=7).map(" ".join)
    | st.text(alphabet="头痛发热咳嗽", max_size=9),
    min_size=1,
    max_size=25,
)


def slow_shingles(text, n=2):
    """Shingles as tuples, for texts of Latin words or of Han characters alone."""
    units = text.split() if text.isascii() else list(text)
    if 0 < len(units) < n:
        return {tuple(units)}
    return {tuple(units[i : i + n]) for i in range(len(units) - n + 1)}


def jaccard(one, two):
    return len(one & two) / len(one | two)


@settings(max_examples=25, deadline=None)
@given(
    texts=TEXTS,
    threshold=st.sampled_from([0.5, 0.6, 0.8, 1.0]),
    small=st.sampled_from([0, 64]),
    block=st.sampled_from([1, 3, 1024]),
)
def test_both_promises_hold_against_brute_force(texts, threshold, small, block):
    stage = MinHashDedup(threshold=threshold, num_perm=256, ngram_words=2, ngram_chars=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stayers, "SMALL_BUCKET", small)
        patch.setattr(verify, "BLOCK_RECORDS", block)
        outcome = run_stage(stage, [{"text": text} for text in texts], batch_rows=4)

    sets = {f"test/{n}": slow_shingles(text) for n, text in enumerate(texts, 1)}
    staying = {row["id"] for row in outcome.rows}
    for reject in outcome.rejects:
        similarity = jaccard(sets[reject["id"]], sets[reject["values"]["kept_id"]])
        assert reject["values"]["kept_id"] in staying
        assert similarity == reject["values"]["similarity"] >= threshold
    bucket_sets = find_buckets(stage, texts)
    for one, two in itertools.combinations([n for n in staying if sets[n]], 2):
        if bucket_sets[one] & bucket_sets[two]:
            assert jaccard(sets[one], sets[two]) < threshold


def find_buckets(stage, texts):
    """The buckets of each record with something to compare, by id."""
    shingles = make_shingles(
        pl.Series(texts, dtype=pl.String),
        ngram_words=stage.ngram_words,
        ngram_chars=stage.ngram_chars,
    )
    ids = [f"test/{n}" for n, row in enumerate(shingles, 1) if row is not None]
    present = shingles.drop_nulls()
    if not ids:
        return {}
    return dict(zip(ids, map(set, stage._band_keys(present).tolist()), strict=True))


@pytest.mark.parametrize("seed", [1, 42])
def test_signatures_equal_datasketch(seed):
    texts = pl.Series(["高血压患者每天应当少吃盐", "take two pills daily with food", "短"] * 3)
    shingles = make_shingles(texts, ngram_words=2, ngram_chars=3)
    flat, sizes = shingles.explode().to_numpy(), shingles.list.len().to_numpy()
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)

    signatures = kernel.sign_records(flat, offsets, load_permutations(128, seed))

    for signature, record in zip(signatures, shingles, strict=True):
        theirs = MinHash(num_perm=128, seed=seed, hashfunc=int, scheme="affine32")
        theirs.update_batch(record.to_list())
        assert np.array_equal(signature, theirs.hashvalues)


def test_the_compiled_kernel_equals_the_plain_one():
    mixed = np.random.default_rng(0).integers(0, 1 << 32, 5000, dtype=np.uint32)
    offsets = np.array([0, 1, 8, 9, 500, 5000], dtype=np.int64)
    a, b = load_permutations(32, seed=7)

    compiled = kernel.sign_compiled()(mixed, offsets, a, b)

    assert np.array_equal(compiled, kernel.sign_plainly(mixed, offsets, a, b))
    assert compiled.dtype == np.uint32


@settings(max_examples=30, deadline=None)
@given(texts=TEXTS, n=st.integers(1, 4))
def test_hashed_shingles_are_as_many_and_as_common_as_the_plain_ones(texts, n):
    hashed = make_shingles(pl.Series(texts, dtype=pl.String), ngram_words=n, ngram_chars=n)

    plain = [slow_shingles(text, n) for text in texts]
    for (ours, theirs), (ours_too, theirs_too) in itertools.product(
        zip(hashed, plain, strict=True), repeat=2
    ):
        ours, ours_too = (set([] if row is None else row) for row in (ours, ours_too))
        assert (len(ours), len(ours & ours_too)) == (len(theirs), len(theirs & theirs_too))


def test_shingles_do_not_depend_on_the_texts_around(monkeypatch):
    texts = pl.Series(
        ["病人 took 2 pills", "咳嗽三天，伴有发热 38.5℃", "plain words only here", None] * 5
    )
    together = make_shingles(texts, ngram_words=2, ngram_chars=3)
    alone = [make_shingles(texts[n : n + 1], ngram_words=2, ngram_chars=3)[0] for n in range(20)]

    monkeypatch.setattr("datakit.stages.dedup.shingles.SLICE_CHARS", 10)

    assert together.to_list() == [row if row is None else row.to_list() for row in alone]
    assert make_shingles(texts, ngram_words=2, ngram_chars=3).equals(together)


@pytest.mark.parametrize("num_perm", [64, 128, 256])
@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.8, 0.9, 1.0])
def test_bands_find_99_percent_at_the_threshold_with_the_most_rows(threshold, num_perm):
    bands, rows = choose_bands(threshold, num_perm)

    assert bands * rows <= num_perm
    assert recall_of(threshold, bands, rows) >= 0.99
    if rows < num_perm:
        assert recall_of(threshold, num_perm // (rows + 1), rows + 1) < 0.99


def test_pairs_at_the_threshold_are_found_by_both_ways_alike(monkeypatch):
    """Of 1,000 pairs with a similarity of just the threshold at least 99 % are candidates."""
    rows = []
    for pair in range(1000):
        words = [f"w{pair}x{n}" for n in range(9)]
        rows += [{"text": " ".join(words[:8])}, {"text": " ".join(words[1:])}]
    stage = MinHashDedup(threshold=7 / 9, ngram_words=1)
    listed = run_stage(stage, rows).rejects

    monkeypatch.setattr(stayers, "SMALL_BUCKET", 0)

    assert {reject["values"]["similarity"] for reject in listed} == {7 / 9}
    # Some are missed, and the other way in must miss the same.
    assert 985 <= len(listed) < 1000
    assert run_stage(stage, rows).rejects == listed


def template_rows(records, body_words):
    """One page with a few words of its own each."""
    page = [f"tmpl{n}" for n in range(60)]
    draw = random.Random(3)
    return [
        {"text": " ".join(page + [f"b{draw.randrange(10**9)}" for _ in range(body_words)])}
        for _ in range(records)
    ]


@pytest.fixture
def comparisons(monkeypatch):
    """How many pairs are verified."""
    counted = []

    def measure(shingles, others):
        counted.append(len(others))
        return stayers.measure_similarity(shingles, others)

    monkeypatch.setattr(verify, "measure_similarity", measure)
    return counted


def test_a_bucket_of_near_copies_is_compared_once_each(comparisons):
    rows = template_rows(5_000, body_words=2)
    outcome = run_stage(MinHashDedup(ngram_words=1), rows, batch_rows=5_000)

    assert len(outcome.rows) == 1
    assert sum(comparisons) == len(rows) - 1


def test_a_template_below_the_threshold_is_not_compared_all_with_all(comparisons):
    rows = template_rows(2_000, body_words=15)
    outcome = run_stage(MinHashDedup(ngram_words=1), rows, batch_rows=2_000)

    assert len(outcome.rows) == len(rows)
    assert sum(comparisons) <= 5 * len(rows)


@pytest.mark.parametrize("partitions", [1, 3, 64])
def test_neither_partitions_nor_batches_change_anything(partitions, monkeypatch):
    draw = random.Random(5)
    rows = [
        {"text": " ".join(draw.choices(WORDS, k=draw.randrange(12))), "source": f"s{n % 3}"}
        for n in range(150)
    ]
    stage = MinHashDedup(threshold=0.5, ngram_words=2, keep="longest", source_priority=("s2",))
    expected = run_stage(stage, rows)
    assert expected.rejects

    monkeypatch.setattr(in_memory, "PARTITIONS", partitions)

    assert run_stage(stage, rows, batch_rows=7) == expected


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("threshold", {"threshold": 0.0}),
        ("threshold", {"threshold": 1.5}),
        ("num_perm", {"num_perm": 0}),
        ("num_perm", {"num_perm": 16, "threshold": 0.1}),
        ("ngram_words", {"ngram_words": 0}),
        ("ngram_chars", {"ngram_chars": 0}),
        ("keep", {"keep": "source"}),
        ("on", {"on": ""}),
    ],
)
def test_settings_that_cannot_be(key, wrong):
    with pytest.raises(SettingsError) as error:
        MinHashDedup(**wrong)

    assert error.value.key == key


@pytest.mark.parametrize("seed", [0, -1, 1 << 40])
def test_any_seed_will_do(seed):
    rows = [{"text": "same words here"}, {"text": "Same words, here"}]

    assert run_stage(MinHashDedup(seed=seed), rows).reasons == ["near_duplicate"]
