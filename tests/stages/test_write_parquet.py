"""Parquet: types, row groups, bytes, and layouts that JSON Lines cannot have."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from write_cases import ANSWER, ASK, ONE_TURN, SYSTEM, TWO_TURNS, WITH_TOOLS, row

from datakit.errors import SettingsError
from datakit.stage import Sink
from datakit.stages.write import parquet_files
from datakit.stages.write.jsonl import JsonlSink
from datakit.stages.write.parquet import ParquetSink
from datakit.testing import make_batch


def write(sink: ParquetSink, rows: list[dict[str, Any]], folder: Path) -> pa.Table:
    batch = make_batch(rows)
    assert sink.reject(batch)["reason"].null_count() == len(rows)
    path = folder / f"x{sink.suffix}"
    sink.write(iter([sink.encode(batch).drop_columns("_size")]), path)
    return pq.read_table(path)


def test_the_sink_meets_the_protocol() -> None:
    assert isinstance(ParquetSink(), Sink)
    assert ParquetSink(columns=["lang"]).needs == {"text", "lang"}


def test_texts_that_look_like_dates_stay_texts(tmp_path: Path) -> None:
    table = write(ParquetSink(), [{"text": "2024-01-01"}], tmp_path)

    assert table.schema.remove_metadata() == pa.schema([("text", pa.string())])
    assert table.to_pylist() == [{"text": "2024-01-01"}]


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        ({"layout": "messages"}, [row(TWO_TURNS), row(ONE_TURN)]),
        (
            {"layout": "messages", "tools": True},
            [row(WITH_TOOLS, tools='[{"name":"f"}]'), row(ONE_TURN)],
        ),
        ({"layout": "sharegpt"}, [row(TWO_TURNS)]),
        ({"layout": "sharegpt", "tools": True}, [row(WITH_TOOLS), row(ONE_TURN)]),
        ({"layout": "alpaca", "system": True}, [row([SYSTEM, *ONE_TURN])]),
        ({"layout": "prompt_completion"}, [row(ONE_TURN)]),
        ({"layout": "prompt_completion", "conversational": True}, [row(TWO_TURNS)]),
        ({"layout": "records"}, [{"text": "a"}, row(WITH_TOOLS)]),
        (
            {"columns": ["n", "lang"]},
            [{"text": "a", "n": 1.5}, {"text": "b", "n": 2.0, "lang": "zh"}],
        ),
    ],
)
def test_rows_are_those_of_json_lines(
    options: dict[str, Any], rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    import json

    table = write(ParquetSink(**options), rows, tmp_path)

    lines = JsonlSink(**options).encode(make_batch(rows))["line"].to_pylist()
    assert table.to_pylist() == [json.loads(line) for line in lines]


def test_no_type_has_64_bit_offsets(tmp_path: Path) -> None:
    table = write(ParquetSink(layout="messages"), [row(ONE_TURN)], tmp_path)

    message = pa.struct([("role", pa.string()), ("content", pa.string())])
    assert table.schema.field("messages").type.value_type == message


def test_alpaca_with_history(tmp_path: Path) -> None:
    sink = ParquetSink(layout="alpaca", history=True, system=True)
    table = write(sink, [row(ONE_TURN), row(TWO_TURNS), row(TWO_TURNS[1:])], tmp_path)

    earlier = [[ASK["content"], ANSWER["content"]]]
    assert table.column_names == ["instruction", "input", "output", "system", "history"]
    assert table["history"].to_pylist() == [[], earlier, earlier]
    assert table["instruction"].to_pylist() == [ASK["content"], "还痛", "还痛"]
    assert table.schema.field("history").type == pa.list_(pa.list_(pa.string()))


def test_history_alone_may_be_empty_everywhere(tmp_path: Path) -> None:
    table = write(ParquetSink(layout="alpaca", history=True), [row(ONE_TURN)] * 3, tmp_path)

    assert table["history"].to_pylist() == [[], [], []]


def test_the_schema_is_the_same_for_every_batch() -> None:
    sink = ParquetSink(layout="records", columns=["n"])
    rows = [{"text": "a", "n": 1}, {"n": 2} | row(ONE_TURN)]

    assert sink.encode(make_batch(rows[:1])).schema == sink.encode(make_batch(rows[1:])).schema
    assert sink.encode(make_batch(rows).clear()).num_rows == 0


def test_sizes_count_the_texts() -> None:
    table = ParquetSink(columns=["n"]).encode(make_batch([{"text": "中a", "n": 1}]))
    nested = ParquetSink(layout="messages").encode(make_batch([row(ONE_TURN)]))

    assert table["_size"].to_pylist() == [4 + 8]
    texts = "".join(message["role"] + message["content"] for message in ONE_TURN)
    assert nested["_size"].to_pylist() == [len(texts.encode())]


@settings(max_examples=30)
@given(
    sizes=st.lists(st.sampled_from([1, 2, 30, 60]), min_size=1, max_size=40),
    cuts=st.lists(st.integers(0, 40), max_size=6),
)
@example(sizes=[1] * 20, cuts=[3])
def test_row_groups_depend_on_the_rows_alone(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], cuts: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("out")
    sink = ParquetSink()
    table = sink.encode(make_batch([{"text": "x" * size} for size in sizes]))
    table = table.drop_columns("_size")
    bounds = [0, *sorted(min(cut, len(sizes)) for cut in cuts), len(sizes)]
    pieces = [table.slice(a, b - a) for a, b in pairwise(bounds)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet_files, "GROUP_ROWS", 5)
        patch.setattr(parquet_files, "GROUP_BYTES", 100)
        sink.write(iter([table]), folder / "whole.parquet")
        sink.write(iter(pieces), folder / "pieces.parquet")

    assert (folder / "whole.parquet").read_bytes() == (folder / "pieces.parquet").read_bytes()
    file = pq.ParquetFile(folder / "whole.parquet")
    groups = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
    assert groups == greedy(sizes, rows=5, size=100)


def greedy(sizes: list[int], *, rows: int, size: int) -> list[int]:
    groups: list[list[int]] = [[]]
    for each in sizes:
        if groups[-1] and (len(groups[-1]) == rows or sum(groups[-1]) + each > size):
            groups.append([])
        groups[-1].append(each)
    return [len(group) for group in groups]


def test_the_checks_are_those_of_json_lines() -> None:
    verdict = ParquetSink(layout="alpaca").reject(make_batch([row(TWO_TURNS[1:]), row(ONE_TURN)]))

    assert verdict["reason"].to_list() == ["multi_turn", None]
    with pytest.raises(SettingsError):
        ParquetSink(layout="text", tools=True)
