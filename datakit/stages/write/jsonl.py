"""JSON Lines: one JSON object a line, as trainers load it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import pyarrow as pa

from datakit.errors import SettingsError
from datakit.records import Batch
from datakit.stages.write.layouts import LayoutSettings
from datakit.stages.write.line_files import encode_lines, guard_dates, lines_table, write_lines


@dataclass(frozen=True, kw_only=True, slots=True)
class JsonlSink(LayoutSettings):
    """Write JSON Lines that trainers load: text, messages, ShareGPT, alpaca and others.

    Every line has the same keys in the same order, none of them null; strict JSON in UTF-8 with
    LF line ends. `compression` is `none`, `gz` or `zst` (`datasets`, TRL, axolotl and torchtune
    read these; LLaMA-Factory, ms-swift and NeMo do not). Files are cut by their size before
    compression. `layout` is one of:

    - `text`: `{"text"}`, for continued pretraining;
    - `messages`: `{"messages": [{"role", "content"}]}`; with `tools = true` every message also
      has `tool_calls` (the JSON text of OpenAI's list), `tool_call_id` and `name`, and the record
      `tools` (JSON text, from the column `tools`), `""` where there is nothing;
    - `sharegpt`: `{"conversations": [{"from", "value"}], "system"}` with human and gpt; with
      `tools = true` also function_call and observation, and `tools` (JSON text);
    - `alpaca`: `{"instruction", "input", "output"}`, `input` being part of the instruction; with
      `system = true` a key `system`; `history = true` needs Parquet, as an empty list at the
      start of a JSON Lines file breaks `load_dataset`;
    - `prompt_completion`: two texts, or with `conversational = true` two lists of messages, the
      completion being the last answer;
    - `records`: `{"id", "source", "text", "messages"}` with the messages as JSON text, in which
      `reasoning`, `train` and `weight` stay, to read them back (`format.chat`); with
      `tools = true` also `tools`.

    `columns` carries further columns; numbers there may not be null. Reasoning stands before the
    content as `<think>…</think>`. Records that do not fit are refused, not bent: `no_text`,
    `empty_text`, `no_content`, `no_messages`, `empty_conversation`, `unknown_role`,
    `empty_message`, `system_not_first`, `wrong_role_order`, `last_not_assistant`, `needs_tools`
    (tool calls or a list of tools, without `tools`), `broken_tools` (with it: no JSON list of tools
    with names), `has_system` and `multi_turn` (no place in the layout), `content_with_tool_call`,
    `untrained_turn` (an answer not to be trained), `turn_weight`, `judged_bad` (a conversation
    whose `label` is false, as of `format.feedback`), `null_in_column`, `record_weight` (a weight
    other than 1 that `columns` does not carry).

    No layout but `records` can say that an answer is not to be trained. `prompt_completion` trains
    the last alone, so with `conversational = true` it takes what `format.split_turns` makes
    (`history = "keep"`); so do the sinks for trainers that know flags (`write.axolotl`,
    `write.openai`, `write.swift` with `flags = true`).

    `datasets` reads a text as a date where every value of a block of 10 MiB is one; the run stops
    before it writes such a file, as Parquet alone keeps these texts (the layout `records` is not
    for trainers and may hold them).
    """

    libraries: ClassVar[tuple[str, ...]] = ("polars", "zstandard")

    compression: Literal["none", "gz", "zst"] = "none"

    def __post_init__(self) -> None:
        LayoutSettings.__post_init__(self)
        if self.history:
            hint = 'use format = "parquet", or layout = "sharegpt"'
            raise SettingsError("history", "JSON Lines with empty histories may not load", hint)

    @property
    def suffix(self) -> str:
        """`.jsonl`, with the compression's suffix."""
        return ".jsonl" if self.compression == "none" else f".jsonl.{self.compression}"

    def encode(self, batch: Batch) -> pa.Table:
        """Columns `line` (each with its line end) and `_size`, its bytes before compression."""
        return lines_table(encode_lines(self.shape(batch)))

    def write(self, tables: Iterator[pa.Table], path: Path) -> None:
        """Write the lines one after the other, compressed as one stream."""
        guarded = tables if self.layout == "records" else guard_dates(tables, path)
        write_lines(guarded, path, compression=self.compression)
