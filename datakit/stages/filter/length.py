"""Keep records by the length of their text."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import polars as pl

from datakit.errors import SettingsError
from datakit.records import CONTENT, Batch, Columns, Table, joined_content
from datakit.text.segmentation import count_words

UNITS = ("chars", "han", "words", "lines", "tokens")
N_TOKENS = "n_tokens"


@dataclass(frozen=True, kw_only=True, slots=True)
class LengthFilter:
    r"""Keep records whose text has between `min_…` and `max_…` characters, Han characters, words,
    lines or tokens.

    Characters are Unicode code points; Han characters are those of the script Han; words are runs
    of letters and digits of spaced scripts, each Han character or kana counting as one word;
    lines are those that hold anything but white space. A bound left out does not apply. With
    `segmenter = "jieba"` words are those that jieba cuts, as figures published for Chinese often
    mean (it reads less than 1 MB of text a second).
    Tokens are those that `annotate.tokens` counted before this stage (`n_tokens`; a record without
    a count has none).
    Conversations are measured over the contents of all their messages.

    Reasons: `too_few_<unit>`, `too_many_<unit>`.
    """

    adds: ClassVar[Columns] = frozenset()
    libraries: ClassVar[tuple[str, ...]] = ("jieba",)

    min_chars: int | None = None
    max_chars: int | None = None
    min_han: int | None = None
    max_han: int | None = None
    min_words: int | None = None
    max_words: int | None = None
    min_lines: int | None = None
    max_lines: int | None = None
    min_tokens: int | None = None
    max_tokens: int | None = None
    segmenter: Literal["characters", "jieba"] = "characters"

    def __post_init__(self) -> None:
        bounds = [f"{side}_{unit}" for unit in UNITS for side in ("min", "max")]
        if all(getattr(self, bound) is None for bound in bounds):
            hint = f"set one or more of {', '.join(bounds)}"
            raise SettingsError("use", "filter.length has no bound and would keep all", hint)
        for unit in UNITS:
            low, high = getattr(self, f"min_{unit}"), getattr(self, f"max_{unit}")
            if low is not None and high is not None and low > high:
                raise SettingsError(f"min_{unit}", f"{low} is more than max_{unit} = {high}")

    @property
    def needs(self) -> Columns:
        """The content, and the count of tokens where it is asked for."""
        asked = self.min_tokens is not None or self.max_tokens is not None
        return frozenset({CONTENT, N_TOKENS}) if asked else frozenset({CONTENT})

    def reject(self, batch: Batch) -> Table:
        """`reason`, and each measured length beside its bounds."""
        columns: list[pl.Expr] = []
        reason = pl.lit(None, dtype=pl.String)
        for unit in reversed(UNITS):
            for side in ("min", "max"):
                bound = getattr(self, f"{side}_{unit}")
                if bound is None:
                    continue
                fails = pl.col(unit) < bound if side == "min" else pl.col(unit) > bound
                name = f"too_few_{unit}" if side == "min" else f"too_many_{unit}"
                reason = pl.when(fails).then(pl.lit(name)).otherwise(reason)
                columns += [pl.col(unit), pl.lit(bound).alias(f"{side}_{unit}")]
        texts = joined_content(batch).fill_null("").to_frame("text")
        if N_TOKENS in self.needs:
            texts = texts.with_columns(batch[N_TOKENS].fill_null(0))
        measured = texts.with_columns(self._measures())
        unique = {column.meta.output_name(): column for column in columns}
        return measured.select(reason.alias("reason"), *unique.values())

    def _measures(self) -> list[pl.Expr]:
        text = pl.col("text").str
        measures = {
            "chars": text.len_chars(),
            "han": text.count_matches(r"\p{Han}"),
            "words": text.count_matches(
                r"[\p{Han}\p{Hiragana}\p{Katakana}]|[\p{L}\p{N}--\p{Han}\p{Hiragana}\p{Katakana}]+"
            ),
            "lines": text.count_matches(r"(?m)^.*\S"),
            "tokens": pl.col(N_TOKENS),
        }
        if self.segmenter == "jieba":
            measures["words"] = pl.col("text").map_batches(_jieba_words, return_dtype=pl.UInt32)
        return [
            expression.alias(unit)
            for unit, expression in measures.items()
            if getattr(self, f"min_{unit}") is not None or getattr(self, f"max_{unit}") is not None
        ]


def _jieba_words(texts: pl.Series) -> pl.Series:
    return pl.Series(texts.name, count_words(texts.to_list()), dtype=pl.UInt32)
