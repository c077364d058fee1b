"""Batches of records from many files: one mapping for thousands of small files, not one each."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np
import polars as pl

from datakit.records import FILE, ID, LINE, Batch
from datakit.stages.ingest.mapping import Fault, FieldMapping, RowMapper
from datakit.stages.ingest.whole_files import BATCH_BYTES, BATCH_ROWS

# Stands for the name of a file until the rows get theirs; no file and no id can be called so.
NO_FILE = "\0"

Item = TypeVar("Item")
MapItems = Callable[[RowMapper, Sequence[Item], Sequence[int]], Batch]


@dataclass(slots=True)
class Gatherer(Generic[Item]):
    """Holds what was found in files until there is a batch of it.

    `map_items` makes a batch of items and their lines; an item may be a `Fault`.
    """

    mapping: FieldMapping
    source: str
    map_items: MapItems[Item | Fault]
    _found: list[tuple[str, int, Item | Fault]] = field(init=False, default_factory=list)
    _size: int = field(init=False, default=0)

    def add(self, place: tuple[str, int], item: Item | Fault, size: int) -> Iterator[Batch]:
        """Take an item of about `size` bytes, found in a file at a line."""
        self._found.append((*place, item))
        self._size += size
        if len(self._found) >= BATCH_ROWS or self._size >= BATCH_BYTES:
            yield from self.flush()

    def flush(self) -> Iterator[Batch]:
        """What is held."""
        if not self._found:
            return
        files, lines, items = zip(*self._found, strict=True)
        self._found, self._size = [], 0
        mapper = RowMapper(self.mapping, self.source, NO_FILE)
        batch = self.map_items(mapper, items, lines)
        yield _name_files(batch, self.source, pl.Series(FILE, files, dtype=pl.String))


def _name_files(batch: Batch, source: str, files: pl.Series) -> Batch:
    """The batch with the names of its rows' files, also in the ids that are made of them."""
    own = pl.concat_str(pl.lit(f"{source}/{NO_FILE}:"), LINE)
    named = pl.concat_str(pl.lit(f"{source}/"), files, pl.lit(":"), LINE)
    return batch.with_columns(pl.when(pl.col(ID) == own).then(named).otherwise(ID).alias(ID), files)


def map_apart(
    mapper: RowMapper,
    items: Sequence[Item | Fault],
    lines: Sequence[int],
    map_good: MapItems[Item],
) -> Batch:
    """A batch in the order of `items`, for a `map_good` that knows no `Fault`."""
    good = [n for n, item in enumerate(items) if not isinstance(item, Fault)]
    records = [item for item in items if not isinstance(item, Fault)]
    batch = map_good(mapper, records, [lines[n] for n in good])
    if len(good) == len(items):
        return batch
    bad = [n for n, item in enumerate(items) if isinstance(item, Fault)]
    faults = mapper.map_objects([items[n] for n in bad], [lines[n] for n in bad])
    return pl.concat([batch, faults])[np.argsort([*good, *bad])]


def add_faults(mapper: RowMapper, batch: Batch, faults: Mapping[int, Fault]) -> Batch:
    """The batch with a row for each piece of input that is no record, by its line, in order."""
    if not faults:
        return batch
    refused = mapper.map_objects(list(faults.values()), list(faults))
    return pl.concat([batch, refused]).sort(LINE, maintain_order=True)
