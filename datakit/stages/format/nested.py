"""Lists and objects of the input where a text belongs: their JSON text is nobody's answer."""

from collections.abc import Sequence

import polars as pl

from datakit.records import NESTED, Batch
from datakit.stages.format.turns import FAULTS


def is_nested(batch: Batch, name: str) -> pl.Series:
    """Whether a column holds a list or an object of the input, for each row. Without the word of
    a reader a text is a text, whatever it looks like.
    """
    if NESTED not in batch.columns:
        return pl.Series([False]).new_from_index(0, batch.height)
    return batch[NESTED].list.contains(name).fill_null(False)


def nested_faults(batch: Batch, names: Sequence[str]) -> pl.DataFrame:
    """`wrong_type` of the first of these columns that holds a list or an object (`FAULTS`)."""
    found = [pl.DataFrame(schema=FAULTS)]
    for name in names:
        if name in batch.columns and (where := is_nested(batch, name)).any():
            rows = batch.select(name).with_row_index("row").filter(where)
            found.append(rows.select("row", *_wrong_type(name)).cast(FAULTS))  # type: ignore[arg-type]
    return pl.concat(found).unique("row", keep="first", maintain_order=True)


def _wrong_type(name: str) -> list[pl.Expr]:
    is_list = pl.col(name).str.starts_with("[")
    kind = pl.when(is_list).then(pl.lit("list")).otherwise(pl.lit("object"))
    values = pl.struct(pl.lit(name).alias("column"), kind.alias("found")).struct.json_encode()
    return [pl.lit("wrong_type").alias("reason"), values.alias("values")]
