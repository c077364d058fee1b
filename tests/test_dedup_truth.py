"""dedup.minhash on real text with planted copies, against all pairs compared exactly."""

import itertools
import sys
from functools import cache
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "bench"))

from corpus import sample_texts
from dedup_quality import Truth
from planted import plant
from yardstick import by_script

from datakit.stages.dedup.minhash import MinHashDedup
from datakit.testing import run_stage


@cache
def texts(language):
    """Pieces of books and pages, some of one line, two of five records copies."""
    pieces = [piece[:400] for piece in sample_texts()[language][:100]]
    lines = [line for piece in pieces[:30] for line in piece.split("\n")[:3]]
    return [record.text for record in plant(pieces + lines, prefix=language, seed=3, share=0.4)]


@cache
def shingles(language):
    return [by_script(text) for text in texts(language)]


def jaccard(one, two):
    common = len(one & two)
    return common / max(1, len(one) + len(two) - common)


def remove_exactly(sets, order, threshold):
    """The records that go when each is compared with all before it that stay."""
    stays, gone = [], set()
    for record in order:
        if any(jaccard(sets[record], sets[other]) >= threshold for other in stays):
            gone.add(record)
        else:
            stays.append(record)
    return gone


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("threshold", "keep"), [(0.7, "first"), (0.8, "longest")])
def test_what_goes_is_what_exact_comparison_removes(language, threshold, keep):
    sets = shingles(language)
    stage = MinHashDedup(threshold=threshold, keep=keep)

    outcome = run_stage(stage, [{"text": text} for text in texts(language)])

    gone = {int(reject["id"].split("/")[1]) - 1: reject["values"] for reject in outcome.rejects}
    for record, values in gone.items():
        kept = int(values["kept_id"].split("/")[1]) - 1
        similarity = jaccard(sets[record], sets[kept])
        assert kept not in gone
        assert similarity >= threshold
        # Of the shingles of a text, hashed to 32 bits, two may be taken for one.
        assert values["similarity"] == pytest.approx(similarity, abs=2e-3)
    order = sorted(range(len(sets)), key=lambda n: -len(texts(language)[n]) * (keep == "longest"))
    removable = remove_exactly(sets, order, threshold)
    assert len(removable) > 50
    assert len(removable & gone.keys()) >= 0.99 * len(removable)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_join_of_the_benchmark_finds_exactly_the_similar_pairs(language):
    sets = shingles(language)[:100]

    found = Truth(texts(language)[:100], 0.7).similar

    pairs = itertools.combinations(range(100), 2)
    assert found == {
        (one, two): pytest.approx(jaccard(sets[one], sets[two]))
        for one, two in pairs
        if jaccard(sets[one], sets[two]) >= 0.7
    }
