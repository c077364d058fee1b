"""Keep records by the length of their text."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import polars as pl

from datakit.conversations.compared import (
    CONTENT_PART,
    CONTEXT,
    PROMPT,
    RESPONSE,
    check_part,
    columns_of_part,
    select_part,
)
from datakit.conversations.roles import check_roles
from datakit.errors import SettingsError
from datakit.records import MESSAGES, Batch, Columns, Table, joined_content
from datakit.text.segmentation import count_words

UNITS = ("chars", "han", "words", "lines", "tokens")
N_TOKENS = "n_tokens"
RATIO = "response_ratio"
MEASURES = (*UNITS, RATIO)


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
    Conversations are measured over the contents of all their messages; with `roles` over those of
    these roles (`["assistant"]`: all answers), with `on` over one part: `"prompt"`, the first user
    message; `"response"`, the last assistant message; `"context"`, all messages before that one
    (any other `on`: that column). A conversation without such messages has nothing, and no length;
    a document has no roles and stays. Tokens by role are columns of `annotate.tokens`, for
    `filter.rules`.

    `min_response_ratio` and `max_response_ratio` bound the characters of all answers over those of
    all user messages; a conversation in which no user says anything has no ratio and stays.

    Reasons: `too_few_<unit>`, `too_many_<unit>`, `low_response_ratio`, `high_response_ratio`.
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
    min_response_ratio: float | None = None
    max_response_ratio: float | None = None
    on: str = CONTENT_PART
    roles: tuple[str, ...] = ()
    segmenter: Literal["characters", "jieba"] = "characters"

    def __post_init__(self) -> None:
        bounds = [f"{side}_{unit}" for unit in MEASURES for side in ("min", "max")]
        if all(getattr(self, bound) is None for bound in bounds):
            hint = f"set one or more of {', '.join(bounds)}"
            raise SettingsError("use", "filter.length has no bound and would keep all", hint)
        for unit in MEASURES:
            low, high = getattr(self, f"min_{unit}"), getattr(self, f"max_{unit}")
            if low is not None and high is not None and low > high:
                raise SettingsError(f"min_{unit}", f"{low} is more than max_{unit} = {high}")
        self._check_part()

    def _check_part(self) -> None:
        check_part(self.on)
        check_roles(self.roles)
        if self.roles and self.on != CONTENT_PART:
            raise SettingsError("roles", "either `on` or `roles` names what is measured, not both")
        if self._is_part and self._counts_tokens:
            hint = "annotate.tokens with roles = true gives columns for filter.rules"
            bound = "max_tokens" if self.min_tokens is None else "min_tokens"
            raise SettingsError(bound, "n_tokens counts the whole record, not a part of it", hint)

    @property
    def needs(self) -> Columns:
        """What is measured, and the count of tokens where it is asked for."""
        needs = frozenset({MESSAGES}) if self.roles else columns_of_part(self.on)
        if self.min_response_ratio is not None or self.max_response_ratio is not None:
            needs |= {MESSAGES}
        return needs | {N_TOKENS} if self._counts_tokens else needs

    @property
    def _is_part(self) -> bool:
        return bool(self.roles) or self.on != CONTENT_PART

    @property
    def _counts_tokens(self) -> bool:
        return self.min_tokens is not None or self.max_tokens is not None

    def reject(self, batch: Batch) -> Table:
        """`reason`, and each measured length beside its bounds."""
        columns: list[pl.Expr] = []
        reason = pl.lit(None, dtype=pl.String)
        for unit in reversed(MEASURES):
            for side in ("min", "max"):
                bound = getattr(self, f"{side}_{unit}")
                if bound is None:
                    continue
                fails = pl.col(unit) < bound if side == "min" else pl.col(unit) > bound
                reason = pl.when(fails).then(pl.lit(_name(unit, side))).otherwise(reason)
                columns += [pl.col(unit), pl.lit(bound).alias(f"{side}_{unit}")]
        texts = self._select(batch).to_frame("text")
        if self.min_response_ratio is not None or self.max_response_ratio is not None:
            texts = texts.with_columns(_ratio_of(batch).alias(RATIO))
        if N_TOKENS in self.needs:
            texts = texts.with_columns(batch[N_TOKENS].fill_null(0))
        measured = texts.with_columns(self._measures())
        unique = {column.meta.output_name(): column for column in columns}
        return measured.select(reason.alias("reason"), *unique.values())

    def _select(self, batch: Batch) -> pl.Series:
        """The part to measure; null, which no bound refuses, in documents without parts."""
        if not self._is_part:
            return joined_content(batch).fill_null("")
        if not self.roles:
            part = select_part(batch, self.on)
            if self.on not in (PROMPT, RESPONSE, CONTEXT):
                return part.fill_null("")
        else:
            part = joined_content(batch.select(MESSAGES), roles=self.roles)
        is_conversation = batch[MESSAGES].is_not_null()
        return part.zip_with(~is_conversation, part.fill_null(""))

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
            RATIO: pl.col(RATIO),
        }
        if self.segmenter == "jieba":
            measures["words"] = pl.col("text").map_batches(_jieba_words, return_dtype=pl.UInt32)
        return [
            expression.alias(unit)
            for unit, expression in measures.items()
            if getattr(self, f"min_{unit}") is not None or getattr(self, f"max_{unit}") is not None
        ]


def _name(measure: str, side: str) -> str:
    if measure == RATIO:
        return f"low_{RATIO}" if side == "min" else f"high_{RATIO}"
    return f"too_few_{measure}" if side == "min" else f"too_many_{measure}"


def _ratio_of(batch: Batch) -> pl.Series:
    """Characters of the answers over those of the user; null without the latter."""
    answers, asked = (
        joined_content(batch.select(MESSAGES), roles=(role,)).str.len_chars()
        for role in ("assistant", "user")
    )
    lengths = pl.DataFrame({"answers": answers, "asked": asked})
    ratio = pl.when(pl.col("asked") > 0).then(pl.col("answers") / pl.col("asked"))
    return lengths.select(ratio).to_series()


def _jieba_words(texts: pl.Series) -> pl.Series:
    return pl.Series(texts.name, count_words(texts.to_list()), dtype=pl.UInt32)
