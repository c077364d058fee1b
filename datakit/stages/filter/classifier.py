"""Keep records that a fastText classifier likes."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import polars as pl

from datakit.errors import SettingsError
from datakit.records import CONTENT, ID, Batch, Columns, Table, hash_strings
from datakit.stages.filter.classifying import TokensSetting, complete_card, score_batch
from datakit.text.classifier_tokens import Card


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassifierFilter:
    """Keep records to which a fastText classifier gives a label with enough probability.

    `model` is any fastText classifier (`.bin` or `.ftz`): one that `datakit train-classifier` has
    trained, or a published one for quality, domain or topic. The score of a record is the
    probability of `label`. Which label, what `tokens` the model was trained on and how much of a
    text it was shown (`max_chars`) stand in the card beside a model of ours (`model.bin.json`);
    each can be set here. Without a card `label` must be set, `tokens` are `"raw"` (the text as it
    is, words where white space is) and all of the text is judged; `"characters"` and `"jieba"` are
    explained at `datakit train-classifier`. Of a text with more than `max_chars` characters a third
    each from start, middle and end is judged; 0 judges all.

    One of two rules decides:

    - `min_score`: keep scores of at least so much, 0 to 1 (EvalWeb: 0.5, its best part 0.9).
    - `pareto`: GPT-3's rule: keep a record if a number drawn from the Pareto distribution with this
      shape is above 1 - score, so that some records of low score stay too. GPT-3 used 9 (Brown et
      al. 2020, appendix A), NeMo Curator's default is 3. The number is made from seed and id.

    To keep the best tenth, whatever its scores, see `filter.classifier_top`.
    Conversations are judged over all their messages.

    Reasons: `low_score`, `not_drawn`.
    """

    needs: ClassVar[Columns] = frozenset({CONTENT})
    adds: ClassVar[Columns] = frozenset()
    libraries: ClassVar[tuple[str, ...]] = ("jieba",)

    model: Path
    min_score: float | None = None
    pareto: float | None = None
    label: str | None = None
    tokens: TokensSetting = "auto"
    max_chars: int | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        if (self.min_score is None) == (self.pareto is None):
            raise SettingsError("min_score", "set one of min_score and pareto", "min_score = 0.5")
        if self.min_score is not None and not 0 <= self.min_score <= 1:
            raise SettingsError("min_score", f"{self.min_score} is not between 0 and 1")
        if self.pareto is not None and not 0 < self.pareto < float("inf"):
            raise SettingsError("pareto", f"{self.pareto} is not above 0", "GPT-3 used 9")
        card = complete_card(self.model, self.label, self.tokens, self.max_chars)
        # Written into the settings, so that work done by another card is not used again.
        for name in ("label", "tokens", "max_chars"):
            object.__setattr__(self, name, getattr(card, name))

    def reject(self, batch: Batch) -> Table:
        """`reason`, `label`, `score`, and what it was held against."""
        scores = score_batch(batch, self.model, self._card)
        shown = pl.DataFrame(scores).select(pl.lit(self.label).alias("label"), "score")
        if self.min_score is not None:
            shown = shown.with_columns(pl.lit(self.min_score).alias("min_score"))
            reason = pl.when(pl.col("score") < self.min_score).then(pl.lit("low_score"))
        else:
            shown = shown.with_columns(self._draw(batch))
            reason = pl.when(pl.col("drawn") <= 1 - pl.col("score")).then(pl.lit("not_drawn"))
        return shown.select(reason.alias("reason"), pl.all())

    @property
    def _card(self) -> Card:
        assert self.label is not None
        assert self.tokens != "auto"
        assert self.max_chars is not None
        return Card(tokens=self.tokens, max_chars=self.max_chars, label=self.label)

    def _draw(self, batch: Batch) -> pl.Series:
        """A number for each record from the Pareto distribution of NumPy, which begins at 0."""
        salt = hash_strings(pl.Series([f"filter.classifier:{self.seed or 0}"], dtype=pl.String))[0]
        uniform = (hash_strings(batch[ID], seed=salt).cast(pl.Float64) + 1) / 2.0**64
        assert self.pareto is not None
        return (uniform ** (-1 / self.pareto) - 1).round(6).alias("drawn")
