"""What breaks trainers' loaders is nowhere in what the sinks write, whatever the layout."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from trainer_cases import REJECTED, TOOLS, sink_of
from write_cases import ANSWER, ASK, ONE_TURN, TWO_TURNS, WITH_TOOLS, row

import datakit
from datakit.testing import make_batch

TURNS = ["conversations", "system", "tools"]
COLUMNS: dict[tuple[str, str], list[str]] = {
    ("llamafactory", "sharegpt"): TURNS,
    ("llamafactory", "openai"): ["messages", "system", "tools"],
    ("llamafactory", "alpaca"): ["instruction", "input", "output", "system", "history"],
    ("llamafactory", "pretrain"): ["text"],
    ("llamafactory", "ranking"): [*TURNS, "chosen", "rejected"],
    ("llamafactory", "kto"): [*TURNS, "kto_tag"],
    ("trl", "conversational"): ["messages"],
    ("trl", "language_modeling"): ["text"],
    ("trl", "prompt_completion"): ["prompt", "completion"],
    ("trl", "preference"): ["prompt", "chosen", "rejected"],
    ("trl", "unpaired"): ["prompt", "completion", "label"],
    ("axolotl", "chat"): ["messages"],
    ("axolotl", "completion"): ["text"],
    ("axolotl", "preference"): ["prompt", "chosen", "rejected"],
    ("axolotl", "kto"): ["prompt", "completion", "label"],
    ("swift", "chat"): ["messages", "tools"],
    ("swift", "pretrain"): ["messages"],
    ("swift", "preference"): ["messages", "tools", "rejected_response"],
    ("swift", "kto"): ["messages", "tools", "label"],
    ("torchtune", "chat"): ["messages"],
    ("torchtune", "instruct"): ["input", "output"],
    ("torchtune", "preference"): ["chosen", "rejected"],
    ("torchtune", "text"): ["text"],
}
"""What each layout has, and nothing beside it: other columns have meanings of their own."""
LAYOUTS = [pytest.param(*key, columns, id=" ".join(key)) for key, columns in COLUMNS.items()]
BARE = row(ONE_TURN, text="头痛", rejected=REJECTED, label=True, tools=None, lang="zh")
RICH = row(TWO_TURNS, text="2024-01-01", rejected=REJECTED, label=False, tools=None, lang="en")
CALLED = row(WITH_TOOLS, text="b", rejected=REJECTED, label=True, tools=TOOLS, lang="zh")


def fitting(sink: Any) -> pl.DataFrame:
    """Those of the records that the sink takes."""
    rows = [BARE, RICH, CALLED]
    kept = [r for r in rows if sink.reject(make_batch([r]))["reason"][0] is None]
    assert kept
    return make_batch(kept)


def holds_none(value: Any) -> bool:
    if isinstance(value, dict | list):
        return any(map(holds_none, value.values() if isinstance(value, dict) else value))
    return value is None


def keys_of(value: Any) -> Any:
    """The keys of a value and of those in it, in their order, whatever the lengths of lists."""
    if isinstance(value, dict):
        return [(key, keys_of(each)) for key, each in value.items()]
    if isinstance(value, list):
        assert value, "an empty list has no type"
        (kind,) = {repr(keys_of(each)) for each in value}
        return [kind]
    return type(value).__name__


@pytest.mark.parametrize(("trainer", "layout", "columns"), LAYOUTS)
def test_columns_are_those_of_the_layout_and_no_value_is_null(
    trainer: str, layout: str, columns: list[str]
) -> None:
    sink = sink_of(trainer, layout=layout)
    table = sink.encode(fitting(sink)).drop_columns("_size")

    assert sink.is_parquet
    assert table.column_names == columns
    assert not any(map(holds_none, table.to_pylist()))


@pytest.mark.parametrize(("trainer", "layout", "columns"), LAYOUTS)
def test_lines_have_the_same_keys_and_types_and_no_empty_list(
    trainer: str, layout: str, columns: list[str]
) -> None:
    sink = sink_of(trainer, layout=layout, container="jsonl")
    lines = [json.loads(line) for line in sink.encode(fitting(sink))["line"].to_pylist()]

    (first, *rest) = [keys_of(line) for line in lines]
    assert all(keys == first for keys in rest)
    assert set(lines[0]) == set(columns) - {"history"}
    assert not any(map(holds_none, lines))


@pytest.mark.parametrize("trainer", ["llamafactory", "swift"])
def test_tools_and_calls_are_json_texts_whatever_their_arguments(trainer: str) -> None:
    arguments = ['{"city":"北京"}', '{"room":1}', '{"city":{"room":null}}']
    rows = []
    for given in arguments:
        call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": given}}
        asked = {"role": "assistant", "content": "", "tool_calls": json.dumps([call])}
        result = {"role": "tool", "content": "晴", "tool_call_id": "a"}
        rows.append(row([ASK, asked, result, ANSWER], tools=TOOLS))
    sink = sink_of(trainer, container="jsonl")
    lines = [json.loads(line) for line in sink.encode(make_batch(rows))["line"].to_pylist()]

    for line, given in zip(lines, arguments, strict=True):
        assert isinstance(line["tools"], str)
        turn = next(iter(line.values()))[1]
        value = json.loads(turn["value" if trainer == "llamafactory" else "content"])
        assert value["arguments"] == json.loads(given)


@pytest.mark.parametrize("wrong", [["system"], ["user"], ["user", "user"], ["assistant", "user"]])
@pytest.mark.parametrize("trainer", ["llamafactory", "trl", "axolotl", "swift", "torchtune"])
def test_orders_of_roles_that_some_trainer_drops_are_refused_by_all(
    trainer: str, wrong: list[str]
) -> None:
    batch = make_batch([row([{"role": role, "content": "a"} for role in wrong])])

    assert sink_of(trainer).reject(batch)["reason"][0] is not None


PIPELINE = """
[pipeline]
name = "m"

[[source]]
name = "all"
path = "{folder}/in.jsonl"
fields = {{ conversation = "messages" }}

[[stage]]
use = "format.chat"

[[stage]]
use = "split.random"
val = 0.2
test = 0.2

[output]
path = "{folder}/out"
format = "{trainer}"
{more}
"""


@pytest.mark.parametrize(
    "trainer", ["llamafactory", "trl", "axolotl", "swift", "torchtune", "nemo"]
)
def test_a_split_s_folder_holds_numbered_files_and_nothing_else(
    trainer: str, tmp_path: Path
) -> None:
    lines = [json.dumps({"messages": ONE_TURN, "date": "2024-01-01"}) for _ in range(40)]
    (tmp_path / "in.jsonl").write_text("\ufeff" + "\n\n".join(lines) + "\n", encoding="utf-8")
    more = "max_file_bytes = 500" if trainer == "llamafactory" else ""
    text = PIPELINE.format(folder=tmp_path, trainer=trainer, more=more)
    (tmp_path / "p.toml").write_text(text, encoding="utf-8")
    datakit.run(tmp_path / "p.toml", workdir=tmp_path / "work", executor="local")

    suffix = "jsonl" if trainer == "nemo" else "parquet"
    for split in ("train", "val", "test"):
        names = sorted(file.name for file in (tmp_path / "out" / split).iterdir())
        count = len(names)
        assert names == [f"{split}-{n:05}-of-{count:05}.{suffix}" for n in range(count)]
    assert len(list((tmp_path / "out" / "train").iterdir())) > (1 if more else 0)
    if trainer == "nemo":
        whole = (tmp_path / "out" / "train" / "train-00000-of-00001.jsonl").read_bytes()
        assert whole.startswith(b"{")
        assert whole.endswith(b"}\n")
        assert b"\n\n" not in whole
