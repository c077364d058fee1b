"""MDS shards, read back by the format's description."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from trainer_cases import reasons, sink_of
from write_cases import ONE_TURN, TWO_TURNS, row

from datakit.errors import DatakitError
from datakit.stage import WrittenFile
from datakit.stages.write import mds
from datakit.testing import make_batch


def read_shard(path: Path) -> list[dict[str, Any]]:
    """The samples of a shard, an independent reader."""
    data = path.read_bytes()
    (count,) = struct.unpack_from("<I", data)
    places = struct.unpack_from(f"<{count + 1}I", data, 4)
    config = json.loads(data[4 * (count + 2) : places[0]])
    names, kinds = config["column_names"], config["column_encodings"]
    assert places[-1] == len(data)
    assert names == sorted(names)
    samples = []
    for place in places[:-1]:
        sizes = struct.unpack_from(f"<{len(names)}I", data, place)
        place += 4 * len(names)
        sample = {}
        for name, kind, size in zip(names, kinds, sizes, strict=True):
            value = data[place : place + size].decode()
            sample[name] = json.loads(value) if kind == "json" else value
            place += size
        samples.append(sample)
    return samples


@pytest.mark.parametrize(
    ("layout", "rows", "expected"),
    [
        ("text", [{"text": "数据"}, {"text": "b"}], [{"text": "数据"}, {"text": "b"}]),
        (
            "chat",
            [row(ONE_TURN), row(TWO_TURNS)],
            [{"messages": ONE_TURN}, {"messages": TWO_TURNS}],
        ),
        (
            "prompt_completion",
            [row(ONE_TURN)],
            [{"prompt": ONE_TURN[0]["content"], "completion": ONE_TURN[1]["content"]}],
        ),
    ],
)
def test_shards_read_back(
    layout: str, rows: list[Any], expected: list[dict[str, Any]], tmp_path: Path
) -> None:
    sink, path = sink_of("mds", layout=layout), tmp_path / "a.mds"
    table = sink.encode(make_batch(rows)).drop_columns("_size")
    sink.write(iter([table.slice(0, 1), table.slice(1)]), path)

    assert read_shard(path) == expected
    (text,) = sink.companions("n", [WrittenFile("train/a.mds", "train", 2, 9, "")]).values()
    (shard,) = json.loads(text)["shards"]
    assert shard["raw_data"] == {"basename": "a.mds", "bytes": 9, "hashes": {}}
    assert shard["samples"] == 2


def test_what_does_not_fit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row(ONE_TURN), row(TWO_TURNS)]

    assert reasons("mds", rows, layout="prompt_completion") == [None, "has_system"]
    monkeypatch.setattr(mds, "MOST_BYTES", 100)
    sink = sink_of("mds", layout="chat")
    table = sink.encode(make_batch(rows)).drop_columns("_size")
    with pytest.raises(DatakitError, match="4 GiB"):
        sink.write(iter([table]), tmp_path / "a.mds")
