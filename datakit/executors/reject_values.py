"""What is told of rejects as JSON: the values that decided."""

import json

import numpy as np
import polars as pl
from numpy.typing import NDArray

from datakit.records import Table, nest


def encode_values(values: Table) -> pl.Series:
    """Measured values as the JSON text of one object a row, without nulls."""
    if not values.width or not values.height:
        return pl.Series("values", [None] * values.height, dtype=pl.String)
    held = values.select(pl.all().is_not_null()).to_numpy().T
    texts: list[pl.Series] = []
    places: list[NDArray[np.int64]] = []
    # Of many columns few have a value in a row: what there is of one type is encoded at once.
    for dtype in dict.fromkeys(values.dtypes):
        own = np.flatnonzero([dtype == other for other in values.dtypes])
        stacked = pl.concat([values.to_series(n).alias("v") for n in own.tolist()])
        texts.append(_encode(stacked.filter(pl.Series(held[own].ravel()))))
        columns, rows = np.nonzero(held[own])
        places.append(np.array([own[columns], rows]))
    columns, rows = np.concatenate(places, axis=1)
    order = np.lexsort((columns, rows))
    names = pl.Series([f"{json.dumps(name, ensure_ascii=False)}:" for name in values.columns])
    members = pl.select(pl.concat_str(names[columns[order]], pl.concat(texts)[order])).to_series()
    sizes = pl.Series(np.bincount(rows, minlength=values.height))
    objects = nest(members, sizes, name="values").list.join(",")
    return pl.select(pl.concat_str(pl.lit("{"), objects, pl.lit("}")).alias("values")).to_series()


def _encode(values: pl.Series) -> pl.Series:
    """Values of one type as JSON texts."""
    text = pl.struct("v").struct.json_encode().str.strip_prefix('{"v":').str.strip_suffix("}")
    return values.to_frame("v").select(text).to_series()
