"""What the tests of the sinks for trainers share."""

import json
from typing import Any

from write_cases import ANSWER, ASK

from datakit.registry import stages
from datakit.testing import make_batch

TOOLS = '[{"name":"find","parameters":{}}]'
REJECTED = [{"role": "assistant", "content": "不知道"}]
THOUGHT = [ASK, {**ANSWER, "reasoning": "想一想"}]
MASKED = [ASK, {**ANSWER, "train": False}, ASK, ANSWER]


def sink_of(trainer: str, **settings: Any) -> Any:
    return stages()[f"write.{trainer}"](**settings)


def shaped(trainer: str, rows: list[dict[str, Any]], **settings: Any) -> list[dict[str, Any]]:
    """What is written for rows that all fit."""
    sink, batch = sink_of(trainer, **settings), make_batch(rows)
    assert sink.reject(batch)["reason"].to_list() == [None] * len(rows)
    table = sink.encode(batch).drop_columns("_size")
    if "line" in table.column_names:
        return [json.loads(line) for line in table["line"].to_pylist()]
    return table.to_pylist()


def reasons(trainer: str, rows: list[dict[str, Any]], **settings: Any) -> list[str | None]:
    return sink_of(trainer, **settings).reject(make_batch(rows))["reason"].to_list()
