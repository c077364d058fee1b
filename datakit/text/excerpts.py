"""What is looked at of long texts."""

import polars as pl


def take_excerpts(texts: pl.Series, max_chars: int) -> pl.Series:
    r"""Of each text with more than `max_chars` characters a third of that many from its start, its
    middle and its end, a line each; other texts as they are, null as the empty text. 0 takes all.

    >>> take_excerpts(pl.Series(["abcdefghijklm", "abc", None]), 6).to_list()
    ['ab\nfg\nlm', 'abc', '']
    """
    texts = texts.fill_null("")
    # No text has more characters than bytes.
    long = (
        (texts.str.len_bytes() > max_chars).arg_true()
        if max_chars
        else pl.Series([], dtype=pl.UInt32)
    )
    if not len(long):
        return texts
    third = max(max_chars // 3, 1)
    text, length = pl.col("text").str, pl.col("text").str.len_chars().cast(pl.Int64)
    pieces = [text.head(third), text.slice((length - third) // 2, third), text.tail(third)]
    cut = (
        texts.gather(long)
        .to_frame("text")
        .select(
            pl.when(length > max_chars)
            .then(pl.concat_str(pieces, separator="\n"))
            .otherwise(pl.col("text"))
        )
    )
    return texts.scatter(long, cut.to_series()) if len(long) < len(texts) else cut.to_series()
