"""A source as the stages in front of a stage leave it, for whoever reads it outside a run."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import polars as pl

from datakit.records import ID, META, REASON, SOURCE, VALUES, Batch, Columns
from datakit.stage import InputFile, Map, Shard, Source


@dataclass(frozen=True, kw_only=True, slots=True)
class PreparedSource:
    """A source whose records go through maps: what a formatter makes of them is what is read, and
    records that one refuses are left out.
    """

    source: Source
    maps: tuple[Map, ...]

    @property
    def name(self) -> str:
        """The source's name."""
        return self.source.name

    @property
    def adds(self) -> Columns:
        """Columns behind the last map."""
        return reduce(lambda have, stage: columns_after(stage, have), self.maps, self.source.adds)

    def inputs(self) -> list[InputFile]:
        """The source's files."""
        return self.source.inputs()

    def shards(self, shard_bytes: int) -> list[Shard]:
        """The source's pieces."""
        return self.source.shards(shard_bytes)

    def read(self, shard: Shard) -> Iterator[Batch]:
        """The records of a shard that no map refuses, without empty batches."""
        for batch in self.source.read(shard):
            kept = _without_refused(batch)
            for stage in self.maps:
                kept = _without_refused(stage.map(kept)) if kept.height else kept
            if kept.height:
                yield kept

    def unpack(self, shard: Shard, folder: Path, shard_bytes: int) -> list[Shard]:
        """As the source does."""
        return self.source.unpack(shard, folder, shard_bytes)


def columns_after(stage: Any, have: Columns) -> Columns:
    """The columns there are after a stage."""
    dropped: Columns = getattr(stage, "drops", frozenset())
    added: Columns = stage.adds
    return (have - dropped) | added


def missing_columns(needs: Columns, have: Columns) -> list[str]:
    """The needs that no column meets; a need of the form `a|b` is met by either."""
    return sorted(need for need in needs if not have & set(need.split("|")))


def prepare(source: Source, stages: Iterable[tuple[Any, Sequence[str] | None]]) -> PreparedSource:
    """A source behind those of `stages` (each with the sources that it is for, None for all) that
    are maps, but for maps that need what a filter adds.
    """
    have, maps = frozenset({ID, SOURCE, META}) | source.adds, list[Map]()
    for stage, only in stages:
        is_for_it = only is None or source.name in only
        if is_for_it and isinstance(stage, Map) and not missing_columns(stage.needs, have):
            maps.append(stage)
            have = columns_after(stage, have)
    return PreparedSource(source=source, maps=tuple(maps))


def _without_refused(batch: Batch) -> Batch:
    if REASON not in batch.columns:
        return batch
    return batch.filter(pl.col(REASON).is_null()).drop(REASON, VALUES, strict=False)
