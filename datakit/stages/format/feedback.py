"""Judgements of single answers (KTO) become the column `label`."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from datakit.errors import SettingsError
from datakit.records import LABEL, MESSAGES, REASON, VALUES, Batch, Columns

GOOD = ("true", "1", "1.0", "yes", "good", "desirable", "chosen", "好", "是")
BAD = ("false", "0", "0.0", "no", "bad", "undesirable", "rejected", "差", "否")


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedbackFormat:
    """Take from a column whether the last answer of a conversation is a good one (KTO).

    The conversation is made before, by `format.chat` or `format.instruct`. `field` names the
    column with the judgement: `label` in TRL's and ms-swift's data, `kto_tag` in
    LLaMA-Factory's. It becomes the column `label`, true or false. `good` and `bad` list what its
    values may be, in any case; usual are true and false, 1 and 0, yes and no, good and bad.

    Reasons: `missing_label`, `unknown_label`, `no_answer` (the conversation does not end with an
    answer).
    """

    adds: ClassVar[Columns] = frozenset({LABEL})

    field: str = LABEL
    good: list[str] = dataclasses.field(default_factory=lambda: list(GOOD))
    bad: list[str] = dataclasses.field(default_factory=lambda: list(BAD))

    def __post_init__(self) -> None:
        if not self.field:
            raise SettingsError("field", "name the column with the judgement")
        for key in ("good", "bad"):
            if not getattr(self, key):
                raise SettingsError(key, "the list is empty")
        if both := sorted(set(_folded(self.good)) & set(_folded(self.bad))):
            raise SettingsError("bad", f"{both[0]!r} is good and bad at once")

    @property
    def needs(self) -> Columns:
        """The conversation and the judgement."""
        return frozenset({MESSAGES, self.field})

    @property
    def drops(self) -> Columns:
        """The column that `label` stands in for."""
        return frozenset({self.field})

    def map(self, batch: Batch) -> Batch:
        """The batch with `label`; rows without a judgement have a reason."""
        given = pl.col(self.field).cast(pl.String).str.strip_chars().str.to_lowercase()
        values = dict.fromkeys(_folded(self.bad), False) | dict.fromkeys(_folded(self.good), True)
        label = given.replace_strict(values, default=None, return_dtype=pl.Boolean)
        last = pl.col(MESSAGES).list.last().struct.field("role")
        reason = (
            pl.when((given == "") | given.is_null())
            .then(pl.lit("missing_label"))
            .when(label.is_null())
            .then(pl.lit("unknown_label"))
            .when((last != "assistant").fill_null(True))
            .then(pl.lit("no_answer"))
        )
        shown = pl.struct(
            pl.lit(self.field).alias("column"),
            pl.col(self.field).cast(pl.String).str.head(40).fill_null("").alias("value"),
        )
        judged = batch.select(
            label.alias(LABEL),
            reason.alias(REASON),
            pl.when(reason.is_not_null()).then(shown.struct.json_encode()).alias(VALUES),
        )
        return batch.drop(self.field).with_columns(judged.get_columns())


def _folded(words: Sequence[str]) -> list[str]:
    return [word.strip().lower() for word in words]
