"""Conversations decoded a column at a time by Polars, with checks that nothing was guessed.

Polars turns numbers into strings, takes the first of two equal keys and wraps a lone string into
a list. So each reader gives back the rows it is not sure of; they are read again one by one.
All readers may raise `polars.exceptions.ComputeError` for the batch as a whole.
"""

from typing import TypeAlias

import polars as pl

from datakit.stages.format.roles import Names, prefix_pattern
from datakit.stages.format.turns import FLAT

# Unicode noncharacters: they stand in no text that was meant to be exchanged.
OPENS, CLOSES = "\ufdd0", "\ufdd1"

KEYS = {"openai": ("role", "content"), "sharegpt": ("from", "value")}

Read: TypeAlias = tuple[pl.DataFrame, pl.DataFrame]
"""Flat messages, and the rows that are left (`row`, `raw`)."""


def read_objects(rows: pl.DataFrame, names: Names, kind: str) -> Read:
    """`[{"role": "...", "content": "..."}]`, or with ShareGPT's keys."""
    keys = KEYS[kind]
    message = pl.Struct(dict.fromkeys(keys, pl.String))
    items = _decoded(rows, message)
    raw = pl.col("raw").str
    sure = pl.lit(True)
    for key in keys:
        values = pl.col("items").list.eval(pl.element().struct.field(key).is_not_null())
        once = raw.count_matches(rf'"{key}"\s*:\s*"') == pl.col("items").list.len()
        sure &= once & values.list.all()
    flat, left = _explode(items, sure)
    flat = flat.unnest("items").rename(dict(zip(keys, ("found", "content"), strict=True)))
    return _whole(flat.with_columns(_role(names))), left


def read_history(rows: pl.DataFrame) -> Read:
    """`[["question", "answer"], ...]`."""
    items = _decoded(rows, pl.List(pl.String))
    pairs = pl.col("items").list.eval((pl.element().list.len() == 2).fill_null(False))
    both = pl.col("items").list.eval(pl.element().explode())
    flat, left = _explode(items, ~_has_scalars() & pairs.list.all(), shown=both)
    flat = flat.with_columns(_alternating().alias("found"), pl.col("items").alias("content"))
    return _whole(flat.with_columns(pl.col("found").alias("role"))), left


def read_utterances(rows: pl.DataFrame, names: Names) -> Read:
    """`["patient: ...", "doctor: ..."]`; strings without any speaker alternate."""
    items = _decoded(rows, pl.String)
    whole = ~pl.col("items").list.eval(pl.element().is_null()).list.any()
    flat, left = _explode(items, ~_has_scalars() & whole)
    prefix = rf"(?i)^\s*{prefix_pattern(names)}"
    flat = flat.with_columns(
        pl.col("items").str.extract(prefix, 1).alias("found"),
        pl.col("items").str.replace(rf"{prefix}\s*", "").alias("content"),
    )
    alternates = pl.col("found").is_null().all().over("row")
    flat = flat.with_columns(
        pl.when(alternates).then(_alternating()).otherwise(pl.col("found")).alias("found")
    )
    unknown = pl.col("items").str.head(20)
    flat = flat.with_columns(_role(names), pl.col("found").fill_null(unknown))
    return _whole(flat), left


def read_text(rows: pl.DataFrame, names: Names) -> Read:
    """Plain text in which a line that begins with a speaker and a colon opens an utterance."""
    opening = rf"(?im)^[ \t\x{{3000}}]*{prefix_pattern(names)}\s*"
    marked = pl.col("raw").str.replace_all(opening, f"{OPENS}${{1}}{CLOSES}").str.split(OPENS)
    items = rows.with_columns(marked.alias("items"))
    blank = pl.col("items").list.first().str.strip_chars() == ""
    pieces = pl.when(blank).then(pl.col("items").list.slice(1)).otherwise(pl.col("items"))
    flat, left = _explode(items, pl.col("items").list.len() > 1, shown=pieces)
    parts = pl.col("items").str.splitn(CLOSES, 2).struct
    opened = parts[1].is_not_null()
    flat = flat.with_columns(
        pl.when(opened).then(parts[0]).alias("found"),
        pl.when(opened).then(parts[1]).otherwise(parts[0]).str.strip_chars("\r\n").alias("content"),
    )
    flat = flat.with_columns(_role(names), pl.col("found").fill_null(pl.col("items").str.head(20)))
    return _whole(flat), left


def _decoded(rows: pl.DataFrame, item: pl.DataType | type[pl.DataType]) -> pl.DataFrame:
    return rows.with_columns(pl.col("raw").str.json_decode(pl.List(item)).alias("items"))


def _explode(items: pl.DataFrame, sure: pl.Expr, *, shown: pl.Expr | None = None) -> Read:
    """One line per item of the rows that are `sure`, numbered from 1; the other rows."""
    items = items.with_columns(sure.fill_null(False).alias("sure"))
    good = items.filter("sure").select(
        "row", (pl.col("items") if shown is None else shown).alias("items")
    )
    numbers = pl.int_ranges(1, pl.col("items").list.len() + 1).alias("message")
    flat = good.with_columns(numbers).explode("message", "items", empty_as_null=False)
    return flat, items.filter(~pl.col("sure")).select("row", "raw")


def _has_scalars() -> pl.Expr:
    """Whether something in a list may be a number, a word such as `null`, or an object."""
    return pl.col("raw").str.contains(r'(?:"\s*,|\[)\s*[-0-9tfn{]')


def _alternating() -> pl.Expr:
    is_first = pl.col("message") % 2 == 1
    return pl.when(is_first).then(pl.lit("user")).otherwise(pl.lit("assistant"))


def _role(names: Names) -> pl.Expr:
    name = pl.col("found").str.strip_chars().str.to_lowercase()
    return name.replace_strict(dict(names), default=None, return_dtype=pl.String).alias("role")


def _whole(flat: pl.DataFrame) -> pl.DataFrame:
    """The frame with all columns of `FLAT`, in their order and types."""
    return flat.select(
        (pl.col(name) if name in flat.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in FLAT.items()
    )
