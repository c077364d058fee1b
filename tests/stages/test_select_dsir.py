"""select.dsir: weights against a slow reference, the draw, whole runs, wrong settings."""

import json
import math
import random
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import datakit
from datakit.errors import DatakitError, SettingsError
from datakit.stages.select.dsir import DsirSelection
from datakit.stages.select.features import (
    count_buckets,
    divergence,
    from_table,
    log_ratios,
    make_features,
    to_table,
    weigh,
)
from datakit.testing import run_stage

MEDICAL = ["麻黄", "桂枝", "杏仁", "甘草", "发汗", "解表", "宣肺", "平喘", "风寒", "头痛"]
GENERAL = ["股票", "市场", "投资", "基金", "银行", "利率", "经济", "增长", "政策", "贸易"]


def make_rows(count: int = 60) -> list[dict[str, str]]:
    """Medical records, and candidates of which every fourth is medical."""
    chance = random.Random(5)
    rows = []
    for n in range(count):
        words = MEDICAL if n % 3 == 0 or n % 4 == 0 else GENERAL
        text = "".join(chance.choice(words) for _ in range(60))
        rows.append({"id": f"r{n}", "source": "medical" if n % 3 == 0 else "web", "text": text})
    return rows


def select(rows: list[dict[str, str]], **settings: Any) -> list[str]:
    outcome = run_stage(DsirSelection(target=("medical",), **settings), rows)
    return [row["id"] for row in outcome.rows if row["source"] == "web"]


def slow_weights(target: list[str], raw: list[str]) -> list[float]:
    """Log-ratios of single words and pairs, none of which share a bucket."""

    def grams(text: str) -> list[tuple[str, ...]]:
        words = text.split()
        return [*zip(words), *pairwise(words)]

    counts = [Counter(g for text in texts for g in grams(text)) for texts in (target, raw)]
    shares = [{g: n / max(c.total(), 1) for g, n in c.items()} for c in counts]

    def ratio(gram: tuple[str, ...]) -> float:
        return math.log(shares[0].get(gram, 0) + 1e-8) - math.log(shares[1].get(gram, 0) + 1e-8)

    return [sum(map(ratio, grams(text))) for text in raw]


TEXTS = st.lists(st.lists(st.sampled_from("abcde"), max_size=9).map(" ".join), max_size=5)


@settings(max_examples=50)
@given(TEXTS, TEXTS)
def test_weights_are_those_of_the_reference(target: list[str], raw: list[str]) -> None:
    features = [
        make_features(pl.Series(texts, dtype=pl.String), ngram_size=2, buckets=1 << 30)
        for texts in (target, raw)
    ]
    # So many buckets for counting would be large: the few that occur are numbered.
    used = np.unique(np.concatenate([f.buckets for each in features for f in each]))
    features = [
        [f._replace(buckets=np.searchsorted(used, f.buckets).astype(np.uint64)) for f in each]
        for each in features
    ]
    counts = [count_buckets(each, max(used.size, 1)) for each in features]

    weights = weigh(features[1], log_ratios(*counts), chunk_units=0)

    assert weights.tolist() == pytest.approx(slow_weights(target, raw), abs=1e-4)


def test_features_come_back_from_their_table() -> None:
    features = make_features(pl.Series(["麻黄 ab", "", "x"]), ngram_size=2, buckets=1000)

    again = list(from_table(to_table(features, 1000)))

    assert [f.lengths.tolist() for f in again] == [[3, 0, 1], [2, 0, 0]]
    for one, other in zip(features, again, strict=True):
        assert np.array_equal(one.buckets, other.buckets)
        assert np.array_equal(one.lengths, other.lengths)


def test_divergence_is_nothing_from_itself_and_none_from_nothing() -> None:
    counts = np.array([1, 2, 0])

    assert divergence(counts, counts) == 0
    assert divergence(counts, np.array([2, 1, 0])) == pytest.approx(math.log(2) / 3, abs=1e-6)
    assert divergence(counts, np.zeros(3, dtype=np.int64)) is None


def test_the_draw_prefers_what_is_like_the_target() -> None:
    rows = make_rows()
    medical = {row["id"] for row in rows if row["source"] == "web" and int(row["id"][1:]) % 4 == 0}

    chosen = select(rows, fraction=0.25)

    assert len(chosen) == 10
    assert set(chosen) == medical


def test_noise_draws_by_seed_and_id_and_without_it_the_heaviest_go_first() -> None:
    rows = make_rows()
    settings = {"fraction": 0.1, "chunk_units": 1}

    one, again, other = (select(rows, seed=seed, **settings) for seed in (1, 1, 2))

    assert one == again != other
    assert len(one) == len(other) == 4
    still = [select(rows, seed=seed, noise=False, **settings) for seed in (1, 2)]
    assert still[0] == still[1]


def test_results_do_not_depend_on_batches() -> None:
    stage = DsirSelection(target=("medical",), fraction=0.3, seed=4)
    rows = make_rows()

    together = run_stage(stage, rows)

    for size in (1, 7):
        parted = run_stage(stage, rows, batch_rows=size)
        assert (parted.rows, parted.rejects) == (together.rows, together.rejects)


def test_the_report_tells_what_came_nearer_to_the_target() -> None:
    [row] = run_stage(DsirSelection(target=("medical",), fraction=0.25), make_rows()).verdict

    assert (row["source"], row["records"], row["selected"]) == ("web", 40, 10)
    assert row["divergence_selected"] < row["divergence"]
    assert row["mean_weight_selected"] > 0 > row["mean_weight"]


def test_a_source_of_which_nothing_is_chosen_has_no_divergence() -> None:
    stage = DsirSelection(target=("medical",), budget=1)
    rows = [*make_rows(), {"id": "b", "source": "blog", "text": "完全不同的内容"}]

    chosen = {row["source"]: row for row in run_stage(stage, rows).verdict}

    assert chosen["blog"]["divergence_selected"] is None


def test_a_target_without_text_is_an_error() -> None:
    with pytest.raises(DatakitError, match="'medical' has no text"):
        select([{"id": "a", "source": "web", "text": "x"}], fraction=0.5)


def test_conversations_are_weighed_over_their_messages() -> None:
    rows = [
        {"source": "medical", "messages": [{"role": "user", "content": "麻黄汤发汗解表"}]},
        {"source": "web", "messages": [{"role": "user", "content": "股票市场大涨了"}]},
        {"source": "web", "messages": [{"role": "assistant", "content": "麻黄汤发汗解"}]},
        {"source": "web", "messages": []},
    ]
    stage = DsirSelection(target=("medical",), budget=1, min_units=1, noise=False)

    assert run_stage(stage, rows).reasons == ["not_selected", "too_few_units"]


PIPELINE = """
[pipeline]
name = "select"
shard_bytes = {shard_bytes}
[[source]]
name = "medical"
path = "{folder}/medical.jsonl"
id = "id"
[[source]]
name = "web"
path = "{folder}/web.jsonl"
id = "id"
[[stage]]
use = "select.dsir"
target = ["medical"]
budget = 15000
unit = "chars"
[output]
path = "{folder}/out-{shard_bytes}"
format = "jsonl"
"""


@pytest.mark.parametrize("shard_bytes", [1 << 16, 1 << 20])
def test_whole_runs_choose_what_the_stage_alone_does(tmp_path: Path, shard_bytes: int) -> None:
    rows = make_rows(600)
    for source in ("medical", "web"):
        lines = [
            json.dumps({"id": r["id"], "text": r["text"]}) for r in rows if r["source"] == source
        ]
        (tmp_path / f"{source}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    path = tmp_path / "select.toml"
    path.write_text(PIPELINE.format(folder=tmp_path, shard_bytes=shard_bytes), encoding="utf-8")

    report = datakit.run(path, executor="local")

    wanted = select(rows, budget=15000, unit="chars", seed=report.seed)
    written = report.counts.written["train", "web"]
    assert written == len(wanted) == report.verdicts[0].rows[0]["selected"]
    [file] = (tmp_path / f"out-{shard_bytes}" / "train").glob("*.jsonl")
    texts = {row["id"]: row["text"] for row in rows}
    lines = [json.loads(line)["text"] for line in file.read_text("utf-8").splitlines()]
    assert lines[-written:] == [texts[each] for each in wanted]


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"target": ()}, "target"),
        ({}, "fraction"),
        ({"fraction": 0.5, "budget": 5}, "fraction"),
        ({"fraction": 0.0}, "fraction"),
        ({"budget": 0}, "budget"),
        ({"fraction": 0.5, "buckets": 1}, "buckets"),
        ({"fraction": 0.5, "ngram_size": 0}, "ngram_size"),
        ({"fraction": 0.5, "chunk_units": -1}, "chunk_units"),
        ({"fraction": 0.5, "min_units": 0}, "min_units"),
        ({"fraction": 0.5, "unit": "bytes"}, "unit"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        DsirSelection(**{"target": ("medical",), **settings})

    assert caught.value.key == key
