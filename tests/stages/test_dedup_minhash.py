"""dedup.minhash against brute force and datasketch, and what it must not depend on."""

import itertools
import json
import random

import numpy as np
import polars as pl
import pytest
from datasketch import MinHash, MinHashLSH
from hypothesis import given, settings
from hypothesis import strategies as st

import datakit
from datakit.errors import DatakitError, SettingsError
from datakit.executors import in_memory
from datakit.stages.dedup import groups, settle
from datakit.stages.dedup.account import add_counts, count_records
from datakit.stages.dedup.bands import choose_bands, recall_of
from datakit.stages.dedup.minhash import MinHashDedup
from datakit.stages.dedup.shingles import make_shingles
from datakit.stages.dedup.signatures import (
    load_permutations,
    make_band_keys,
    make_lean_minhashes,
    make_signatures,
)
from datakit.testing import run_stage

WORDS = ["alpha", "beta", "gamma", "delta", "eps", "zeta", "eta"]
SOURCES = ("a", "b", "empty")
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


def hashed(texts, n=2):
    """Each text's shingle hashes, as datakit makes them."""
    hashes, bounds = make_shingles(pl.Series(texts, dtype=pl.String), ngram_words=n, ngram_chars=n)
    return [hashes[start:stop] for start, stop in itertools.pairwise(bounds)]


@settings(max_examples=25, deadline=None)
@given(
    texts=TEXTS,
    threshold=st.sampled_from([0.5, 0.6, 0.8, 1.0]),
    listed=st.sampled_from([0, 2, 64]),
    group=st.sampled_from([1, 1 << 23]),
)
def test_both_promises_hold_against_brute_force(texts, threshold, listed, group):
    stage = MinHashDedup(threshold=threshold, num_perm=256, ngram_words=2, ngram_chars=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settle, "MOST_LISTED", listed)
        patch.setattr(groups, "GROUP_SHINGLES", group)
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
    hashes, bounds = make_shingles(
        pl.Series(texts, dtype=pl.String),
        ngram_words=stage.ngram_words,
        ngram_chars=stage.ngram_chars,
    )
    keys = make_band_keys(hashes, bounds, stage.threshold, num_perm=stage.num_perm, seed=1)
    sizes = np.diff(bounds)
    return {f"test/{n + 1}": set(keys[n].tolist()) for n in np.flatnonzero(sizes)}


@pytest.mark.parametrize("seed", [1, 42, 1 << 40])
@pytest.mark.parametrize("num_perm", [8, 128])
def test_permutations_and_signatures_equal_datasketch(seed, num_perm):
    texts = ["高血压患者每天应当少吃盐", "take two pills daily with food", "短", "long " * 99] * 2
    hashes, bounds = make_shingles(pl.Series(texts), ngram_words=2, ngram_chars=3)

    signatures = make_signatures(hashes, bounds, load_permutations(num_perm, seed))

    for row, signature in enumerate(signatures):
        theirs = MinHash(num_perm, seed=seed % (1 << 32), hashfunc=int, scheme="affine32")
        theirs.update_batch(hashes[bounds[row] : bounds[row + 1]].tolist())
        assert np.array_equal(signature, theirs.hashvalues)


def test_signatures_of_many_and_of_few_shingles_are_made_alike(monkeypatch):
    """The two loops of the kernel are one function, and an empty text an empty MinHash."""
    draw = np.random.default_rng(3)
    hashes = draw.integers(0, 1 << 32, 400, dtype=np.uint32)
    bounds = np.array([0, 0, 1, 47, 95, 400])
    a, b = load_permutations(16, seed=7)
    theirs = MinHash(16, seed=7, hashfunc=int, scheme="affine32")

    signatures = make_signatures(hashes, bounds, (a, b))

    assert np.array_equal(signatures[0], theirs.hashvalues)
    for row, (start, stop) in enumerate(itertools.pairwise(bounds)):
        one = theirs.copy()
        one.update_batch(hashes[start:stop].tolist()) if stop > start else None
        assert np.array_equal(signatures[row], one.hashvalues)


def test_signatures_are_handed_out_for_datasketch_s_own_indexes():
    texts = [
        "高血压患者每天应当少吃盐",
        "高血压患者每天应当少吃糖",
        "take two pills daily with food",
    ]
    one, two, three = make_lean_minhashes(texts, ngram_chars=2)

    index = MinHashLSH(threshold=0.5, num_perm=128)
    index.insert("one", one)

    assert (index.query(two), index.query(three)) == (["one"], [])


@settings(max_examples=30, deadline=None)
@given(texts=TEXTS, n=st.integers(1, 4))
def test_hashed_shingles_are_as_many_and_as_common_as_the_plain_ones(texts, n):
    ours = [set(row.tolist()) for row in hashed(texts, n)]

    plain = [slow_shingles(text, n) for text in texts]
    for (one, slow_one), (two, slow_two) in itertools.product(
        zip(ours, plain, strict=True), repeat=2
    ):
        assert (len(one), len(one & two)) == (len(slow_one), len(slow_one & slow_two))


@pytest.mark.parametrize("num_perm", [64, 128, 256])
@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.8, 0.9, 1.0])
def test_bands_find_99_percent_at_the_threshold_with_the_most_rows(threshold, num_perm):
    bands, rows = choose_bands(threshold, num_perm)

    assert bands * rows <= num_perm
    assert recall_of(threshold, bands, rows) >= 0.995
    if bands > 1:
        assert recall_of(threshold, bands - 1, rows) < 0.995
    if rows < num_perm:
        assert recall_of(threshold, num_perm // (rows + 1), rows + 1) < 0.995


def test_pairs_at_the_threshold_are_found_by_both_ways_alike(monkeypatch):
    """Of 1,000 pairs with a similarity of just the threshold at least 99 % are candidates."""
    rows = []
    for pair in range(1000):
        words = [f"w{pair}x{n}" for n in range(9)]
        rows += [{"text": " ".join(words[:8])}, {"text": " ".join(words[1:])}]
    stage = MinHashDedup(threshold=7 / 9, ngram_words=1, num_perm=96)
    listed = run_stage(stage, rows).rejects

    monkeypatch.setattr(settle, "MOST_LISTED", 0)

    assert {reject["values"]["similarity"] for reject in listed} == {7 / 9}
    # Some are missed, and the other way in must miss the same.
    assert 990 <= len(listed) < 1000
    assert run_stage(stage, rows).rejects == listed


def template_rows(records, body_words):
    """One page with a few words of its own each."""
    page = [f"tmpl{n}" for n in range(60)]
    draw = random.Random(3)
    return [
        {"text": " ".join(page + [f"b{draw.randrange(10**9)}" for _ in range(body_words)])}
        for _ in range(records)
    ]


def test_of_a_bucket_of_near_copies_one_stays():
    outcome = run_stage(MinHashDedup(ngram_words=1), template_rows(5_000, 2), batch_rows=5_000)

    assert [row["id"] for row in outcome.rows] == ["test/1"]
    assert {reject["values"]["kept_id"] for reject in outcome.rejects} == {"test/1"}


def test_a_template_below_the_threshold_is_not_compared_all_with_all(monkeypatch):
    """2,000 pages of one template stay; with a list gone through it would be 2 million pairs."""
    outcome = run_stage(
        MinHashDedup(ngram_words=1), template_rows(2_000, body_words=15), batch_rows=2_000
    )

    assert len(outcome.rows) == 2_000


@pytest.mark.parametrize("partitions", [1, 3, 64])
@pytest.mark.parametrize("group", [1, 1 << 23])
def test_neither_partitions_nor_batches_nor_groups_change_anything(partitions, group, monkeypatch):
    draw = random.Random(5)
    rows = [
        {"text": " ".join(draw.choices(WORDS, k=draw.randrange(12))), "source": f"s{n // 50}"}
        for n in range(150)
    ]
    stage = MinHashDedup(threshold=0.5, ngram_words=2, keep="longest", source_priority=("s2",))
    expected = run_stage(stage, rows, batch_rows=50)
    assert expected.rejects

    monkeypatch.setattr(in_memory, "PARTITIONS", partitions)
    monkeypatch.setattr(groups, "GROUP_SHINGLES", group)

    assert run_stage(stage, rows, batch_rows=10) == expected


def test_what_does_not_fit_in_memory_is_settled_in_a_file(monkeypatch):
    rows = template_rows(50, body_words=2)
    expected = run_stage(MinHashDedup(ngram_words=1), rows)

    monkeypatch.setattr(settle, "MOST_IN_MEMORY", 100)

    assert run_stage(MinHashDedup(ngram_words=1), rows) == expected


def test_the_account_has_shares_clusters_and_excerpts():
    rows = [{"source": "a", "text": f"{word} 一样的话"} for word in ("x", "x", "x", "y")]
    rows += [{"source": "b", "text": "x 一样的话"}, {"source": "b", "text": "别的"}]

    verdict = run_stage(MinHashDedup(alarm_share=0.49), rows, batch_rows=4).verdict

    sources = [row for row in verdict if row["table"] == "sources"]
    keys = ("source", "records", "duplicates", "share", "of_other_sources", "alarm")
    assert [[row[key] for key in keys] for row in sources] == [
        ["a", 4, 2, 0.5, 0, "lost more than 49%"],
        ["b", 2, 1, 0.5, 1, "lost more than 49%"],
    ]
    clusters = [row for row in verdict if row["table"] == "clusters"]
    assert [(row["size"], row["clusters"], row["records"]) for row in clusters] == [
        ("3 to 4", 1, 4)
    ]
    largest = [row for row in verdict if row["table"] == "largest"]
    assert [(row["kept_id"], row["excerpt"]) for row in largest] == [("test/1", "x 一样的话")]


def test_of_no_records_there_is_no_share_and_no_alarm():
    (row,) = add_counts([count_records([("a", 0)])], alarm_share=0.5).to_dicts()

    assert (row["records"], row["share"], row["alarm"]) == (0, None, None)


def test_a_source_that_sends_no_records_is_not_in_the_account(tmp_path):
    for name in ("a", "b"):
        lines = [json.dumps({"text": f"{name} text {n}"}) + "\n" for n in range(3)]
        (tmp_path / f"{name}.jsonl").write_text("".join(lines))
    (tmp_path / "empty.jsonl").write_text("")
    sources = [f'[[source]]\nname = "{n}"\npath = "{tmp_path}/{n}.jsonl"' for n in SOURCES]
    stage = '[[stage]]\nuse = "dedup.minhash"\nonly = ["b", "empty"]'
    output = f'[output]\npath = "{tmp_path}/out"\nformat = "text"'
    (tmp_path / "some.toml").write_text("\n".join([*sources, stage, output]))

    report = datakit.run(tmp_path / "some.toml", executor="local")

    assert report.alarms == []
    assert [(row["source"], row["records"]) for row in report.verdicts[0].rows] == [("b", 3)]
    text = (tmp_path / "out/_datakit/report.json").read_text()
    assert "NaN" not in text


def test_a_record_without_anything_to_compare_is_not_counted_as_compared():
    rows = [{"text": "x", "k": "ein Wort" if n < 10 else None} for n in range(100)]

    outcome = run_stage(MinHashDedup(on="k", alarm_share=0.8), rows)

    account = outcome.verdict[0]
    assert (account["records"], account["duplicates"], account["share"]) == (10, 9, 0.9)
    assert account["alarm"] == "lost more than 80%"


@pytest.mark.parametrize(
    "scores", [(0.5, None, 2.0, -3.0, 2.0, float("nan")), ("0.5", "", " 12 ", "-3", "2e0", None)]
)
def test_the_greatest_of_a_column_stays(scores):
    rows = [{"text": "一样的话", "score": score} for score in scores]

    outcome = run_stage(MinHashDedup(keep="best:score"), rows)

    assert [row["id"] for row in outcome.rows] == ["test/3"]


def test_a_column_without_numbers_cannot_choose():
    with pytest.raises(DatakitError, match=r"'score' holds 'good', which is no number"):
        run_stage(MinHashDedup(keep="best:score"), [{"text": "a", "score": "good"}])


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("threshold", {"threshold": 0.0}),
        ("threshold", {"threshold": 1.5}),
        ("alarm_share", {"alarm_share": 0.0}),
        ("num_perm", {"num_perm": 0}),
        ("num_perm", {"num_perm": 16, "threshold": 0.1}),
        ("ngram_words", {"ngram_words": 0}),
        ("ngram_chars", {"ngram_chars": 0}),
        ("keep", {"keep": "source"}),
        ("keep", {"keep": "longst"}),
        ("keep", {"keep": "best:"}),
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
