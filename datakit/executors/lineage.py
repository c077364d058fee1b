"""The lineage sidecar: for each written record, in the same order, where it came from."""

import polars as pl
import pyarrow as pa

from datakit.executors.tables import LEVEL
from datakit.records import (
    FILE,
    ID,
    LINE,
    MESSAGES,
    META,
    REJECTED,
    SOURCE,
    TEXT,
    TOOLS,
    Batch,
)

LINEAGE_SCHEMA = pa.schema(
    [
        pa.field("id", pa.large_string()),
        pa.field("source", pa.large_string()),
        pa.field("file", pa.large_string()),
        pa.field("line", pa.uint64()),
        pa.field("annotations", pa.large_string()),
        pa.field("meta", pa.large_string()),
    ]
)
"""`annotations`: the JSON text of an object with the columns that stages added."""

NOT_ANNOTATIONS = frozenset(
    {ID, SOURCE, TEXT, MESSAGES, REJECTED, TOOLS, META, FILE, LINE, "split"}
)


def lineage_of(batch: Batch) -> pa.Table:
    """The lineage rows of a batch that is about to be written."""
    names = [n for n in batch.columns if n not in NOT_ANNOTATIONS and not n.startswith("_")]
    if names:
        notes = batch.select(pl.struct(names).struct.json_encode()).to_series()
    else:
        notes = pl.Series(["{}"], dtype=pl.String).new_from_index(0, batch.height)
    meta = (
        batch[META] if META in batch.columns else notes.clear().extend_constant("{}", batch.height)
    )
    rows = pl.DataFrame(
        {
            "id": batch[ID],
            "source": batch[SOURCE],
            "file": batch[FILE],
            "line": batch[LINE].cast(pl.UInt64),
            "annotations": notes,
            "meta": meta,
        }
    )
    return rows.to_arrow(compat_level=LEVEL).cast(LINEAGE_SCHEMA)
