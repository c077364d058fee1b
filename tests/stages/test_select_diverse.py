"""select.diverse: against slow references, however the input is cut; vectors; wrong settings."""

import json
import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from model2vec import StaticModel
from tokenizers import Tokenizer, models, pre_tokenizers

import datakit
from datakit.errors import DatakitError, SettingsError
from datakit.executors import in_memory
from datakit.stages.select import greedy
from datakit.stages.select.diverse import DiverseSelection
from datakit.stages.select.greedy import take_dissimilar, take_farthest
from datakit.stages.select.vectors import (
    LENGTH,
    from_column,
    hash_texts,
    norms_of,
    read_embeddings,
    subtract_mean,
    to_column,
    to_length,
)
from datakit.testing import run_stage

WORDS = [
    "麻黄",
    "桂枝",
    "杏仁",
    "甘草",
    "发汗",
    "解表",
    "股票",
    "市场",
    "投资",
    "基金",
    "银行",
    "利率",
]


def make_rows(count: int = 80) -> list[dict[str, Any]]:
    """Texts of few words, so that some are alike; every sixteenth is a copy."""
    chance = random.Random(3)
    rows: list[dict[str, Any]] = []
    for n in range(count):
        text = "".join(chance.choice(WORDS) for _ in range(8))
        copied = rows[n - 5]["text"] if n % 16 == 7 else text
        rows.append({"id": f"r{n}", "source": "ab"[n % 2], "text": copied, "score": n % 4})
    return rows


def make_vectors(seed: int, count: int) -> Any:
    chance = np.random.default_rng(seed)
    return to_length(chance.integers(-2, 3, (count, 4)) + 0.1)


def cosine(vectors: Any, i: int, j: int) -> float:
    dot = int(vectors[i].astype(np.int64) @ vectors[j].astype(np.int64))
    norms = norms_of(vectors)
    return float(dot / (norms[i] * norms[j]))


def slow_nearest(vectors: Any, i: int, taken: list[int]) -> tuple[int, float]:
    best, value = -1, -np.inf
    for k in taken:
        if cosine(vectors, i, k) > value:
            best, value = k, cosine(vectors, i, k)
    return best, value


LIMITS = st.sampled_from([0.2, 0.6, 0.9, 1.0])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 999), st.integers(1, 30), LIMITS, st.integers(0, 30), st.integers(1, 9))
def test_what_is_taken_by_order_is_what_the_reference_takes(
    seed: int, count: int, threshold: float, budget: int, block: int
) -> None:
    vectors = make_vectors(seed, count)
    taken: list[int] = []
    nearest = []
    for i in range(count):
        if len(taken) == budget:
            break
        nearest.append(slow_nearest(vectors, i, taken))
        if nearest[-1][1] < threshold:
            taken.append(i)

    blocks = (vectors[start : start + block] for start in range(0, count, block))
    choice = take_dissimilar(blocks, threshold=threshold, budget=budget)

    assert np.flatnonzero(choice.is_taken).tolist() == taken
    seen = len(nearest)
    found = list(zip(choice.nearest.tolist(), choice.similarity.tolist(), strict=True))
    assert found[:seen] == nearest
    assert set(found[seen:]) <= {(-1, -np.inf)}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 999), st.integers(1, 20), LIMITS, st.integers(1, 20))
def test_the_farthest_are_those_of_the_reference(
    seed: int, count: int, threshold: float, budget: int
) -> None:
    vectors = make_vectors(seed, count)
    taken = [0]
    while len(taken) < min(budget, count):
        rest = [i for i in range(count) if i not in taken]
        farthest = min(rest, key=lambda i: (slow_nearest(vectors, i, taken)[1], i))
        if slow_nearest(vectors, farthest, taken)[1] >= threshold:
            break
        taken.append(farthest)

    choice = take_farthest(vectors, threshold=threshold, budget=budget)

    assert np.flatnonzero(choice.is_taken).tolist() == sorted(taken)
    for i in set(range(count)) - set(taken):
        assert choice.similarity[i] == slow_nearest(vectors, i, taken)[1]
        assert cosine(vectors, i, choice.nearest[i]) == choice.similarity[i]


def test_many_kept_are_searched_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = make_vectors(1, 60)
    whole = take_dissimilar([vectors], threshold=1.0, budget=60)

    monkeypatch.setattr(greedy, "KEPT_BLOCK", 7)
    pieces = take_dissimilar(np.array_split(vectors, 9), threshold=1.0, budget=60)

    for one, other in zip(whole, pieces, strict=True):
        assert one.tolist() == other.tolist()


@pytest.mark.parametrize("method", ["score_first", "k_center"])
@pytest.mark.parametrize("partitions", [1, 3])
def test_neither_batches_nor_partitions_change_anything(
    method: Any, partitions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = DiverseSelection(method=method, score="score", budget=30, threshold=0.6, seed=4)
    expected = run_stage(stage, make_rows())
    assert len(set(expected.reasons)) == 2

    monkeypatch.setattr(in_memory, "PARTITIONS", partitions)
    for size in (1, 7):
        outcome = run_stage(stage, make_rows(), batch_rows=size)
        assert (outcome.rows, outcome.rejects) == (expected.rows, expected.rejects)
        assert outcome.verdict == expected.verdict


@pytest.mark.parametrize("method", ["score_first", "k_center"])
def test_rejects_name_a_record_that_stays_and_the_report_adds_up(method: Any) -> None:
    rows = make_rows()

    outcome = run_stage(DiverseSelection(method=method, threshold=0.4), rows)

    stay = {row["id"] for row in outcome.rows}
    assert set(outcome.reasons) == {"too_similar"}
    assert all(r["values"]["kept_id"] in stay for r in outcome.rejects)
    assert all(r["values"]["similarity"] >= 0.4 for r in outcome.rejects)
    sums = {
        key: sum(row[key] for row in outcome.verdict)
        for key in outcome.verdict[0]
        if key != "source"
    }
    assert sums == {
        "records": len(rows),
        "selected": len(stay),
        "too_similar": len(outcome.rejects),
        "beyond_budget": 0,
    }


def test_copies_are_alike_and_the_order_is_by_score_then_by_seed() -> None:
    rows = make_rows()
    best = [row for row in rows if row["score"] == 3]

    one, again, other = (
        [
            row["id"]
            for row in run_stage(DiverseSelection(score="score", budget=9, seed=s), rows).rows
        ]
        for s in (1, 1, 2)
    )

    assert one == again != other
    assert set(one) | set(other) <= {row["id"] for row in best}
    copies = [{"text": "麻黄汤发汗解表"}] * 3
    assert run_stage(DiverseSelection(), copies).reasons == ["too_similar"] * 2
    alone = run_stage(DiverseSelection(threshold=1.0), copies)
    assert [r["values"]["similarity"] for r in alone.rejects] == [1.0, 1.0]


def test_a_fraction_is_of_what_can_be_compared() -> None:
    rows = [*make_rows(10), *({"id": f"e{n}", "text": "。"} for n in range(10))]

    outcome = run_stage(DiverseSelection(fraction=0.5, threshold=1.0), rows)

    assert len(outcome.rows) == 5
    assert outcome.reasons.count("nothing_to_compare") == 10


def test_nothing_at_all_to_compare() -> None:
    outcome = run_stage(DiverseSelection(budget=3), [{"text": ""}, {"text": None}])

    assert outcome.reasons == ["nothing_to_compare"] * 2


def slow_hash_counts(text: str) -> dict[str, float]:
    words = list(text)
    grams = words + ["".join(pair) for pair in pairwise(words)]
    return {gram: grams.count(gram) ** 0.5 for gram in grams}


def test_cosines_of_hashed_texts_are_near_those_of_their_counts() -> None:
    texts = [row["text"] for row in make_rows(40)]
    counts = [slow_hash_counts(text) for text in texts]
    vectors = hash_texts(pl.Series(texts), ngram_size=2, dimensions=2048)

    for i in range(0, 40, 3):
        for j in range(i):
            dot = sum(counts[i][g] * counts[j].get(g, 0.0) for g in counts[i])
            sizes = [sum(v * v for v in counts[k].values()) ** 0.5 for k in (i, j)]
            assert cosine(vectors, i, j) == pytest.approx(dot / (sizes[0] * sizes[1]), abs=0.12)


def test_vectors_of_a_text_do_not_depend_on_its_neighbours() -> None:
    texts = pl.Series([row["text"] for row in make_rows(20)] + ["", None, "one two one"])

    together = hash_texts(texts, ngram_size=3, dimensions=64)

    alone = [hash_texts(texts[n : n + 1], ngram_size=3, dimensions=64)[0] for n in range(23)]
    assert np.array_equal(together, np.stack(alone))
    assert not together[20].any()
    assert not together[21].any()
    assert np.allclose(norms_of(together[[0, 22]]), LENGTH, atol=8)


def test_vectors_come_back_from_their_column_and_sums_stay_exact() -> None:
    vectors = make_vectors(5, 7)

    assert np.array_equal(from_column(to_column(vectors)), vectors)
    wide = to_length(np.random.default_rng(1).normal(size=(4, 8192)))
    assert norms_of(wide).max() ** 2 < 2**24
    exact = wide.astype(np.int64) @ wide.T.astype(np.int64)
    assert (wide.astype(np.float32) @ wide.T.astype(np.float32)).tolist() == exact.tolist()


def test_what_all_have_in_common_is_taken_away() -> None:
    vectors = to_length(np.array([[9.0, 1.0], [9.0, -1.0], [9.0, 0.0]]))

    centred = subtract_mean(vectors, vectors.mean(axis=0))

    assert cosine(vectors, 0, 1) > 0.9
    assert cosine(centred, 0, 1) < -0.9


@pytest.mark.parametrize(
    "values",
    [
        pl.Series("v", [[3, 4], None, [0, 0]], dtype=pl.List(pl.Int64)),
        pl.Series("v", [[3.0, 4.0], None, [0.0, 0.0]], dtype=pl.Array(pl.Float32, 2)),
        pl.Series("v", ["[3, 4.0]", "", "[0, 0]"]),
        pl.Series("v", ["[3, 4.0]", None, "[]"]),
    ],
)
def test_embeddings_are_read_from_lists_and_from_their_json(values: pl.Series) -> None:
    vectors, has_vector = read_embeddings(values)

    assert vectors.tolist() == [[2400, 3200], [0, 0], [0, 0]]
    assert has_vector.tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([[1.0], [1.0, 2.0]], "vectors of 1 and 2 numbers"),
        (["[1, 2", "[1, 2]"], "holds no list of numbers"),
        (["words"], "holds no list of numbers"),
        ([1.0], "not lists of numbers"),
        ([[1.0, float("nan")]], "no numbers"),
        ([[1.0, None]], "no numbers"),
    ],
)
def test_embeddings_that_cannot_be_are_errors(values: list[Any], message: str) -> None:
    rows = [{"text": "a", "v": value} for value in values]

    with pytest.raises(DatakitError, match=message):
        run_stage(DiverseSelection(embedding="v"), rows)


def test_embeddings_of_two_lengths_in_two_batches_are_an_error() -> None:
    rows = [{"text": "a", "v": [1.0]}, {"text": "a"}, {"text": "b", "v": [1.0, 2.0]}]

    with pytest.raises(DatakitError, match="vectors of 1 and 2 numbers"):
        run_stage(DiverseSelection(embedding="v"), rows, batch_rows=1)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A static model of four words."""
    words = {"[UNK]": 0, "doctor": 1, "physician": 2, "bank": 3, "loan": 4}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    vectors = np.array([[0, 0, 0], [1, 0, 0], [1, 0.1, 0], [0, 0, 1], [0, 1, 1]], dtype=np.float32)
    folder = tmp_path_factory.mktemp("model")
    StaticModel(vectors, tokenizer).save_pretrained(folder)
    return folder


def test_a_static_model_says_what_is_alike(model: Path) -> None:
    texts = ["doctor", "bank", "physician", "doctor bank", "loan", "unknown"]
    rows = [{"id": text, "text": text, "score": -n} for n, text in enumerate(texts)]
    stage = DiverseSelection(score="score", model=model)

    outcome = run_stage(stage, rows)

    assert [row["id"] for row in outcome.rows] == ["doctor", "bank", "doctor bank", "loan"]
    assert outcome.reasons == ["too_similar", "nothing_to_compare"]
    assert outcome.rejects[0]["values"]["kept_id"] == "doctor"
    assert run_stage(stage, rows, batch_rows=1).rejects == outcome.rejects
    assert all(path.is_file() for path in stage.files)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"has no config.json, model.safetensors"):
        DiverseSelection(model=tmp_path)


PIPELINE = """
[pipeline]
name = "select"
shard_bytes = {shard_bytes}
[[source]]
name = "web"
path = "{folder}/web.jsonl"
id = "id"
text = "text"
fields = ["score", "vector"]
[[stage]]
use = "select.diverse"
score = "score"
budget = 100
{settings}
[output]
path = "{folder}/out"
format = "jsonl"
layout = "records"
"""


@pytest.mark.parametrize(
    "settings", ['method = "score_first"', 'method = "k_center"', 'embedding = "vector"']
)
def test_whole_runs_choose_what_the_stage_alone_does(tmp_path: Path, settings: str) -> None:
    rows = [{**row, "source": "web"} for row in make_rows(900)]
    for n, row in enumerate(rows):
        row["vector"] = [n % 7 + 0.5, n % 11, n % 13 - 6, n % 17]
    lines = [json.dumps({k: v for k, v in row.items() if k != "source"}) for row in rows]
    (tmp_path / "web.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = []
    executors = ("pool" if "score" in settings else "local", "local")
    for shard_bytes, executor in zip((1 << 16, 1 << 20), executors, strict=True):
        path = tmp_path / "select.toml"
        text = PIPELINE.format(folder=tmp_path, shard_bytes=shard_bytes, settings=settings)
        path.write_text(text, encoding="utf-8")
        out = tmp_path / f"out-{shard_bytes}"
        report = datakit.run(
            path, output=out, executor=executor, workers=2 if executor == "pool" else None
        )
        [file] = (out / "train").glob("*.jsonl")
        found.append([json.loads(line)["id"] for line in file.read_text("utf-8").splitlines()])
        assert report.is_balanced
        assert report.verdicts[0].rows[0]["selected"] == len(found[-1])

    key, _, value = settings.partition(" = ")
    stage = DiverseSelection(score="score", budget=100, seed=report.seed, **{key: value.strip('"')})
    assert found[0] == found[1] == [row["id"] for row in run_stage(stage, rows).rows]


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"method": "kmeans"}, "method"),
        ({"budget": 5, "fraction": 0.5}, "fraction"),
        ({"budget": 0}, "budget"),
        ({"fraction": 1.5}, "fraction"),
        ({"threshold": 0.0}, "threshold"),
        ({"on": "_file"}, "on"),
        ({"ngram_size": 0}, "ngram_size"),
        ({"dimensions": 8}, "dimensions"),
        ({"model": Path("models/none")}, "model"),
        ({"model": Path("models/none"), "embedding": "v"}, "model"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        DiverseSelection(**settings)

    assert caught.value.key == key
