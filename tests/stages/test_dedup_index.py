"""dedup.minhash against records of earlier runs: sources that are references, saved indexes."""

import json
from pathlib import Path

import pytest

import datakit
from datakit import api
from datakit.errors import PipelineFileError
from datakit.stages.dedup.minhash import MinHashDedup
from datakit.testing import run_stage

OLD = ["本品用于治疗高血压，可单独使用。", "完全不同的一段文字，讲的是牛肉面。", "短"]
NEW = [
    "本品用于治疗高血压，可单独使用吧",
    "新的一段文字，讲的是怎样睡得好。",
    "短",
    "睡得好。新的一段文字，讲的是怎样",
]

PIPELINE = """
[pipeline]
name = "batch"
shard_bytes = "{shard}"
[[source]]
name = "{name}"
path = "{name}.jsonl"
id = "id"
[[stage]]
use = "dedup.minhash"
ngram_chars = 3
threshold = 0.7
{more}
[output]
path = "out_{name}"
format = "text"
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, texts in (("old", OLD), ("new", NEW)):
        rows = [{"id": f"{name}{n}", "text": text} for n, text in enumerate(texts)]
        Path(f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def run(name, more, shard="1 MiB"):
    path = Path(f"{name}.toml")
    path.write_text(PIPELINE.format(name=name, more=more, shard=shard), encoding="utf-8")
    return api.run(path, executor="local")


def rejects(name):
    lines = Path(f"out_{name}/_datakit/rejects/01-dedup.minhash.jsonl").read_text().splitlines()
    return {row["id"]: row for row in map(json.loads, lines)}


def duplicates_of(record):
    return [duplicate["id"] for duplicate in datakit.explain("out_new", record).duplicates]


def test_records_of_a_reference_source_stay_out_and_are_named():
    rows = [{"source": "old", "id": f"old{n}", "text": text} for n, text in enumerate(OLD)]
    rows += [{"source": "new", "id": f"new{n}", "text": text} for n, text in enumerate(NEW)]
    rows = rows[::-1]  # a reference comes first wherever it stands

    outcome = run_stage(MinHashDedup(ngram_chars=3, threshold=0.7, against=("old",)), rows)

    assert [row["id"] for row in outcome.rows] == ["new3"]
    found = {r["id"]: (r["reason"], r["values"].get("kept_id")) for r in outcome.rejects}
    assert found == {
        "old0": ("reference", None),
        "old1": ("reference", None),
        "old2": ("reference", None),
        "new0": ("near_duplicate", "old0"),
        "new1": ("near_duplicate", "new3"),
        "new2": ("near_duplicate", "old2"),
    }


def test_the_next_batch_is_compared_with_a_saved_index(folder):
    run("old", 'save_index = "indexes/old.index"')
    report = run("new", 'against_index = ["indexes/old.index"]')

    assert report.rows_out == 1
    found = rejects("new")
    assert {i: r["values"]["kept_id"] for i, r in found.items()} == {
        "new0": "old0",
        "new2": "old2",
        "new3": "new1",
    }
    assert found["new0"]["values"]["kept_source"] == "old"
    assert "rejected by 01 dedup.minhash" in str(datakit.explain("out_new", "new0").render())


def test_a_record_of_an_index_is_not_taken_for_one_of_the_run_with_the_same_id(folder):
    rows = [{"id": f"new{n}", "text": text} for n, text in enumerate(OLD, 1)]
    Path("old.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    run("old", 'save_index = "old.index"')
    report = run("new", 'against_index = ["old.index"]')

    values = {record: row["values"] for record, row in rejects("new").items()}
    assert {i: (v["kept_id"], v.get("kept_in")) for i, v in values.items()} == {
        "new0": ("new1", "old.index"),
        "new2": ("new3", "old.index"),
        "new3": ("new1", None),
    }
    assert duplicates_of("new1") == ["new3"]
    path = Path("out_new/_datakit/rejects/01-dedup.minhash.jsonl")
    path.write_text(path.read_text().replace('"kept_in":"old.index",', ""))
    assert duplicates_of("new1") == ["new3"], "of an older datakit's rejects the source tells"
    (row,) = [row for row in report.verdicts[0].rows if row["table"] == "sources"]
    assert (row["duplicates"], row["of_other_sources"], row["of_indexes"]) == (3, 0, 2)


def test_an_index_holds_what_stays_and_its_bytes_do_not_depend_on_shards(folder):
    run("new", 'save_index = "a.index"')
    whole = Path("a.index").read_bytes()

    report = run("new", 'save_index = "a.index"', shard="64 KiB")
    assert Path("a.index").read_bytes() == whole
    assert not report.reused

    assert run("new", 'save_index = "a.index"', shard="64 KiB").reused, "the index decides nothing"
    Path("a.index").unlink()
    run("new", 'save_index = "a.index"', shard="64 KiB")
    assert Path("a.index").read_bytes() == whole, "written again where it is missing"
    run("old", 'against_index = ["a.index"]')
    assert rejects("old").keys() == {"old0", "old2"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('against_index = ["a.index"]\nngram_words = 4', "made with ngram_words = 5, here it is 4"),
        ('against_index = ["new.jsonl"]', "new.jsonl cannot be read as an index"),
        ('against_index = ["missing.index"]', "there is no file 'missing.index'"),
        ('against = ["other"]', "names an unknown source 'other'"),
    ],
)
def test_an_index_that_does_not_fit_is_one_message(more, said, folder):
    run("new", 'save_index = "a.index"')

    with pytest.raises(PipelineFileError, match=said):
        run("old", more)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('save_index = "sub/../a.index"', "list both in against_index"),
        ('save_index = "sub"', "'sub' is a folder"),
    ],
)
def test_an_index_is_not_saved_over_one_that_is_read_nor_over_a_folder(more, said, folder):
    run("old", 'save_index = "a.index"')
    before = Path("a.index").read_bytes()
    Path("sub").mkdir()

    with pytest.raises(PipelineFileError, match=said) as error:
        run("new", f'against_index = ["a.index"]\n{more}')

    assert "save_index: " in str(error.value)
    assert Path("a.index").read_bytes() == before


def test_two_stages_do_not_save_one_index(folder):
    twice = 'save_index = "a.index"\n[[stage]]\nuse = "dedup.minhash"\nsave_index = "./a.index"'

    with pytest.raises(PipelineFileError, match="save_index is the file that stage 1 writes"):
        run("new", twice)

    assert not Path("a.index").exists()
