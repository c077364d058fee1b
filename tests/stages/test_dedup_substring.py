"""dedup.substring against all pairs of passages, and what it promises."""

import random
from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datakit.errors import SettingsError
from datakit.executors import in_memory
from datakit.stages.dedup.substring import SubstringDedup
from datakit.testing import run_stage

SENTENCES = ["Aaaaaa.", "Bbbbb bb.", "Ccccccccc.", "丁丁丁丁丁丁。", "Eeee?", "戊戊戊戊戊戊戊戊！"]
ROWS = st.lists(st.lists(st.sampled_from(SENTENCES), max_size=9), min_size=1, max_size=8)
LEAST = 16


def runs(sentences):
    """All runs of sentences of at least LEAST characters."""
    for first in range(len(sentences)):
        for last in range(first, len(sentences)):
            if sum(map(len, sentences[first : last + 1])) >= LEAST:
                yield first, last


def just_long_enough(sentences):
    """Of those, the ones that are too short without their first, or their last, sentence."""
    for first, last in runs(sentences):
        size = sum(map(len, sentences[first : last + 1]))
        if size - len(sentences[first]) < LEAST or size - len(sentences[last]) < LEAST:
            yield first, last


def by_hand(rows):
    """The numbers of the sentences of each record that are cut, and which records hold the first
    of what others lose."""
    first_places, goes, stays = {}, defaultdict(set), defaultdict(set)
    for n, sentences in enumerate(rows):
        for first, last in sorted(just_long_enough(sentences), key=lambda run: run[0]):
            key = tuple(sentences[first : last + 1])
            there = set(range(first, last + 1))
            if key in first_places:
                goes[n] |= there
                holder, kept = first_places[key]
                stays[holder] |= kept
            else:
                first_places[key] = n, there
    return [goes[n] - stays[n] for n in range(len(rows))], set(stays) - {
        n for n in stays if not stays[n]
    }


@settings(max_examples=100)
@given(rows=ROWS, batch_rows=st.integers(1, 8), share=st.sampled_from([0.5, 1.0]))
def test_what_goes_is_what_is_found_by_hand_and_stands_elsewhere(rows, batch_rows, share):
    stage = SubstringDedup(min_chars=LEAST, max_removed_share=share)
    texts = [" ".join(sentences) for sentences in rows]

    outcome = run_stage(stage, [{"text": text} for text in texts], batch_rows=batch_rows)

    cut, holders = by_hand(rows)
    expected = {}
    for n, sentences in enumerate(rows):
        left = [s for m, s in enumerate(sentences) if m not in cut[n]]
        lost, total = (len("".join(part).replace(" ", "")) for part in (set(), sentences))
        lost = total - len("".join(left).replace(" ", ""))
        if lost and (lost == total or lost / total > share):
            left = sentences if n in holders else None
        if left is not None:
            expected[f"test/{n + 1}"] = "".join("".join(left).split())
    found = {row["id"]: "".join(row["text"].split()) for row in outcome.rows}
    assert found == expected
    # The promise: each sentence that is gone lies in a long enough run that stands somewhere yet.
    for n, sentences in enumerate(rows):
        for m in cut[n]:
            around = [r for r in runs(sentences) if r[0] <= m <= r[1]]
            assert any(
                "".join("".join(sentences[a : b + 1]).split()) in text
                for a, b in around
                for text in found.values()
            )


@given(rows=ROWS)
def test_nothing_shorter_is_touched_and_all_that_two_records_share_is_found(rows):
    whole = [" ".join(sentences) for sentences in rows]

    outcome = run_stage(SubstringDedup(min_chars=LEAST, max_removed_share=1.0), [
        {"text": text} for text in whole
    ])  # fmt: skip

    seen, has_repeats = set(), False
    for sentences in rows:
        for first, last in runs(sentences):
            key = tuple(sentences[first : last + 1])
            has_repeats |= key in seen
            seen.add(key)
    changed = [row["text"] for row in outcome.rows] != whole
    assert changed <= has_repeats
    assert outcome.verdict or not has_repeats


@pytest.mark.parametrize("edges", ["sentence", "word"])
@pytest.mark.parametrize("partitions", [1, 64])
def test_neither_partitions_nor_batches_matter(edges, partitions, monkeypatch):
    common = "这一段话在许多篇里都有，一字不差，连标点都一样，所以只留下第一处，其余的都要去掉。"
    more = "It was written by nobody in particular, and copied by many others without a thought. "
    rows = [
        {"text": f"第{n}篇的开头{n * 7}，" + (common + more) * (n % 3 > 0) + f"第{n}篇的结尾{n}。"}
        for n in range(20)
    ]
    stage = SubstringDedup(min_chars=40, edges=edges)
    expected = run_stage(stage, rows)

    monkeypatch.setattr(in_memory, "PARTITIONS", partitions)

    assert run_stage(stage, rows, batch_rows=3) == expected
    assert sum("nobody in particular" in row["text"] for row in expected.rows) == 1
    assert all(row["text"].startswith("第") for row in expected.rows)


def test_word_edges_come_close_to_where_a_repeat_begins_and_ends():
    quote = " ".join(f"word{n * 7919 % 1000}" for n in range(120))
    han = "".join(chr(0x4E00 + n * 7919 % 20000) for n in range(300))
    rows = [
        {"text": f"Start {n} with {quote} and end {n * n}. 开头{n}又{han}结尾{n}"} for n in (1, 2)
    ]

    texts = [
        r["text"] for r in run_stage(SubstringDedup(edges="word", max_removed_share=1.0), rows).rows
    ]

    words = texts[1].split()
    assert words[:3] == ["Start", "2", "with"]
    assert "结尾2" in words[-1]
    # The two ends of what is left of the quotation lie within some 30 characters of its own.
    left = len(texts[1]) - (len(texts[0]) - len(quote) - len(han))
    assert 0 <= left < 4 * 60
    assert all(word in rows[1]["text"].split() for word in words[:-1])


def test_a_passage_little_longer_than_asked_for_is_found_by_words():
    """Pieces have a greatest length, so that few letters are lost at either end."""
    chance = random.Random(3)

    def words(count):
        return " ".join("".join(chance.choices("abcdefghij", k=5)) for _ in range(count))

    quotes = [words(60) for _ in range(100)]
    rows = [{"text": f"{words(30)} {quote} {words(30)}"} for quote in quotes for _ in range(2)]

    outcome = run_stage(SubstringDedup(edges="word", max_removed_share=1.0), rows)

    left = [len(row["text"]) - 2 * 180 for row in outcome.rows[1::2]]
    assert sum(chars < 130 for chars in left) >= 95


def test_the_report_lists_passages_once_a_record():
    passage = "One sentence stands here. Another one follows it. A third one ends it all."
    rows = [{"text": f"Record {n}, by itself. {passage} The end of {n}."} for n in range(5)]

    verdict = run_stage(SubstringDedup(min_chars=30), rows).verdict

    assert [(row["text"], row["count"], row["records"]) for row in verdict] == [
        ("One sentence stands here. Another one follows it.", 5, 5)
    ]


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("min_chars", {"min_chars": 9}),
        ("max_removed_share", {"max_removed_share": -0.5}),
        ("roles", {"roles": ("doctor",)}),
    ],
)
def test_settings_that_cannot_be(key, wrong):
    with pytest.raises(SettingsError) as error:
        SubstringDedup(**wrong)

    assert error.value.key == key
