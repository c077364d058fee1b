"""Documents and conversations become the text of continued pretraining."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import polars as pl

from datakit.records import CONTENT, MESSAGES, REASON, TEXT, VALUES, Batch, Columns
from datakit.stages.format.counts import empty_counts
from datakit.stages.format.wordings import check_template, fill

LABELS = {
    "zh": {"user": "问：", "assistant": "答："},
    "en": {"user": "Question: ", "assistant": "Answer: "},
    "plain": {"user": "", "assistant": ""},
}


@dataclass(frozen=True, kw_only=True, slots=True)
class PretrainFormat:
    """Make the text of continued pretraining: title, document, end mark; conversations as text.

    `title` names a column that is put before the text as `title_template` says (placeholders
    `{title}` and `{text}`); a record without a title, or whose text begins with it, stays as it
    is. `eos` is put at the end, e.g. `"<|endoftext|>"`, unless it stands there already; most
    trainers add their own, so it is off. In the middle of a text it would end the document
    there, so such records are refused (`contains_eos`). White space around the text goes with
    `strip`.

    Conversations become text, so that instructions can be mixed into documents: a line
    `问：…` for the user, `答：…` for the assistant, the system message before them, a blank line
    between turns. `wording` is `zh`, `en` (`Question: `, `Answer: `), `plain` (no labels), or
    `auto`: `zh` for conversations with any Han character, else `en`. Those with tool calls are
    refused, as plain text cannot say what they are. Counts of tokens are emptied where the text is
    another one then.

    Reasons: `empty_text`, `contains_eos`, `has_tool_calls`.
    """

    adds: ClassVar[Columns] = frozenset({TEXT})

    title: str = ""
    title_template: str = "{title}\n\n{text}"
    eos: str = ""
    wording: Literal["auto", "zh", "en", "plain"] = "auto"
    strip: bool = True

    def __post_init__(self) -> None:
        check_template(
            self.title_template, "title_template", needed="text", allowed=("title", "text")
        )

    @property
    def needs(self) -> Columns:
        """Text or messages, and the title."""
        return frozenset({CONTENT, self.title}) - {""}

    @property
    def drops(self) -> Columns:
        """The columns that the text stands in for."""
        return frozenset({MESSAGES, self.title}) - {""}

    def map(self, batch: Batch) -> Batch:
        """The batch with `text`; rows that cannot be converted have a reason."""
        parts = pl.DataFrame({TEXT: _texts(batch, self.wording), "has_calls": _has_calls(batch)})
        if self.strip:
            parts = parts.with_columns(pl.col(TEXT).str.strip_chars())
        if self.title:
            parts = parts.with_columns(batch[self.title].fill_null("").alias("title"))
            parts = parts.with_columns(self._titled().alias(TEXT))
        body = pl.col(TEXT).str.strip_suffix(self.eos) if self.eos else pl.col(TEXT)
        found = body.str.count_matches(self.eos, literal=True) if self.eos else pl.lit(0)
        reason = (
            pl.when("has_calls")
            .then(pl.lit("has_tool_calls"))
            .when(body.fill_null("").str.strip_chars() == "")
            .then(pl.lit("empty_text"))
            .when(found > 0)
            .then(pl.lit("contains_eos"))
        )
        values = pl.struct(pl.lit(self.eos).alias("eos"), found.alias("times")).struct.json_encode()
        done = parts.select(
            pl.when(reason.is_null()).then(body + self.eos).otherwise(body).alias(TEXT),
            reason.alias(REASON),
            pl.when(reason == "contains_eos").then(values).alias(VALUES),
        )
        was = batch[TEXT] if TEXT in batch.columns else pl.lit(None, dtype=pl.String)
        changed = done.select(pl.col(TEXT).ne_missing(was)).to_series()
        kept = batch.drop(self.drops, strict=False)
        return kept.with_columns(*done.get_columns(), *empty_counts(kept, changed))

    def _titled(self) -> pl.Expr:
        title, text = pl.col("title").str.strip_chars(), pl.col(TEXT)
        is_there = (title == "") | text.str.starts_with(title)
        whole = fill(self.title_template, {"title": title, "text": text})
        return pl.when(is_there).then(text).otherwise(whole)


def render(messages: pl.Series, labels: dict[str, str]) -> pl.Series:
    """Conversations as text: a line for each message after its label, a blank line between
    turns; null for no conversation.
    """
    role, content = (pl.element().struct.field(name) for name in ("role", "content"))
    starts = {"user": "\n\n" + labels["user"], "assistant": "\n" + labels["assistant"]}
    start = role.replace_strict(starts, default="\n\n", return_dtype=pl.String)
    lines = pl.col(MESSAGES).list.eval(start + content.fill_null("")).list.join("")
    text = lines.str.strip_chars_start("\n")
    return messages.alias(MESSAGES).to_frame().select(text).to_series()


def _texts(batch: Batch, wording: str) -> pl.Series:
    none = pl.Series(TEXT, [None], dtype=pl.String).new_from_index(0, batch.height)
    text = batch[TEXT] if TEXT in batch.columns else none
    if MESSAGES not in batch.columns or not text.null_count():
        return text
    messages = batch[MESSAGES]
    if wording != "auto":
        return text.fill_null(render(messages, LABELS[wording]))
    # Looked for with the plain wording, whose labels have no Han characters of their own.
    is_han = render(messages, LABELS["plain"]).str.contains(r"\p{Han}").fill_null(True)
    rendered = render(messages, LABELS["zh"])
    if not is_han.all():
        rendered = rendered.zip_with(is_han, render(messages, LABELS["en"]))
    return text.fill_null(rendered)


def _has_calls(batch: Batch) -> pl.Series:
    if MESSAGES not in batch.columns:
        return pl.Series([False]).new_from_index(0, batch.height)
    message = pl.element().struct
    calls = (message.field("role") == "tool") | message.field("tool_calls").is_not_null()
    found = pl.col(MESSAGES).list.eval(calls.fill_null(False)).list.any().fill_null(False)
    if TEXT in batch.columns:
        found &= pl.col(TEXT).is_null()
    return batch.select(found).to_series()
