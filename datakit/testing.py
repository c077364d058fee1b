"""Run one stage on a few rows in memory: for tests of datakit's stages and of your own.

>>> from datakit.stages.filter.length import LengthFilter
>>> outcome = run_stage(LengthFilter(min_chars=3), [{"text": "数据集"}, {"text": "ab"}])
>>> [row["text"] for row in outcome.rows], outcome.reasons
(['数据集'], ['too_few_chars'])
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from datakit.barriers import Barrier
from datakit.executors.in_memory import run_barrier
from datakit.executors.row_local import run_local
from datakit.records import (
    FILE,
    ID,
    LINE,
    MESSAGE_FIELDS,
    MESSAGES,
    MESSAGES_TYPE,
    META,
    REJECTED,
    SOURCE,
    TEXT,
    Batch,
)
from datakit.stage import Stage


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a stage did: `rows` that stay, `rejects` as rows of a rejects file, the `verdict` of a
    barrier (else an empty list).
    """

    rows: list[dict[str, Any]]
    rejects: list[dict[str, Any]]
    verdict: list[dict[str, Any]]

    @property
    def reasons(self) -> list[str]:
        """The reasons of the rejects, in order."""
        return [reject["reason"] for reject in self.rejects]


def make_batch(rows: Sequence[Mapping[str, Any]]) -> Batch:
    """A batch from plain dicts: `id`, `source`, `meta` get defaults; other keys become columns."""
    keys = list(dict.fromkeys(key for row in rows for key in row))
    columns: dict[str, pl.Series] = {}
    for key in keys:
        values = [row.get(key) for row in rows]
        if key == MESSAGES or (key == REJECTED and any(isinstance(v, list) for v in values)):
            columns[key] = pl.Series(key, _whole_messages(values), dtype=MESSAGES_TYPE)
        elif key in (ID, SOURCE, TEXT):
            columns[key] = pl.Series(key, values, dtype=pl.String)
        else:
            columns[key] = pl.Series(key, values)
    count = len(rows)
    columns.setdefault(SOURCE, pl.Series(SOURCE, ["test"] * count, dtype=pl.String))
    columns.setdefault(
        ID, pl.Series(ID, [f"test/{n}" for n in range(1, count + 1)], dtype=pl.String)
    )
    columns.setdefault(META, pl.Series(META, ["{}"] * count, dtype=pl.String))
    columns.setdefault(FILE, pl.Series(FILE, ["test"] * count, dtype=pl.String))
    columns.setdefault(LINE, pl.Series(LINE, range(1, count + 1), dtype=pl.UInt64))
    return pl.DataFrame(columns)


def run_stage(
    stage: Stage, rows: Sequence[Mapping[str, Any]], *, batch_rows: int = 1000
) -> Outcome:
    """Run one map, filter or barrier on `rows` and tell what became of them.

    Raises:
        TypeError: `stage` is none of the three.
        AssertionError: rows went missing or appeared.
    """
    batch = make_batch(rows)
    batches = [batch[start : start + batch_rows] for start in range(0, batch.height, batch_rows)]
    verdict = pl.DataFrame()
    if isinstance(stage, Barrier):
        parted, verdict = run_barrier(stage, batches)
    else:
        parted = [run_local(stage, batch) for batch in batches]
    kept = pl.concat([p.kept for p in parted], how="diagonal_relaxed") if parted else batch
    rejects = [row for p in parted for row in p.rejects.to_dicts()]
    for reject in rejects:
        reject["values"] = json.loads(reject["values"]) if reject["values"] else {}
    added = sum(p.copies for p in parted)
    assert batch.height == kept.height + len(rejects) - added, "rows went missing"
    return Outcome(_plain_rows(kept), rejects, verdict.to_dicts())


def _whole_messages(conversations: list[Any]) -> list[Any]:
    return [
        None if messages is None else [{f: m.get(f) for f in MESSAGE_FIELDS} for m in messages]
        for messages in conversations
    ]


def _plain_rows(batch: Batch) -> list[dict[str, Any]]:
    rows = batch.to_dicts()
    for row in rows:
        for name in (MESSAGES, REJECTED):
            if isinstance(row.get(name), list):
                row[name] = [
                    {key: value for key, value in message.items() if value is not None}
                    for message in row[name]
                ]
    return rows
