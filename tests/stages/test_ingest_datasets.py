"""Records by way of the library datasets: saved directories and whatever it can load."""

import json

import pytest
from ingest_reading import kept, read_all, rejects

from datakit.errors import DatakitError, SettingsError, UsageError
from datakit.stages.ingest.hf_datasets import DatasetsSource

datasets = pytest.importorskip("datasets")


@pytest.fixture(autouse=True)
def _offline(tmp_path, monkeypatch):
    """Nothing is fetched, and nothing is cached outside the test's folder."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)


@pytest.fixture
def rows():
    return datasets.Dataset.from_dict(
        {
            "text": [f"第{n}条" for n in range(50)],
            "n": list(range(50)),
            "turns": [[{"role": "user", "content": "你好"}]] * 50,
        }
    )


def source(**settings):
    return DatasetsSource(name="s", **settings)


def test_saved_directory(tmp_path, rows):
    rows.save_to_disk(tmp_path / "saved")
    found = read_all(source(path=str(tmp_path / "saved"), text="text", fields=["turns"]))
    assert found["text"].to_list() == rows["text"][:]
    assert (found["id"][0], found["_line"][49]) == ("s/saved:1", 50)
    assert json.loads(found["turns"][0]) == [{"role": "user", "content": "你好"}]
    assert json.loads(found["meta"][7]) == {"n": 7}
    assert len(source(path=str(tmp_path / "saved")).shards(200)) > 5


def test_saved_directory_is_identified_by_its_files(tmp_path, rows):
    rows.save_to_disk(tmp_path / "saved")
    before = source(path=str(tmp_path / "saved")).inputs()
    rows.select(range(9)).save_to_disk(tmp_path / "saved")
    assert source(path=str(tmp_path / "saved")).inputs() != before


def test_directory_of_several_splits_needs_one_named(tmp_path, rows):
    splits = datasets.DatasetDict({"train": rows, "test": rows.select([1, 0])})
    splits.save_to_disk(tmp_path / "both")
    path = str(tmp_path / "both")
    assert read_all(source(path=path, split="test"))["text"].to_list() == ["第1条", "第0条"]
    assert source(path=path, split="test").shards(1 << 20)[0].file == "both/test"
    with pytest.raises(DatakitError, match='name one: split = "train", split = "test"'):
        source(path=path).shards(1)
    with pytest.raises(DatakitError, match="no split 'tests'; did you mean 'test'"):
        source(path=path, split="tests").shards(1)


def test_wrong_split_of_a_directory_of_one(tmp_path):
    path = str(tmp_path / "one")
    datasets.Dataset.from_dict({"text": ["a"]}, split="train").save_to_disk(path)
    assert kept(read_all(source(path=path, split="train")), "text") == [("a",)]
    with pytest.raises(DatakitError, match="one is one split, saved as 'train'"):
        source(path=path, split="test").shards(1)


def test_split_of_a_directory_without_splits(tmp_path):
    path = str(tmp_path / "one")
    datasets.Dataset.from_dict({"text": ["a"]}).save_to_disk(path)
    with pytest.raises(DatakitError, match="one has no splits; leave `split` out"):
        source(path=path, split="train").shards(1)


@pytest.fixture
def jsonl(tmp_path):
    lines = [json.dumps({"text": f"t{n}", "n": n}) for n in range(40)]
    (tmp_path / "in.jsonl").write_text("\n".join([*lines, '{"text": null, "n": 40}']))
    return {"path": "json", "data_files": str(tmp_path / "in.jsonl")}


@pytest.mark.parametrize("streaming", [False, True])
def test_loaded_or_streamed_rows_are_the_same(jsonl, streaming):
    found = read_all(source(load={**jsonl, "split": "train", "streaming": streaming}))
    assert [text for (text,) in kept(found, "text")] == [f"t{n}" for n in range(40)]
    assert (found["id"][0], found["meta"][3]) == ("s/json/train:1", '{"n":3}')
    assert [(line, reason) for line, reason, _ in rejects(found)] == [(41, "missing_field")]


def test_a_stream_is_packed_so_that_it_is_read_once(jsonl):
    (shard,) = source(load={**jsonl, "streaming": True}, split="train").shards(1 << 20)
    assert shard.packed
    assert shard.size > (1 << 20) // 4


def test_only_split_need_not_be_named(jsonl):
    assert read_all(source(load=jsonl)).height == 41


def test_part_of_a_split(jsonl):
    assert read_all(source(load=jsonl, split="train[:3]"))["text"].to_list() == ["t0", "t1", "t2"]


def test_loaded_data_are_identified_by_their_files(jsonl, tmp_path):
    before = source(load=jsonl).inputs()
    assert source(load=jsonl).inputs() == before
    (tmp_path / "in.jsonl").write_text('{"text": "other"}')
    assert source(load=jsonl).inputs() != before


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"split": "val"}, r"cannot be loaded by datasets: .*val.*\['train'\]"),
        ({"data_files": "nowhere.jsonl"}, "cannot be loaded by datasets: .*nowhere.jsonl"),
        ({"data_fies": "x"}, "cannot be loaded by datasets: .*data_fies"),
    ],
)
def test_what_cannot_be_loaded_is_an_error_of_ours(jsonl, change, said, streaming):
    with pytest.raises(DatakitError, match=said):
        read_all(source(load={**jsonl, "split": "train", "streaming": streaming, **change}))


@pytest.mark.parametrize("streaming", [False, True])
def test_missing_column_is_an_error(jsonl, streaming):
    with pytest.raises(DatakitError, match="has no column 'txt'; did you mean 'text'"):
        read_all(source(load={**jsonl, "split": "train", "streaming": streaming}, text="txt"))


def test_directory_that_is_no_data_set(tmp_path):
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(DatakitError, match="cannot be loaded by datasets"):
        source(path=str(tmp_path)).shards(1)
    with pytest.raises(UsageError, match="does not exist"):
        source(path=str(tmp_path / "gone")).inputs()


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({}, "path"),
        ({"path": "x", "load": {"path": "json"}}, "path"),
        ({"load": {"data_files": "x"}}, "load"),
        ({"load": {"path": "json", "split": "train"}, "split": "train"}, "split"),
        ({"path": "x", "on_malformed": "skip"}, "on_malformed"),
    ],
)
def test_settings_mistakes(settings, key):
    with pytest.raises(SettingsError) as error:
        source(**settings)
    assert error.value.key == key
