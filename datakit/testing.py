"""Run one stage on a few rows in memory: for tests of datakit's stages and of your own.

>>> from datakit.stages.filter.length import LengthFilter
>>> outcome = run_stage(LengthFilter(min_chars=3), [{"text": "数据集"}, {"text": "ab"}])
>>> [row["text"] for row in outcome.rows], outcome.reasons
(['数据集'], ['too_short'])
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from datakit.executors.parting import (
    Parted,
    part_by_decisions,
    part_by_reason_column,
    part_by_verdicts,
)
from datakit.records import (
    ADDRESS,
    FILE,
    ID,
    LINE,
    MESSAGE_FIELDS,
    MESSAGES,
    MESSAGES_TYPE,
    META,
    PARTITION,
    SOURCE,
    TEXT,
    Batch,
    Table,
    make_addresses,
)
from datakit.stage import Barrier, Filter, Map, Reduced, Resolver, Stage

PARTITIONS = 4


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
        if key == MESSAGES:
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
        parted = [_run_local(stage, batch) for batch in batches]
    kept = pl.concat([p.kept for p in parted], how="diagonal_relaxed") if parted else batch
    rejects = [row for p in parted for row in p.rejects.to_dicts()]
    for reject in rejects:
        reject["values"] = json.loads(reject["values"]) if reject["values"] else {}
    added = sum(p.copies for p in parted)
    assert batch.height == kept.height + len(rejects) - added, "rows went missing"
    return Outcome(_plain_rows(kept), rejects, verdict.to_dicts())


def _run_local(stage: Stage, batch: Batch) -> Parted:
    if isinstance(stage, Filter):
        return part_by_verdicts(batch, stage.reject(batch))
    if isinstance(stage, Map):
        changed = stage.map(batch)
        assert changed[ID].equals(batch[ID]), "a map must keep rows and their order"
        return part_by_reason_column(changed)
    raise TypeError(f"{type(stage).__name__} is neither a map, a filter nor a barrier")


def run_barrier(stage: Barrier, batches: Sequence[Batch]) -> tuple[list[Parted], Table]:
    """A barrier over batches in memory, one shard a batch; what the engine does through files."""
    addressed = [
        batch.with_columns(make_addresses(shard, 0, batch.height))
        for shard, batch in enumerate(batches)
    ]
    observations = [stage.observe(batch, PARTITIONS) for batch in addressed]
    reduced = [stage.reduce(rows) for rows in _exchange([o.exchange for o in observations])]
    if isinstance(stage, Resolver):
        kept = {shard: o.kept for shard, o in enumerate(observations) if o.kept is not None}

        def recall(addresses: Sequence[int]) -> Table:
            rows = [kept[int(a) >> 32][int(a) & 0xFFFFFFFF] for a in addresses]
            return pl.concat(rows) if rows else next(iter(kept.values())).clear()

        reduced = [stage.resolve(iter([r.rows for r in reduced]), recall)]
    verdict = stage.decide([r.summary for r in reduced])
    rows = _join_rows(reduced)
    parted = []
    for batch in addressed:
        mine = batch.select(ADDRESS).join(rows, on=ADDRESS, how="left", maintain_order="left")
        plain = batch.drop(ADDRESS)
        parted.append(part_by_decisions(plain, stage.apply(plain, mine, verdict)))
    return parted, verdict


def _exchange(tables: Sequence[Table]) -> list[Table]:
    rows = pl.concat(tables)
    order = [ADDRESS] if ADDRESS in rows.columns else []
    found = [rows.filter(pl.col(PARTITION) == p).drop(PARTITION) for p in range(PARTITIONS)]
    return [table.sort(order, maintain_order=True) if order else table for table in found]


def _join_rows(reduced: Sequence[Reduced]) -> Table:
    tables = [r.rows for r in reduced if r.rows.width]
    if not tables:
        return pl.DataFrame(schema={ADDRESS: pl.UInt64})
    rows = pl.concat(tables)
    assert rows[ADDRESS].is_unique().all(), "a record has more than one reduced row"
    return rows


def _whole_messages(conversations: list[Any]) -> list[Any]:
    return [
        None if messages is None else [{f: m.get(f) for f in MESSAGE_FIELDS} for m in messages]
        for messages in conversations
    ]


def _plain_rows(batch: Batch) -> list[dict[str, Any]]:
    rows = batch.to_dicts()
    for row in rows:
        if row.get(MESSAGES):
            row[MESSAGES] = [
                {key: value for key, value in message.items() if value is not None}
                for message in row[MESSAGES]
            ]
    return rows
