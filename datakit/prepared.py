"""A source as the stages in front of a stage leave it, for stages that read sources themselves."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from datakit.records import REASON, Batch, Columns
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
        """Columns of the source and of the maps."""
        return self.source.adds.union(*(stage.adds for stage in self.maps))

    def inputs(self) -> list[InputFile]:
        """The source's files."""
        return self.source.inputs()

    def shards(self, shard_bytes: int) -> list[Shard]:
        """The source's pieces."""
        return self.source.shards(shard_bytes)

    def read(self, shard: Shard) -> Iterator[Batch]:
        """The records of a shard that no map refuses."""
        for batch in self.source.read(shard):
            kept = _without_refused(batch)
            for stage in self.maps:
                kept = _without_refused(stage.map(kept)) if kept.height else kept
            yield kept

    def unpack(self, shard: Shard, folder: Path, shard_bytes: int) -> list[Shard]:
        """As the source does."""
        return self.source.unpack(shard, folder, shard_bytes)


def _without_refused(batch: Batch) -> Batch:
    if REASON not in batch.columns:
        return batch
    return batch.filter(pl.col(REASON).is_null()).drop(REASON, "_values", strict=False)
