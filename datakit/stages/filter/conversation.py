"""Keep conversations that trainers load and learn from as they were meant."""

from dataclasses import dataclass, field
from typing import ClassVar

import polars as pl

from datakit.conversations.calls import call_faults, check_tools
from datakit.conversations.flat import flatten
from datakit.conversations.order import code_of, order_faults
from datakit.errors import SettingsError
from datakit.records import MESSAGES, TOOLS, Batch, Columns, Table
from datakit.stages.filter.conversation_contents import MARKERS, content_faults

FOUND = {"message": pl.UInt32, "role": pl.String, "found": pl.String, "limit": pl.Int64}


@dataclass(frozen=True, kw_only=True, slots=True)
class ConversationFilter:
    """Keep valid conversations: order of roles, whole tool calls, nothing leaked into a text.

    A valid conversation is: system or not, then user and assistant in turn, the assistant last;
    an answer may call tools first, each call being followed by its results. What trainers do with
    others differs (LLaMA-Factory drops them, torchtune stops, TRL trains on them), so none pass
    here. `format.chat` repairs those of the input as it reads them, where its options say so, and
    refuses the others; `clean.conversation` those that other stages have changed since.

    Further checks, each an option: `equal_neighbours` (a message that only repeats the one before,
    whoever says it), `role_markers` (a line in a text that begins with a speaker, as left over from
    a dialogue in plain text: the `markers`, any case), `special_tokens` (tokens of chat templates
    such as `<|im_end|>`, which are live wherever they stand, in reasoning and tool calls too),
    `control_characters` (C0 controls but tab and line ends), `tool_calls` (JSON, names, ids that
    fit the results), `truncated_answers` (off: the last answer has `truncated_chars` characters or
    more and breaks off without a mark of punctuation, or with a code block open), `min_turns` and
    `max_turns` (user messages), `max_chars` (of all contents), `max_message_chars`.

    Records without a conversation stay.

    Reasons: `empty_conversation`, `unknown_role`, `empty_message`, `system_not_first`,
    `wrong_role_order`, `last_not_assistant`, `equal_neighbours`, `role_marker`, `special_token`,
    `control_character`, `broken_tool_call`, `broken_tools`, `truncated_answer`, `too_few_turns`,
    `too_many_turns`, `too_many_chars`, `message_too_long`. Values name the message, from 1, its
    role, and what was found there or the limit.
    """

    needs: ClassVar[Columns] = frozenset({MESSAGES})
    adds: ClassVar[Columns] = frozenset()

    equal_neighbours: bool = True
    role_markers: bool = True
    markers: list[str] = field(default_factory=lambda: list(MARKERS))
    special_tokens: bool = True
    control_characters: bool = True
    tool_calls: bool = True
    truncated_answers: bool = False
    truncated_chars: int = 100
    min_turns: int = 1
    max_turns: int | None = None
    max_chars: int | None = None
    max_message_chars: int | None = None

    def __post_init__(self) -> None:
        for key in ("truncated_chars", "min_turns", "max_turns", "max_chars", "max_message_chars"):
            value = getattr(self, key)
            if value is not None and value < 1:
                raise SettingsError(key, f"{value} is less than 1")
        if self.max_turns is not None and self.max_turns < self.min_turns:
            raise SettingsError("max_turns", f"{self.max_turns} is less than min_turns")
        if self.role_markers and not all(marker.strip() for marker in self.markers):
            raise SettingsError("markers", "a marker is empty")
        if self.role_markers and not self.markers:
            raise SettingsError("markers", "the list is empty", "set role_markers = false")

    def reject(self, batch: Batch) -> Table:
        """`reason`, `message`, `role`, `found` and `limit`."""
        flat = flatten(batch[MESSAGES])
        tables = [self._order(batch[MESSAGES], flat), *content_faults(flat, self)]
        if self.tool_calls:
            tables += [_calls(flat), _tools(batch)]
        tables.append(self._limits(flat))
        rows = pl.DataFrame({"row": pl.int_range(batch.height, dtype=pl.UInt32, eager=True)})
        whole = [t.select("row", "reason", *FOUND) for t in tables if t.height]
        if not whole:
            return rows.select(pl.lit(None, dtype=pl.String).alias("reason"))
        first = pl.concat(whole).unique("row", keep="first", maintain_order=True)
        verdicts = rows.join(first, on="row", how="left", maintain_order="left")
        return verdicts.drop("row")

    def _order(self, messages: pl.Series, flat: pl.DataFrame) -> Table:
        code = code_of(messages).alias("code")
        places = order_faults(pl.col("code"))
        reason = pl.lit(None, dtype=pl.String)
        for name, where in reversed(places):
            reason = pl.when(where.is_not_null()).then(pl.lit(name)).otherwise(reason)
        reason = pl.when(pl.col("code") == "").then(pl.lit("empty_conversation")).otherwise(reason)
        where = pl.coalesce(*(place for _, place in places)).cast(pl.UInt32) + 1
        found = code.to_frame().with_row_index("row")
        found = found.select("row", reason.alias("reason"), where.alias("message"))
        found = found.filter(pl.col("reason").is_not_null())
        named = flat.select("row", "message", pl.col("role").str.head(40))
        return _filled(found.join(named, on=["row", "message"], how="left", maintain_order="left"))

    def _limits(self, flat: pl.DataFrame) -> Table:
        """Turns and lengths; those that are out of bounds, with what was counted."""
        chars = pl.col("content").fill_null("").str.len_chars()
        counts = flat.group_by("row", maintain_order=True).agg(
            (pl.col("role") == "user").sum().cast(pl.Int64).alias("turns"),
            chars.sum().cast(pl.Int64).alias("chars"),
            chars.max().cast(pl.Int64).alias("longest"),
        )
        found = []
        for name, column, low, high in (
            ("too_few_turns", "turns", self.min_turns, None),
            ("too_many_turns", "turns", None, self.max_turns),
            ("too_many_chars", "chars", None, self.max_chars),
            ("message_too_long", "longest", None, self.max_message_chars),
        ):
            limit = low if high is None else high
            if limit is not None:
                value = pl.col(column)
                out = counts.filter(value < limit if high is None else value > limit)
                told = [pl.lit(name).alias("reason"), value.cast(pl.String).alias("found")]
                found.append(out.select("row", *told, pl.lit(limit).alias("limit")))
        return _filled(pl.concat(found))


def _filled(found: pl.DataFrame) -> Table:
    """The frame with all columns of `FOUND`."""
    return found.select(
        pl.col("row").cast(pl.UInt32),
        "reason",
        *(
            (pl.col(name) if name in found.columns else pl.lit(None)).cast(dtype).alias(name)
            for name, dtype in FOUND.items()
        ),
    )


def _calls(flat: pl.DataFrame) -> Table:
    found = call_faults(flat).rename({"error": "found"})
    return _filled(found.with_columns(pl.lit("broken_tool_call").alias("reason")))


def _tools(batch: Batch) -> Table:
    if batch.schema.get(TOOLS) != pl.String:
        return pl.DataFrame()
    texts = batch[TOOLS].fill_null("")
    faults = {
        text: error
        for text in texts.unique(maintain_order=True).to_list()
        if text and (error := check_tools(text))
    }
    rows = pl.DataFrame({"tools": texts}).with_row_index("row")
    broken = rows.filter(pl.col("tools").is_in(list(faults)))
    found = pl.col("tools").replace_strict(faults, return_dtype=pl.String, default=None)
    return _filled(
        broken.select("row", pl.lit("broken_tools").alias("reason"), found.alias("found"))
    )
