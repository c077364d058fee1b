"""JSON Lines for NeMo and Megatron-Bridge."""

from dataclasses import dataclass
from typing import Literal

import polars as pl
import pyarrow as pa

from datakit.records import MESSAGES, TEXT, Batch, Table
from datakit.stages.write import shapes
from datakit.stages.write.line_files import as_lines, encode_lines
from datakit.stages.write.open_ai_turns import message_texts, open_ai_tools
from datakit.stages.write.shapes import tools_of
from datakit.stages.write.trainer import Holds, TrainerSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class NemoSink(TrainerSettings):
    """Write plain JSON Lines for NeMo and Megatron-Bridge: conversations, instructions or text.

    `layout`: `chat` is `{"messages", "tools"}` in OpenAI's form, tools and calls as objects (they
    are read line by line, not through Arrow), a key that has nothing to say being left out;
    `instruct` is `{"input", "output"}` (one turn, no system message); `text` is `{"text"}`.
    No blank line, no byte order mark, no compression: NeMo maps the file into memory. It writes
    an index beside a file and uses it again even for other content: new data wants a new folder.
    Reasoning stands before the content as `<think>…</think>`.

    Tokens of chat templates in a text, which the tokenizer would take for real ones, are refused;
    `special_tokens = "split"` puts a zero-width space into them, "allow" lets them pass.

    Reasons: those of an invalid conversation (see `filter.conversation`), `multi_turn` and
    `has_system` (instruct), `needs_tools`, `broken_tools` (no JSON list of tools with names),
    `untrained_turn`, `turn_weight`, `record_weight`, `judged_bad` (its `label` is false),
    `special_token`, `no_text`, `empty_text`.

    Facts from NeMo 2.5.
    """

    layout: Literal["chat", "instruct", "text"] = "chat"

    @property
    def holds(self) -> Holds:
        """What the layout has a place for."""
        if self.layout == "text":
            return Holds("text")
        is_chat = self.layout == "chat"
        return Holds("chat", tools=is_chat, spoken_calls=is_chat, system=is_chat, turns=is_chat)

    def shape(self, batch: Batch) -> Table:
        """The columns of the layouts whose lines all have the same keys."""
        if self.layout == "text":
            return batch.select(TEXT)
        texts = shapes.prompt_completion(batch, conversational=False)
        return pl.DataFrame([texts[0].alias("input"), texts[1].alias("output")])

    def lines(self, batch: Batch) -> pa.LargeBinaryArray:
        """The records as lines."""
        if self.layout != "chat":
            return encode_lines(self.shape(batch))
        said = message_texts(batch[MESSAGES], weights=False)
        frame = pl.DataFrame({"messages": said, "tools": open_ai_tools(tools_of(batch))})
        tools = (',"tools":' + pl.col("tools")).fill_null("")
        line = pl.concat_str(pl.lit('{"messages":'), "messages", tools, pl.lit("}\n"))
        return as_lines(frame.select(line).to_series())
