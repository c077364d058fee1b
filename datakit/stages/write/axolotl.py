"""Data for axolotl, with the lines for its configuration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from datakit.records import LABEL, MESSAGES, REJECTED, TEXT, Batch, Table
from datakit.stage import WrittenFile
from datakit.stages.write.companions import by_split, yaml_text
from datakit.stages.write.layouts import check_applies
from datakit.stages.write.open_ai_turns import nested_messages
from datakit.stages.write.rendered import TEMPLATES, render_answer, render_prompt
from datakit.stages.write.shapes import tools_of
from datakit.stages.write.trainer import Holds, TrainerSettings, check_container
from datakit.stages.write.trl import none_for_empty

KINDS = {"completion": "text", "preference": "preference", "kto": "feedback"}
APPLIES_TO = {"tools": ("chat",), "reasoning": ("chat",), "template": ("preference", "kto")}


@dataclass(frozen=True, kw_only=True, slots=True)
class AxolotlSink(TrainerSettings):
    """Write data for axolotl: conversations, completions, preferences and KTO, with its YAML.

    `axolotl.yaml` beside the split folders has the `datasets` of a configuration. `layout`:

    - `chat`: `messages` for `type: chat_template`, each with `train`, which says whether it is
      learnt;
    - `completion`: `text`;
    - `preference`: `prompt`, `chosen`, `rejected` as texts that are rendered here in the
      `template` of the model, `chatml` or `llama3`. (axolotl's own `chat_template.default` looks
      for the answer in a rendered dialogue and finds short ones such as "a" in the wrong place.)
    - `kto`: `prompt`, `completion`, `label`, rendered likewise.

    With `tools = true`, messages of `chat` also have `tool_calls`, `tool_call_id` and `name`, and
    the record `tools`; `reasoning` = "field" gives them `reasoning_content`, else reasoning stands
    before the content as `<think>…</think>`. Both need Parquet, as they hold nulls (which axolotl
    strips). `container` is `parquet` or `jsonl`.

    Tokens of chat templates in a text, which the tokenizer would take for real ones, are refused;
    `special_tokens = "split"` puts a zero-width space into them, "allow" lets them pass.

    Reasons: those of an invalid conversation (see `filter.conversation`), `no_trained_answer`,
    `needs_tools`, `broken_tools` (no JSON list of tools with names), `turn_weight`, `record_weight`
    (its flags are on or off), `judged_bad` (chat: its `label` is false), `untrained_turn`
    (preference, KTO), `special_token`, `no_rejected`, `empty_rejected`, `equal_answers`,
    `no_label`, `answer_calls_tool`, `no_text`, `empty_text`. Prepared data is kept by the path of
    the files, not their content: new data wants a new output folder.

    Facts from axolotl 0.19.
    """

    layout: Literal["chat", "completion", "preference", "kto"] = "chat"
    container: Literal["parquet", "jsonl"] = "parquet"
    tools: bool = False
    reasoning: Literal["inline", "field"] = "inline"
    template: Literal["chatml", "llama3"] = "chatml"

    def __post_init__(self) -> None:
        check_applies(self, APPLIES_TO)
        check_container(self, parquet_only=self.tools, key="tools")
        check_container(self, parquet_only=self.reasoning == "field", key="reasoning")

    @property
    def holds(self) -> Holds:
        """What the layout has a place for."""
        is_chat = self.layout == "chat"
        kind: Any = KINDS.get(self.layout, "chat")
        tools = self.tools and is_chat
        return Holds(kind, tools=tools, spoken_calls=tools, flags=is_chat, all_answers=is_chat)

    @property
    def keeps_reasoning(self) -> bool:
        """With `reasoning = "field"`, in conversations."""
        return self.reasoning == "field" and self.layout == "chat"

    def shape(self, batch: Batch) -> Table:
        """The columns of the layout."""
        if self.layout == "completion":
            return batch.select(TEXT)
        if self.layout == "chat":
            return self._chat(batch)
        template = TEMPLATES[self.template]
        prompt = render_prompt(batch[MESSAGES], template)
        last = render_answer(batch[MESSAGES], template)
        if self.layout == "kto":
            return pl.DataFrame([prompt, last.alias("completion"), batch[LABEL]])
        other = render_answer(batch[REJECTED], template)
        return pl.DataFrame([prompt, last.alias("chosen"), other.alias("rejected")])

    def _chat(self, batch: Batch) -> Table:
        fields = ["train", *(("tool_calls", "tool_call_id", "name") if self.tools else ())]
        fields += ["reasoning_content"] * self.keeps_reasoning
        columns = [nested_messages(batch[MESSAGES], *fields)]
        if self.tools:
            columns.append(none_for_empty(tools_of(batch)))
        return pl.DataFrame(columns)

    def companions(self, name: str, files: Sequence[WrittenFile]) -> Mapping[str, str]:  # noqa: ARG002
        """`axolotl.yaml`."""
        splits = by_split(files)
        lines: dict[str, Any] = {}
        if self.layout in ("preference", "kto"):
            lines["rl"] = "dpo" if self.layout == "preference" else "kto"
        if self.layout == "kto":
            lines["remove_unused_columns"] = False  # axolotl takes no KTO without this line
        train = [path for split in ("train",) for path in splits.get(split, [])]
        lines["datasets"] = [self._entry(path) for path in train]
        if "val" in splits:
            lines["test_datasets"] = [self._entry(path) for path in splits["val"]]
        return {"axolotl.yaml": yaml_text(lines)} if train else {}

    def _entry(self, path: str) -> dict[str, Any]:
        entry: dict[str, Any] = {"path": path, "split": "train"}
        entry["ds_type"] = "parquet" if self.is_parquet else "json"
        if self.layout == "chat":
            entry |= {"type": "chat_template", "field_messages": "messages"}
            entry |= {"message_field_training": "train", "roles_to_train": ["assistant"]}
            return entry | ({"field_tools": "tools"} if self.tools else {})
        if self.layout == "completion":
            return entry | {"type": "completion", "field": "text"}
        if self.layout == "preference":
            return entry | {"type": None}
        fields = {"field_prompt": "prompt", "field_completion": "completion"}
        fields |= {"field_label": "label", "prompt_format": "{prompt}"}
        return entry | {"type": {**fields, "completion_format": "{completion}"}}
