"""The layouts of an output: which columns a trainer finds, and which records fit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

import polars as pl

from datakit.errors import SettingsError
from datakit.records import (
    CONTENT,
    ID,
    LABEL,
    MESSAGES,
    SOURCE,
    TEXT,
    TOOLS,
    WEIGHT,
    Batch,
    Columns,
    Table,
)
from datakit.stages.write import shapes
from datakit.stages.write.faults import (
    Fault,
    column_faults,
    content_faults,
    conversation_faults,
    spoken_call_fault,
    text_faults,
    verdicts,
    with_code,
)
from datakit.stages.write.message_faults import (
    flag_faults,
    judged_faults,
    record_weight_faults,
    tools_faults,
    weight_faults,
)
from datakit.stages.write.reasoning import inline_reasoning

KEYS = {
    "text": ("text",),
    "messages": ("messages",),
    "sharegpt": ("conversations", "system"),
    "alpaca": ("instruction", "input", "output"),
    "prompt_completion": ("prompt", "completion"),
    "records": ("id", "source", "text", "messages"),
}
"""The columns of each layout, in their order, before those that settings add."""

APPLIES_TO = {
    "tools": ("messages", "sharegpt", "records"),
    "system": ("alpaca",),
    "history": ("alpaca",),
    "conversational": ("prompt_completion",),
}

# Columns to which TRL, ms-swift, LLaMA-Factory or OpenAI give a meaning of their own.
TAKEN = frozenset(
    [
        *("text", "messages", "conversations", "prompt", "completion", "chosen", "rejected"),
        *("label", "labels", "input_ids", "attention_mask", "query", "response", "answer"),
        *("output", "instruction", "input", "system", "history", "tools", "images", "videos"),
        *("audios", "image", "content", "chat_template_kwargs", "channel", "kto_tag"),
    ]
)


def check_applies(settings: Any, applies_to: Mapping[str, Sequence[str]]) -> None:
    """Refuse what is set to no effect: `applies_to` names the layouts that have a setting.

    Raises:
        SettingsError: for the first that the layout has not.
    """
    usual = {field.name: field.default for field in fields(settings)}
    for key, layouts in applies_to.items():
        if getattr(settings, key) != usual[key] and settings.layout not in layouts:
            hint = f"layouts that have it: {', '.join(layouts)}"
            raise SettingsError(key, f"the layout {settings.layout!r} has no such setting", hint)


@dataclass(frozen=True, kw_only=True, slots=True)
class LayoutSettings:
    """What both sinks share: the settings of a layout, its checks and its columns."""

    layout: Literal["text", "messages", "sharegpt", "alpaca", "prompt_completion", "records"] = (
        "text"
    )
    tools: bool = False
    system: bool = False
    history: bool = False
    conversational: bool = False
    columns: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        check_applies(self, APPLIES_TO)
        for name in self.columns:
            self._check_column(name)

    def _check_column(self, name: str) -> None:
        if name in self.keys or self.columns.count(name) > 1 or name.startswith("_"):
            raise SettingsError("columns", f"the name {name!r} is in use")
        if self.layout != "records" and name in TAKEN:
            hint = 'trainers would misread it; layout = "records" can carry it'
            raise SettingsError("columns", f"{name!r} has a meaning of its own to trainers", hint)

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns of the layout, without those carried along."""
        added = [key for key in ("system", "history", "tools") if getattr(self, key)]
        return (*KEYS[self.layout], *added)

    @property
    def needs(self) -> Columns:
        """What the layout is made from, and the columns carried along."""
        content = {"text": TEXT, "records": CONTENT}.get(self.layout, MESSAGES)
        return frozenset({content, *self.columns}) - {ID, SOURCE}

    def reject(self, batch: Batch) -> Table:
        """`reason`, and where: `message` (from 1) with its `role`, or `column`."""
        carried = [*column_faults(batch, self.columns)]
        if WEIGHT not in self.columns:
            carried += record_weight_faults(batch)
        if self.layout == "text":
            return verdicts(batch, [*text_faults(), *carried])
        if LABEL not in self.columns:
            carried += judged_faults(batch)
        listed = tools_faults(batch, self.tools or TOOLS in self.columns)
        if self.layout == "records":
            return verdicts(batch, [*content_faults(batch), *listed, *carried])
        faults = [*self._conversation_faults(), *listed, *self._learning_faults(), *carried]
        return verdicts(with_code(inline_reasoning(batch)), faults)

    def _conversation_faults(self) -> list[Fault]:
        has_turns = self.history or self.conversational
        is_flat = self.layout in ("alpaca", "prompt_completion")
        faults = conversation_faults(
            tools=self.tools,
            one_turn=is_flat and not has_turns,
            system=not is_flat or self.system or self.conversational,
        )
        return [*faults, spoken_call_fault()] if self.layout == "sharegpt" else faults

    def _learning_faults(self) -> list[Fault]:
        """What is said of learning single messages, for which no layout has a place."""
        all_answers = self.layout != "prompt_completion"
        return [*flag_faults(all_answers=all_answers), *weight_faults()]

    def shape(self, batch: Batch) -> Table:
        """The columns of the output, none of them null, in a fixed order and with fixed types."""
        carried = batch.select(
            pl.col(name).fill_null("") if batch.schema[name] == pl.String else pl.col(name)
            for name in self.columns
        )
        return pl.DataFrame([*self._columns(batch), *carried.get_columns()])

    def _columns(self, batch: Batch) -> list[pl.Series]:
        if self.layout not in ("text", "records"):
            batch = inline_reasoning(batch)
        match self.layout:
            case "text":
                return [batch[TEXT]]
            case "records":
                return shapes.records(batch, tools=self.tools)
            case "messages":
                return shapes.messages(batch, tools=self.tools)
            case "sharegpt":
                return shapes.share_gpt(batch, tools=self.tools)
            case "alpaca":
                return shapes.alpaca(batch, system=self.system, history=self.history)
            case _:
                return shapes.prompt_completion(batch, conversational=self.conversational)
