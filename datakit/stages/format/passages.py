"""Passages of whole sentences cut from documents, their words, and their sentences shuffled."""

import numpy as np
import polars as pl
import pyarrow as pa

from datakit.records import ID, utf8_buffers
from datakit.stages.format.sentences import SENTENCE
from datakit.stages.format.tasks import draw

ENDED = "[。！？；.!?…][”’」』）】》\"')\\]]*$"


def cut_passages(
    documents: pl.DataFrame, *, most_chars: int, most_sentences: int, seed: int
) -> pl.DataFrame:
    """One passage of each document (`row`, `id`, `lang`, `text`), sentence by sentence: `sentence`
    with the white space behind it, and its `place`.

    Only complete sentences count: headings and lines without an end mark end a passage.
    """
    cut = documents.select("row", ID, "lang", pl.col("text").str.extract_all(SENTENCE))
    cut = cut.explode("text", empty_as_null=False, keep_nulls=False)
    is_whole = pl.col("text").str.strip_chars().str.contains(ENDED)
    is_whole &= pl.col("text").str.len_chars() <= most_chars
    starts = (~is_whole | ~is_whole.shift(1).over("row")).fill_null(True)
    cut = cut.with_columns(starts.cum_sum().alias("run")).filter(is_whole)
    # The longest run of sentences of each document, the first of equal ones.
    cut = cut.with_columns(pl.len().over("row", "run").alias("size"))
    longest = pl.col("run") == pl.col("run").sort_by(
        "size", descending=True, maintain_order=True
    ).first().over("row")
    cut = cut.filter(longest)
    room = (pl.col("size").cast(pl.Int64) - most_sentences + 1).clip(1).cast(pl.UInt64)
    start = (pl.lit(draw(cut, pl.lit("passage"), seed=seed)) % room).cast(pl.Int64)
    place = pl.int_range(pl.len()).over("row") - start
    cut = cut.with_columns(place.alias("place"))
    cut = cut.filter(pl.col("place").is_between(0, most_sentences - 1))
    chars = pl.col("text").str.len_chars().cum_sum().over("row")
    return cut.filter(chars <= most_chars).select(
        "row", ID, "lang", "place", pl.col("text").alias("sentence")
    )


def draw_order(sentences: pl.DataFrame, *, seed: int) -> pl.DataFrame:
    """Passages of three sentences and more, with `at`, from 1: where each sentence is shown; never
    the order of the text.
    """
    several = sentences.filter(pl.len().over("row") >= 3)
    drawn = draw(several, pl.concat_str(pl.lit("order "), "place"), seed=seed)
    several = several.with_columns(drawn.alias("draw"))
    at = pl.col("draw").rank("ordinal").over("row").cast(pl.Int64)
    several = several.with_columns(at.alias("at"))
    is_same = (pl.col("at") == pl.col("place") + 1).all().over("row")
    turned = pl.col("at") % pl.len().over("row") + 1
    return several.with_columns(pl.when(is_same).then(turned).otherwise("at").alias("at"))


def split_words(passages: pl.DataFrame) -> pl.DataFrame:
    """`passage` by `word`: Han as jieba cuts it, runs of letters, each other character alone."""
    from datakit.kernels.segmentation import mark_words

    runs = pl.col("passage").str.extract_all(r"\p{Han}+|[\p{L}--\p{Han}]+|(?s).")
    cut = passages.with_columns(runs.alias("piece")).drop("passage")
    cut = cut.explode("piece", empty_as_null=False, keep_nulls=False)
    data, offsets = utf8_buffers(cut["piece"])
    data, offsets = data[offsets[0] : offsets[-1]], offsets - offsets[0]
    is_han = cut["piece"].str.contains(r"^\p{Han}").to_numpy()
    is_start = (mark_words(data, offsets) == 1) & (data & 0xC0 != 0x80)
    is_start &= np.repeat(is_han, np.diff(offsets))
    is_start[offsets[:-1]] = True
    starts = np.flatnonzero(is_start)
    bounds = np.append(starts, len(data)).astype(np.int64)
    words = pa.LargeStringArray.from_buffers(len(starts), pa.py_buffer(bounds), pa.py_buffer(data))
    parents = np.searchsorted(offsets, starts, side="right") - 1
    return cut[pl.Series(parents)].select(
        "row", ID, "lang", pl.Series("word", pl.from_arrow(words), dtype=pl.String)
    )
