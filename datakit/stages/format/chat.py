"""Conversations in any usual form become `messages`."""

import dataclasses
from dataclasses import dataclass
from typing import ClassVar, Literal

from datakit.conversations import nest_messages
from datakit.errors import SettingsError
from datakit.records import MESSAGES, TEXT, Batch, Columns
from datakit.stages.format.decode import decode
from datakit.stages.format.roles import check_roles, speaker_names
from datakit.stages.format.turns import (
    Repairs,
    check_order,
    prepend_system,
    repair,
    set_conversations,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatFormat:
    """Turn conversations (ShareGPT, OpenAI, histories, dialogues as text) into `messages`.

    `field` is the column with the conversation, which goes, as does `text`. `dialect` says how
    it is written; `auto` tells the forms apart record by record:

    - `openai`: a JSON list of `{"role", "content"}`, tool calls and results included;
    - `sharegpt`: a JSON list of `{"from", "value"}`, with `function_call` and `observation`;
    - `history`: a JSON list of `[question, answer]` pairs;
    - `prefixed`: utterances that begin with their speaker (`患者：…`), as a JSON list of strings or
      as plain text with the speakers at the start of lines; a list of strings without any
      speaker is taken as user and assistant in turn.

    A JSON object that holds one of these as `messages`, `conversations`, `dialog` or the like is
    opened (its `system` is kept), and `auto` also reads lists of `{"human": …, "assistant": …}`.
    Other members of a message are ignored.

    `roles` adds speakers to those known (human, gpt, 患者, 医生, 来访者, 心理咨询师 …; case is no
    matter) and says what each is: system, user, assistant, tool or function_call.
    `system` is put before conversations that have no system message of their own.

    A valid conversation is: system or not, then user and assistant in turn, the assistant last;
    before it answers, the assistant may call tools, each call followed by its result (see
    `broken_tool_call`). A conversation may end with a call. Repairs that lose nothing are on:
    `strip` (white space around contents) and `merge_same_role` (successive messages of one speaker
    become one, joined by `merge_with`). Those that cut are off: `drop_leading_assistant` (a
    greeting before the first question) and `drop_trailing_user` (a question left open, a thank
    you; trainers learn nothing from it). `min_turns` is the least number of user messages.

    Reasons: `missing_conversation`, `empty_conversation`, `malformed_conversation`, `wrong_type`,
    `nul_character`, `unknown_role`, `empty_message`, `system_not_first`, `wrong_role_order`,
    `last_not_assistant`, `too_few_turns`, `broken_tool_call` (a call or result that cannot be
    read, or results that do not fit the calls). Values name the message, from 1 as in the input,
    and its speaker. Order and reasons follow what trainers refuse or silently drop (LLaMA-Factory
    `data/converter.py`, torchtune `validate_messages`, the checks of OpenAI's cookbook).
    """

    adds: ClassVar[Columns] = frozenset({MESSAGES})

    field: str = "conversation"
    dialect: Literal["auto", "sharegpt", "openai", "history", "prefixed"] = "auto"
    roles: dict[str, str] = dataclasses.field(default_factory=dict)
    system: str = ""
    strip: bool = True
    merge_same_role: bool = True
    merge_with: str = "\n"
    drop_leading_assistant: bool = False
    drop_trailing_user: bool = False
    min_turns: int = 1

    def __post_init__(self) -> None:
        check_roles(self.roles)
        if not self.field:
            raise SettingsError("field", "name the column that holds the conversation")
        if self.min_turns < 1:
            raise SettingsError("min_turns", f"{self.min_turns} is less than 1")

    @property
    def needs(self) -> Columns:
        """The column with the conversation."""
        return frozenset({self.field})

    @property
    def drops(self) -> Columns:
        """The columns that the messages stand in for."""
        return frozenset({self.field, TEXT})

    def map(self, batch: Batch) -> Batch:
        """The batch with `messages`; rows that cannot be converted have a reason."""
        raw, rows = batch[self.field], batch.height
        decoded = decode(raw, speaker_names(self.roles), dialect=self.dialect)
        flat = repair(decoded.flat, self._repairs())
        faults = check_order(flat, rows, min_turns=self.min_turns).update(
            decoded.faults, on="row", how="left"
        )
        messages = nest_messages(prepend_system(flat, self.system), rows)
        return set_conversations(batch.drop(self.drops, strict=False), messages, faults, raw=raw)

    def _repairs(self) -> Repairs:
        return Repairs(
            strip=self.strip,
            merge_with=self.merge_with if self.merge_same_role else None,
            drop_leading_assistant=self.drop_leading_assistant,
            drop_trailing_user=self.drop_trailing_user,
        )
