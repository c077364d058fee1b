"""Cutting texts at the ends of sentences, and where one is too long, at finer places."""

from collections.abc import Callable

import polars as pl

Measure = Callable[[pl.Series], pl.Series]
"""The size of each text: Int64."""

CLOSING = r"[”’」』）】》\"')\]]*"
# Initials and the like end no sentence: `S. aureus`, `Smith et al. found`.
ABBREVIATION = r"\b(?:[A-Z]|Dr|Mr|Mrs|Ms|Prof|St|vs|al|Fig|No|cf|e\.g|i\.e)\.[ \t]+"
SENTENCE = (
    rf"(?s)(?:{ABBREVIATION}|.)+?"
    rf"(?:[。！？；…]+{CLOSING}|[.!?]+{CLOSING}(?:\s+|$)|\n+|$)\s*"
)
CLAUSE = r"(?s).+?(?:[，、：,;:]+|\s+|$)\s*"


def cut_parts(texts: pl.Series, measure: Measure, *, most: int, chars: int) -> pl.DataFrame:
    """Parts of each text in order, which joined give the text: columns `row`, `part`, `size`.

    Parts are sentences, with the white space behind them; a sentence larger than `most` is cut
    into clauses, a clause that still is, into `chars` characters at a time.
    """
    parts = pl.DataFrame({"row": pl.int_range(len(texts), eager=True), "part": texts})
    for pattern in (SENTENCE, CLAUSE, rf"(?s).{{1,{chars}}}"):
        parts = _cut_large(parts, pattern, most, measure)
    return _sized(parts, measure)


def _cut_large(parts: pl.DataFrame, pattern: str, most: int, measure: Measure) -> pl.DataFrame:
    sized = parts if "size" in parts.columns else _sized(parts, measure)
    large = sized["size"] > most
    if not large.any():
        return sized
    numbered = sized.with_row_index("place")
    cut = numbered.filter(large).with_columns(pl.col("part").str.extract_all(pattern))
    cut = cut.explode("part", empty_as_null=False, keep_nulls=False).drop("size")
    cut = cut.with_columns(measure(cut["part"]).alias("size"))
    whole = numbered.filter(~large)
    order = pl.concat([whole.select(cut.columns), cut]).sort("place", maintain_order=True)
    return order.drop("place")


def _sized(parts: pl.DataFrame, measure: Measure) -> pl.DataFrame:
    if "size" in parts.columns:
        return parts
    return parts.with_columns(measure(parts["part"]).alias("size"))
