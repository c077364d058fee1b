"""A text's shingles: overlapping runs of words or characters, as its script asks, hashed."""

from collections.abc import Iterator

import numpy as np
import polars as pl

from datakit.kernels.minhash import Offsets, Words, hash_shingles, hash_words, mix_longs
from datakit.records import nest
from datakit.stages.dedup.compared import normalise

# Scripts that put no space between words; in them a character is the unit.
UNSPACED = (
    r"\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}"
)
LETTERS = r"\p{L}\p{M}\p{N}"

# Characters worked on at once: the arrays of one slice take some 50 bytes a character.
SLICE_CHARS = 1 << 18


def make_shingles(texts: pl.Series, *, ngram_words: int, ngram_chars: int) -> pl.Series:
    """Each text's shingle hashes, List[UInt32], sorted and distinct; null for an empty text.

    Compared are letters, digits and marks, in lower case and NFC, full-width forms folded;
    punctuation and white space only part words. A text with more characters of unspaced scripts
    than words of others is cut into characters, any other into words, each character of an
    unspaced script being one. A text with fewer units than a shingle has one shingle, of the
    whole; a text without letters and digits is compared by its signs.
    """
    text = pl.col("text").str
    kinds = normalise(texts).to_frame("text").with_row_index("row").drop_nulls()
    kinds = kinds.with_columns(
        text.count_matches(f"[{UNSPACED}]").alias("chars"),
        text.count_matches(f"[[{LETTERS}]--[{UNSPACED}]]+").alias("words"),
    )
    has_letters = (pl.col("chars") > 0) | (pl.col("words") > 0)
    is_by_chars = pl.col("chars") > pl.col("words")
    spaced = text.replace_all(f"([{UNSPACED}])", " ${1} ").str.replace_all(f"[^{LETTERS}]+", " ")
    cuts = [
        (is_by_chars, text.replace_all(f"[^{LETTERS}]+", ""), ngram_chars, True),
        (~is_by_chars & has_letters, spaced.str.strip_chars(" "), ngram_words, False),
        (~has_letters, text.replace_all(r"\s+", ""), ngram_chars, True),
    ]
    pieces = [pl.DataFrame(schema={"row": pl.UInt32, "shingles": pl.List(pl.UInt32)})]
    for chosen, units, size, by_chars in cuts:
        for piece in _slices(kinds.filter(chosen).select("row", units.alias("units"))):
            hashes, offsets = _hash_piece(piece["units"], size, is_by_chars=by_chars)
            lists = nest(pl.Series(hashes), pl.Series(np.diff(offsets)), name="shingles")
            pieces.append(piece.select("row").with_columns(lists))
    rows = pl.DataFrame({"row": pl.Series(range(len(texts)), dtype=pl.UInt32)})
    return rows.join(pl.concat(pieces), on="row", how="left", maintain_order="left")["shingles"]


def _slices(units: pl.DataFrame) -> Iterator[pl.DataFrame]:
    chars = pl.col("units").str.len_chars().cast(pl.Int64).cum_sum()
    slices = units.with_columns((chars // SLICE_CHARS).alias("slice"))
    yield from slices.partition_by("slice", include_key=False, maintain_order=True)


def _hash_piece(units: pl.Series, size: int, *, is_by_chars: bool) -> tuple[Words, Offsets]:
    characters = np.frombuffer(
        ("" if is_by_chars else " ").join(units.to_list()).encode("utf-32-le"), dtype=np.uint32
    )
    if is_by_chars:
        counts = units.str.len_chars().cast(pl.Int64).to_numpy()
        # Another constant than in `hash_words`: a word of one letter is not that character.
        hashed = mix_longs(characters.astype(np.uint64) + np.uint64(1))
        return hash_shingles(hashed, counts, size)
    counts = (units.str.count_matches(" ", literal=True) + 1).cast(pl.Int64).to_numpy()
    return hash_shingles(hash_words(characters), counts, size)
