"""A data set on disk, as `datasets.load_from_disk` reads it."""

import json
from pathlib import Path

import datakit

PIPELINE = """
[pipeline]
name = "small"

[[source]]
name = "all"
path = "{folder}/in.jsonl"
fields = {{ conversation = "messages" }}

[[stage]]
use = "format.chat"

[[stage]]
use = "split.random"
val = 0.25
test = 0

[output]
path = "{folder}/out"
format = "datasets"
layout = "messages"
max_file_bytes = {size}
"""
TURNS = [{"role": "user", "content": "2024-01-01"}, {"role": "assistant", "content": "是"}]


def test_a_run_can_be_loaded_and_run_again(tmp_path: Path) -> None:
    from datasets import Dataset, load_from_disk

    lines = [json.dumps({"messages": TURNS}) for _ in range(40)]
    (tmp_path / "in.jsonl").write_text("\n".join(lines), encoding="utf-8")
    pipeline = tmp_path / "p.toml"
    for size in (1 << 20, 500):
        text = PIPELINE.format(folder=tmp_path, size=size)
        pipeline.write_text(text, encoding="utf-8")
        datakit.run(pipeline, workdir=tmp_path / "work", executor="local")

        found = load_from_disk(str(tmp_path / "out"))
        assert {name: rows.num_rows for name, rows in found.items()} == {"train": 30, "val": 10}
        assert found["train"][0] == {"messages": TURNS}
        assert Dataset.load_from_disk(str(tmp_path / "out" / "val")).num_rows == 10
    assert len(list((tmp_path / "out" / "train").glob("*.arrow"))) > 1
