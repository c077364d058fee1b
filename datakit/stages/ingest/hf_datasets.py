"""Read records with Hugging Face `datasets`: saved directories, and whatever it can load."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pyarrow as pa

from datakit.errors import SettingsError
from datakit.records import Batch, Columns
from datakit.stage import InputFile, Shard
from datakit.stages.ingest.files import find_files, input_identity
from datakit.stages.ingest.hf_loading import Loading
from datakit.stages.ingest.mapping import FieldMapping, RowMapper
from datakit.stages.ingest.whole_files import (
    BATCH_BYTES,
    BATCH_ROWS,
    OnMalformed,
    check_columns,
    check_on_malformed,
    is_unpacked,
    read_unpacked,
    unpack_batches,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetsSource:
    """Read a Hugging Face data set: a directory written by `save_to_disk`, or one to be loaded.

    Either `path` names a directory saved with `save_to_disk` (nothing is fetched), or `load` holds
    the arguments of `datasets.load_dataset`, all of which it knows: for example
    `load = { path = "json", data_files = "d/*.json" }`, or `load = { path = "org/set", name =
    "zh", revision = "...", streaming = true }`. Only a `load` that names a data set of the Hub
    goes to the network, and not under `HF_HUB_OFFLINE=1`. `split` names the split to read; it is
    needed where there are several.

    With `streaming = true` the data set is read once, in order, into the run's own work files;
    else it is memory-mapped from the library's cache and cut by rows.

    `text`, `fields`, `id` and `join` map columns, `a.b` member `b` of the struct column `a`; the
    others go into `meta`. A mapped string gives its content, any other value its JSON text. The
    line of a record is its row number in the split, from 1.

    `on_malformed` = "reject" counts what cannot be used and goes on, "fail" stops the run.
    Reasons: those of the field mapping (`missing_field`, `wrong_type`, `empty_text`,
    `nul_character`).
    """

    libraries: ClassVar[tuple[str, ...]] = ("datasets", "pyarrow", "polars")

    name: str
    path: str | None = None
    load: dict[str, Any] | None = None
    split: str | None = None
    text: str | list[str] | None = None
    fields: list[str] | dict[str, str] | None = None
    id: str | None = None
    join: str = "\n\n"
    on_malformed: OnMalformed = "reject"

    def __post_init__(self) -> None:
        check_on_malformed(self.on_malformed)
        _ = self._mapping
        if (self.path is None) == (self.load is None):
            raise SettingsError("path", "either `path` or `load` is needed, and not both")
        if self.load is not None and not isinstance(self.load.get("path"), str):
            hint = 'for example load = { path = "json", data_files = "d/*.json" }'
            raise SettingsError("load", "needs `path`, as datasets.load_dataset does", hint)
        if self.split is not None and "split" in (self.load or {}):
            raise SettingsError("split", "is named here and in `load`")

    @property
    def _mapping(self) -> FieldMapping:
        return FieldMapping(text=self.text, fields=self.fields, id=self.id, join=self.join)

    @property
    def _loading(self) -> Loading:
        load = dict(self.load or {})
        split = self.split or load.pop("split", None)
        return Loading(self.path, load, split)

    @property
    def adds(self) -> Columns:
        """The columns of its batches."""
        return self._mapping.adds

    def inputs(self) -> list[InputFile]:
        """The saved files; of what is loaded, the library's own mark of its data and version.

        Raises:
            DatakitError: there is no such data set.
        """
        if self.path is not None:
            return input_identity(find_files(self.path, (".arrow", ".json")))
        return [InputFile(path=self._loading.label, size=0, version=self._loading.fingerprint())]

    def shards(self, shard_bytes: int) -> list[Shard]:
        """Runs of rows of about `shard_bytes`; a stream is one packed shard.

        Raises:
            DatakitError: there is no such data set, split or mapped column.
        """
        loading = self._loading
        where = Path(self.path or loading.label)
        if loading.is_stream:
            # Its size is unknown; this is large enough to have it unpacked.
            return [Shard(path=where, file=loading.label, size=shard_bytes, packed=True)]
        table = loading.open()
        check_columns(table.column_names, self._mapping.inputs, loading.label)
        row_bytes = max(1, table.data.nbytes // max(1, table.num_rows))
        step = max(1, shard_bytes // row_bytes)
        return [
            Shard(
                path=where,
                file=loading.label,
                size=min(step, table.num_rows - start) * row_bytes,
                start=start,
                stop=min(start + step, table.num_rows),
                first_line=start + 1,
            )
            for start in range(0, table.num_rows, step)
        ]

    def read(self, shard: Shard) -> Iterator[Batch]:
        """The rows of the shard.

        Raises:
            DatakitError: the data set cannot be read.
        """
        if is_unpacked(shard):
            yield from read_unpacked(shard.path)
            return
        mapper = RowMapper(self._mapping, self.name, shard.file)
        line = shard.first_line
        for piece in self._tables(shard):
            table = pl.from_arrow(piece)
            assert isinstance(table, pl.DataFrame)
            yield mapper.map_columns(table, range(line, line + table.height))
            line += table.height

    def unpack(self, shard: Shard, folder: Path, shard_bytes: int) -> list[Shard]:
        """A stream's records in pieces."""
        return unpack_batches(self.read(shard), folder, shard_bytes)

    def _tables(self, shard: Shard) -> Iterator[pa.Table]:
        loading = self._loading
        if loading.is_stream:
            for piece in loading.stream(BATCH_ROWS):
                check_columns(piece.column_names, self._mapping.inputs, loading.label)
                yield from _bounded(piece)
            return
        rows = loading.open().with_format("arrow")
        stop = rows.num_rows if shard.stop is None else shard.stop
        for start in range(shard.start, stop, BATCH_ROWS):
            yield from _bounded(rows[start : min(start + BATCH_ROWS, stop)])


def _bounded(table: pa.Table) -> Iterator[pa.Table]:
    """A table in pieces of about `BATCH_BYTES`."""
    pieces = max(1, min(table.num_rows, table.nbytes // BATCH_BYTES))
    step = -(-table.num_rows // pieces)
    for start in range(0, table.num_rows, max(1, step)):
        yield table.slice(start, step)
