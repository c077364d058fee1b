"""JSON Lines for OpenAI's fine-tuning."""

from dataclasses import dataclass
from typing import Literal

import polars as pl
import pyarrow as pa

from datakit.records import MESSAGES, REJECTED, Batch
from datakit.stages.write.faults import Fault
from datakit.stages.write.line_files import as_lines
from datakit.stages.write.open_ai_turns import message_texts, open_ai_tools
from datakit.stages.write.shapes import tools_of
from datakit.stages.write.trainer import Holds, TrainerSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenAiSink(TrainerSettings):
    """Write JSON Lines for OpenAI's fine-tuning: conversations, or preferences for DPO.

    `layout`: `chat` is `{"messages", "tools"}`, `preference` `{"input": {"messages", "tools"},
    "preferred_output", "non_preferred_output"}`. Tools and calls stand as objects, their arguments
    as JSON text; a key that has nothing to say is left out. An answer that is not to be trained has
    `weight` 0. OpenAI refuses a file of fewer than ten lines; that is not looked at here.

    Tokens of chat templates in a text are refused; `special_tokens = "split"` puts a zero-width
    space into them, "allow" lets them pass (OpenAI does not say what it does with them).

    Reasons: those of an invalid conversation (see `filter.conversation`), `has_reasoning` (there is
    no place for it), `broken_tools` (no JSON list of tools with names), `no_trained_answer`,
    `turn_weight`, `record_weight`, `judged_bad` (its `label` is false), `special_token`,
    `no_rejected`, `empty_rejected`, `equal_answers`.

    Facts from OpenAI's guide and API schema; there is no loader to run.
    """

    layout: Literal["chat", "preference"] = "chat"

    @property
    def holds(self) -> Holds:
        """What the layout has a place for."""
        if self.layout == "preference":
            held = {"spoken_calls": True, "flags": False, "all_answers": False}
            return Holds("preference", tools=True, **held)
        return Holds("chat", tools=True, spoken_calls=True, flags=True)

    @property
    def keeps_reasoning(self) -> bool:
        """It is refused, not put before the content."""
        return True

    @property
    def own_faults(self) -> list[Fault]:
        """Reasoning."""
        message = pl.element().struct
        thought = pl.col(MESSAGES).list.eval(message.field("reasoning").is_not_null())
        faults = [Fault("has_reasoning", thought.list.any(), thought.list.arg_max())]
        if self.layout == "chat":
            return faults
        other = pl.col(REJECTED).list.last().struct.field("reasoning")
        return [*faults, Fault("has_reasoning", other.is_not_null(), column=REJECTED)]

    def lines(self, batch: Batch) -> pa.LargeBinaryArray:
        """Lines whose keys differ from record to record, as OpenAI wants them."""
        tools = open_ai_tools(tools_of(batch))
        tools_text = (',"tools":' + pl.col("tools")).fill_null("")
        if self.layout == "chat":
            said = message_texts(batch[MESSAGES], weights=True)
            frame = pl.DataFrame({"messages": said, "tools": tools})
            line = pl.concat_str(pl.lit('{"messages":'), "messages", tools_text, pl.lit("}\n"))
            return as_lines(frame.select(line).to_series())
        count = pl.col(MESSAGES).list.len()
        parts = batch.select(
            pl.col(MESSAGES).list.head(count - 1).alias("before"),
            pl.col(MESSAGES).list.tail(1).alias("chosen"),
            pl.col(REJECTED).alias("rejected"),
        )
        frame = pl.DataFrame(
            [message_texts(part, weights=False).alias(part.name) for part in parts]
        ).with_columns(tools.alias("tools"))
        line = pl.concat_str(
            pl.lit('{"input":{"messages":'),
            "before",
            tools_text,
            pl.lit('},"preferred_output":'),
            "chosen",
            pl.lit(',"non_preferred_output":'),
            "rejected",
            pl.lit("}\n"),
        )
        return as_lines(frame.select(line).to_series())
