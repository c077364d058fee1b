"""Stages over a few batches in memory: what the engine does by files, for previews and tests."""

from collections.abc import Sequence

import polars as pl

from datakit.barriers import (
    Barrier,
    Illustrator,
    KeptShard,
    Observation,
    Reduced,
    Referrer,
    Regrouper,
    Resolver,
)
from datakit.errors import BrokenBooksError
from datakit.executors.parting import (
    Parted,
    part_by_decisions,
    part_by_expansion,
    part_by_reason_column,
    part_by_verdicts,
)
from datakit.executors.tables import list_by_address
from datakit.records import ADDRESS, ID, PARTITION, SOURCE, TEXT, Batch, Table, make_addresses
from datakit.stage import Expander, Filter, Map, Stage

PARTITIONS = 4


def run_local(stage: Stage, batch: Batch) -> Parted:
    """One batch through a map, a filter or an expander.

    Raises:
        BrokenBooksError: a map changed the rows or their order.
        TypeError: the stage is none of them.
    """
    if isinstance(stage, Filter):
        return part_by_verdicts(batch, stage.reject(batch), adds=stage.adds)
    if isinstance(stage, Expander):
        keep_first = getattr(stage, "keep_first_id", False)
        return part_by_expansion(batch, stage.expand(batch), keep_first_id=keep_first)
    if not isinstance(stage, Map):
        raise TypeError(f"{type(stage).__name__} is no map, filter, expander or barrier")
    changed = stage.map(batch)
    if changed.height != batch.height or not changed[ID].equals(batch[ID]):
        raise BrokenBooksError(f"{type(stage).__name__} changed the rows or their order")
    return part_by_reason_column(changed)


def run_barrier(stage: Barrier, batches: Sequence[Batch]) -> tuple[list[Parted], Table]:
    """A barrier over batches, each taken for a shard: the parted batches and the verdict."""
    addressed = [
        batch.with_columns(make_addresses(shard, 0, batch.height))
        for shard, batch in enumerate(batches)
    ]
    observations = [stage.observe(batch, PARTITIONS) for batch in addressed]
    if isinstance(stage, Referrer):
        observations += [
            stage.refer(piece, len(batches) + place, PARTITIONS)
            for place, piece in enumerate(stage.references())
        ]
    reduced = [stage.reduce(rows) for rows in _exchange([o.exchange for o in observations])]
    if isinstance(stage, Resolver):
        kept = {shard: o.kept for shard, o in enumerate(observations) if o.kept is not None}

        def recall(addresses: Sequence[int]) -> Table:
            rows = [kept[int(a) >> 32][int(a) & 0xFFFFFFFF] for a in addresses]
            return pl.concat(rows) if rows else next(iter(kept.values())).clear()

        reduced = [stage.resolve(iter([r.rows for r in reduced]), recall)]
    if isinstance(stage, Regrouper):
        sources: list[str | None] = [str(b[SOURCE][0]) if b.height else "" for b in batches]
        sources += [None] * (len(observations) - len(batches))
        reduced = _deal_groups(stage, reduced, observations, sources)
    verdict = stage.decide([r.summary for r in reduced if r.summary.width])
    if isinstance(stage, Illustrator) and verdict.height:
        verdict = stage.illustrate(verdict, lambda wanted: _find_records(batches, wanted))
    rows = _join_rows(reduced, many_rows=getattr(stage, "many_rows", False))
    parted = []
    for batch in addressed:
        mine = batch.select(ADDRESS).join(rows, on=ADDRESS, how="left", maintain_order="left")
        plain = batch.drop(ADDRESS)
        parted.append(part_by_decisions(plain, stage.apply(plain, mine, verdict)))
    return parted, verdict


def _find_records(batches: Sequence[Batch], addresses: Sequence[int]) -> Table:
    unknown = pl.DataFrame({TEXT: [None]}, schema={TEXT: pl.String})
    found = [batches[a >> 32][a % 2**32] if a >> 32 < len(batches) else unknown for a in addresses]
    return pl.concat(found, how="diagonal")


def _deal_groups(
    stage: Regrouper,
    reduced: Sequence[Reduced],
    observations: Sequence[Observation],
    sources: Sequence[str | None],
) -> list[Reduced]:
    kept = [pl.DataFrame() if o.kept is None else o.kept for o in observations]
    shards = [
        KeptShard(source, table.height, lambda table=table: table)  # type: ignore[misc]
        for source, table in zip(sources, kept, strict=True)
    ]
    found = stage.regroup(lambda: iter([r.rows for r in reduced if r.rows.height]), shards)
    members = list(found.members)
    settled = [Reduced(pl.DataFrame(), found.summary)]
    for group in range(found.groups):
        mine = found.assigned.filter(pl.col(PARTITION) == group)
        carried = pl.concat([kept[a >> 32][a % 2**32] for a in mine[ADDRESS]])
        rows = [table.filter(pl.col(PARTITION) == group).drop(PARTITION) for table in members]
        carried = carried.with_columns(mine[ADDRESS])
        settled.append(stage.settle(pl.concat(rows), carried))
    return settled


def _exchange(tables: Sequence[Table]) -> list[Table]:
    rows = pl.concat(tables)
    order = [ADDRESS] if ADDRESS in rows.columns else []
    found = [rows.filter(pl.col(PARTITION) == p).drop(PARTITION) for p in range(PARTITIONS)]
    return [table.sort(order, maintain_order=True) if order else table for table in found]


def _join_rows(reduced: Sequence[Reduced], *, many_rows: bool) -> Table:
    tables = [r.rows for r in reduced if r.rows.width]
    if not tables:
        return pl.DataFrame(schema={ADDRESS: pl.UInt64})
    rows = pl.concat(tables)
    if many_rows:
        return list_by_address(rows)
    if not rows[ADDRESS].is_unique().all():
        raise BrokenBooksError("a barrier decided twice on one record")
    return rows
