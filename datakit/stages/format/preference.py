"""A second, worse answer beside a conversation makes a preference."""

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from datakit.conversations.flat import count_messages, nest_messages
from datakit.errors import SettingsError
from datakit.records import MESSAGES, REASON, REJECTED, VALUES, Batch, Columns
from datakit.stages.format.answers import read_messages
from datakit.stages.format.roles import check_roles, speaker_names
from datakit.stages.format.turns import split_reasoning

COMPARED = ("role", "content", "tool_calls")


@dataclass(frozen=True, kw_only=True, slots=True)
class PreferenceFormat:
    """Put the worse of two answers into `rejected`: a preference, for DPO, ORPO, reward models.

    The conversation with the better answer is made before: it is the last message of `messages`.
    So every stage for conversations works on preferences too, and a layout for conversations
    takes the better answers. What comes before, for the usual forms:

    - prompt, chosen, rejected as texts: `format.instruct`, `output = "chosen"`;
    - LLaMA-Factory's alpaca form: the same, with its instruction and input;
    - `conversations` or `prompt` as a list of messages: `format.chat`, `completion = "chosen"`;
    - chosen and rejected each a whole dialogue, as a list of messages or as text with speakers
      (`Human: … Assistant: …`): `format.chat`, `field = "chosen"`;
    - ms-swift: `format.chat`, `field = "messages"`, and here `field = "rejected_response"`;
    - OpenAI: `completion = "preferred_output"`, here `field = "non_preferred_output"`.

    `field` names the column with the worse answer: a text, a message, or a whole dialogue, whose
    messages before the last must be those of the conversation. A text is a dialogue if it begins
    with a speaker and another one answers; any other is the answer as it stands. `roles` is that
    of `format.chat`, `split_reasoning` too. White space around the answer goes with `strip`.

    Reasons: `missing_rejected`, `empty_rejected`, `malformed_rejected` (no messages, or a list or
    an object that is none), `rejected_not_assistant`, `no_answer` (the conversation does not end
    with an answer), `several_answers` (more than one message, with no dialogue before),
    `different_prompts`, `equal_answers`.
    """

    adds: ClassVar[Columns] = frozenset({REJECTED})

    field: str = "rejected"
    roles: dict[str, str] = dataclasses.field(default_factory=dict)
    split_reasoning: bool = False
    strip: bool = True

    def __post_init__(self) -> None:
        check_roles(self.roles)
        if not self.field:
            raise SettingsError("field", "name the column with the worse answer")

    @property
    def needs(self) -> Columns:
        """The conversation and the answer."""
        return frozenset({MESSAGES, self.field})

    @property
    def drops(self) -> Columns:
        """The column that `rejected` stands in for."""
        return frozenset({self.field})

    def map(self, batch: Batch) -> Batch:
        """The batch with `rejected`; rows without a second answer have a reason."""
        raw, names = batch[self.field].cast(pl.String), speaker_names(self.roles)
        decoded = read_messages(batch, self.field, names, role="assistant")
        flat = split_reasoning(decoded.flat) if self.split_reasoning else decoded.flat
        if self.strip:
            flat = flat.with_columns(pl.col("content").str.strip_chars())
        answers = nest_messages(flat, batch.height)
        frame = pl.DataFrame(
            {
                "messages": batch[MESSAGES],
                "answer": answers,
                "count": count_messages(flat, batch.height),
                "raw": raw,
            }
        ).with_row_index("row")
        broken = decoded.faults.select("row", pl.col("reason").alias("fault"))
        frame = frame.join(broken, on="row", how="left", maintain_order="left")
        reason = frame.select(_reason().alias(REASON)).to_series()
        shown = pl.struct(pl.lit(self.field).alias("column"), pl.col("count").alias("messages"))
        values = frame.select(
            pl.when(pl.lit(reason).is_not_null()).then(shown.struct.json_encode()).alias(VALUES)
        ).to_series()
        last = frame.select(pl.col("answer").list.tail(1)).to_series()
        return batch.drop(self.field).with_columns(last.alias(REJECTED), reason, values)


def _reason() -> pl.Expr:
    messages, answer = pl.col("messages").list, pl.col("answer").list
    mine, other = messages.last().struct, answer.last().struct
    blank = (other.field("content").fill_null("").str.strip_chars() == "") & (
        other.field("tool_calls").fill_null("") == ""
    )
    before = messages.head(messages.len() - 1)
    earlier = answer.head(answer.len() - 1)
    # A system message may stand in the one only: it need not be repeated with the answer.
    no_system = messages.first().struct.field("role") == "system"
    spoken = pl.when(no_system).then(before.list.slice(1)).otherwise(before)
    is_same = (_texts(earlier) == _texts(before)) | (_texts(earlier) == _texts(spoken))
    equal = pl.all_horizontal(
        mine.field(name).fill_null("").eq(other.field(name).fill_null("")) for name in COMPARED
    )
    return (
        pl.when(pl.col("raw").fill_null("").str.strip_chars() == "")
        .then(pl.lit("missing_rejected"))
        .when(pl.col("fault").is_not_null())
        .then(pl.lit("malformed_rejected"))
        .when((mine.field("role") != "assistant").fill_null(True))
        .then(pl.lit("no_answer"))
        .when((other.field("role") != "assistant").fill_null(True))
        .then(pl.lit("rejected_not_assistant"))
        .when(blank)
        .then(pl.lit("empty_rejected"))
        .when((pl.col("count") > 1) & (answer.first().struct.field("role") == "assistant"))
        .then(pl.lit("several_answers"))
        .when((pl.col("count") > 1) & ~is_same)
        .then(pl.lit("different_prompts"))
        .when(equal)
        .then(pl.lit("equal_answers"))
    )


def _texts(messages: pl.Expr) -> pl.Expr:
    """What is compared of the messages before an answer: who says what."""
    message = pl.element().struct
    said = pl.concat_str(
        message.field("role"),
        message.field("content").fill_null("").str.strip_chars(),
        message.field("tool_calls").fill_null(""),
        separator="\0",
    )
    return messages.list.eval(said).list.join("\1")
