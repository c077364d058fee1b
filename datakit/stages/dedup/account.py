"""The account of a dedup stage: what each source lost, how large the clusters are, the largest.

A summary and a verdict are tables of rows of three kinds, told by the column `table`:

| table | a row is | columns |
|---|---|---|
| `sources` | a source | `records` compared, `duplicates`, their `share` (null where none was compared), `of_other_sources` (the keeper is of another source of the run), `of_indexes` (the keeper is in an index; null where none is), `alarm` |
| `clusters` | a class of sizes | `size`, `clusters`, `records`, keepers included |
| `largest` | a cluster | `records`, `kept_id`, `kept_source`, `kept_in` (the index it is in), `excerpt` of the keeper's text |
"""  # noqa: E501

from collections.abc import Iterable

import polars as pl

from datakit.barriers import Recall
from datakit.records import SOURCE, Table, joined_content
from datakit.stages.dedup.keepers import KEPT_ADDRESS, KEPT_ID, KEPT_IN, KEPT_SOURCE

TABLE, SOURCES, CLUSTERS, LARGEST = "table", "sources", "clusters", "largest"
KEPT = (KEPT_ID, KEPT_SOURCE, KEPT_IN, KEPT_ADDRESS)
MOST_SHOWN = 10
EXCERPT_CHARS = 60

SIZES = {"2": 2, "3 to 4": 3, "5 to 9": 5, "10 to 99": 10, "100 to 999": 100, "1,000 up": 1000}

SCHEMA = {
    TABLE: pl.String,
    SOURCE: pl.String,
    "size": pl.String,
    "clusters": pl.Int64,
    "records": pl.Int64,
    "duplicates": pl.Int64,
    "of_other_sources": pl.Int64,
    "of_indexes": pl.Int64,
    KEPT_ADDRESS: pl.UInt64,
    KEPT_ID: pl.String,
    KEPT_SOURCE: pl.String,
    KEPT_IN: pl.String,
}


def count_records(sources: Iterable[tuple[str, int]]) -> Table:
    """A summary of how many records of each source were compared."""
    rows = [(SOURCES, source, rows) for source, rows in sources]
    found = pl.DataFrame(rows, schema=[TABLE, SOURCE, "records"], orient="row")
    return _shape(found.cast({"records": pl.Int64}) if rows else found.clear())


def count_duplicates(duplicates: Table) -> Table:
    """A summary of duplicates with `source`, `kept_id`, `kept_source`, `kept_address`, and
    `kept_in` if some may be like records of an index.
    """
    if KEPT_IN not in duplicates.columns:
        duplicates = duplicates.with_columns(pl.lit(None, dtype=pl.String).alias(KEPT_IN))
    # An index's sources are those of another run, whatever their names.
    is_of_run = pl.col(KEPT_IN).is_null()
    is_of_other = is_of_run & (pl.col(SOURCE) != pl.col(KEPT_SOURCE))
    gone = duplicates.group_by(SOURCE).agg(
        pl.len().cast(pl.Int64).alias("duplicates"),
        is_of_other.sum().cast(pl.Int64).alias("of_other_sources"),
        (~is_of_run).sum().cast(pl.Int64).alias("of_indexes"),
    )
    clusters = duplicates.group_by(KEPT).agg((pl.len().cast(pl.Int64) + 1).alias("records"))
    classes = [pl.when(pl.col("records") >= n).then(pl.lit(name)) for name, n in SIZES.items()]
    sizes = clusters.group_by(pl.coalesce(reversed(classes)).alias("size")).agg(
        pl.len().cast(pl.Int64).alias("clusters"), pl.col("records").sum()
    )
    kinds = {SOURCES: gone, CLUSTERS: sizes, LARGEST: _largest(clusters)}
    return pl.concat(
        _shape(rows.with_columns(pl.lit(kind).alias(TABLE))) for kind, rows in kinds.items()
    )


def add_counts(summaries: Iterable[Table], *, alarm_share: float) -> Table:
    """The summaries of all partitions or groups as one verdict."""
    tables = [summary for summary in summaries if summary.height]
    if not tables:
        return pl.DataFrame()
    rows = pl.concat(tables)
    compared = pl.col("records")
    # Of no records there is no share: 0 / 0 would be NaN, which is above any limit.
    share = pl.when(compared > 0).then(pl.col("duplicates") / compared).alias("share")
    sources = (
        rows.filter(pl.col(TABLE) == SOURCES)
        .group_by(TABLE, SOURCE)
        .agg(pl.sum("records", "duplicates", "of_other_sources", "of_indexes"))
        .sort(SOURCE)
        .with_columns(share, pl.when(pl.col("of_indexes").max() > 0).then("of_indexes"))
    )
    alarm = f"lost more than {alarm_share:.0%}"
    sources = sources.with_columns(
        pl.when(pl.col("share") > alarm_share).then(pl.lit(alarm)).alias("alarm")
    )
    order = pl.col("size").replace_strict(SIZES, default=0, return_dtype=pl.Int64)
    sizes = rows.filter(pl.col(TABLE) == CLUSTERS).group_by(TABLE, "size")
    clusters = sizes.agg(pl.sum("clusters", "records")).sort(order)
    largest = _largest(rows.filter(pl.col(TABLE) == LARGEST))
    columns = ["duplicates", "share", "of_other_sources", "of_indexes", "alarm"]
    return pl.concat([sources, clusters, largest], how="diagonal").select(
        TABLE, SOURCE, "size", "clusters", "records", *columns, *KEPT
    )


def add_excerpts(verdict: Table, recall: Recall) -> Table:
    """The verdict with the beginning of each of the largest clusters' keepers."""
    shown = verdict.filter(pl.col(TABLE) == LARGEST)
    if shown.height:
        texts = joined_content(recall(shown[KEPT_ADDRESS].to_list())).fill_null("")
        excerpts = texts.str.replace_all(r"\s+", " ").str.head(EXCERPT_CHARS)
        shown = shown.with_columns(excerpts.alias("excerpt"))
    others = verdict.filter(pl.col(TABLE) != LARGEST)
    return pl.concat([others, shown], how="diagonal").drop(KEPT_ADDRESS)


def _largest(clusters: Table) -> Table:
    return clusters.sort("records", KEPT_ADDRESS, descending=[True, False]).head(MOST_SHOWN)


def _shape(rows: Table) -> Table:
    missing = [pl.lit(None, dtype=t).alias(n) for n, t in SCHEMA.items() if n not in rows.columns]
    return rows.with_columns(missing).select(list(SCHEMA)).cast(SCHEMA)  # type: ignore[arg-type]
