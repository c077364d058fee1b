"""Conversations in any usual form become `messages`."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import polars as pl

from datakit.conversations.flat import nest_messages
from datakit.conversations.repairs import Repairs
from datakit.conversations.repairs_told import carry_out, count_told, tell
from datakit.errors import SettingsError
from datakit.records import MESSAGES, REASON, TEXT, TOOLS, Batch, Columns
from datakit.stages.format.answers import append, read_messages, without_cue
from datakit.stages.format.decode import Decoded, decode
from datakit.stages.format.roles import check_roles, speaker_names
from datakit.stages.format.tools import read_tools
from datakit.stages.format.turns import (
    broken_too,
    check_order,
    prepend_system,
    set_conversations,
    split_reasoning,
)

REPAIRS = "format_repairs"


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
    Other members of a message are ignored but for those named below.

    `roles` adds speakers to those known (human, gpt, 患者, 医生, 来访者, 心理咨询师 …; case is no
    matter) and says what each is: system, user, assistant, tool or function_call.
    `system` is put before conversations that have no system message of their own, unless the
    record brings one in the column `system_field`, and that column goes.

    `completion` names a column with what follows: an answer as text, one message, or a list of
    messages; an `Assistant:` that says nothing at the end of `field` is the cue for it. `field` may
    then be a plain text too, the question (TRL's prompt and completion, pairs of chosen and
    rejected: see `format.preference`). A text that begins with a speaker is a dialogue there if
    another speaker answers in it, else one message as it stands.

    `tools` names the column with the tools that may be called (JSON, as OpenAI or ShareGPT write
    them); it becomes the column `tools`. It and `system_field` may be absent under their usual
    names. Messages keep their `reasoning_content`, and what is said of training them: `train`,
    `loss`, `weight`, `loss_weight`, `loss_scale`. With `split_reasoning`, `<think>...</think>`
    before an answer is its reasoning.

    A valid conversation is: system or not, then user and assistant in turn, the assistant last;
    before it answers, the assistant may call tools, each call followed by its result (see
    `broken_tool_call`). A conversation may end with a call. Repairs that lose nothing are on:
    `strip` (white space around contents) and `merge_same_role` (successive messages of one speaker
    become one, joined by `merge_with`). Those that cut or move are off: `drop_empty` (messages
    that say nothing), `gather_system` (system messages anywhere become one at the beginning,
    joined by `merge_with`), `drop_repeated` (messages that only repeat the one before),
    `drop_leading_assistant` (a greeting before the first question) and `drop_trailing_user` (a
    question left open, a thank you; trainers learn nothing from it). They are carried out in the
    order of the settings, before a conversation is judged; the report counts the messages that
    went or were changed, and the column `format_repairs` tells it of each record. `min_turns` is
    the least number of user messages.

    Reasons: `missing_conversation`, `empty_conversation`, `malformed_conversation`, `wrong_type`,
    `nul_character`, `unknown_role`, `empty_message`, `system_not_first`, `wrong_role_order`,
    `last_not_assistant`, `too_few_turns`, `broken_tool_call` (a call or result that cannot be
    read, or results that do not fit the calls), `broken_tools`. Values name the message, from 1
    as in the input, and its speaker. Order and reasons follow what trainers refuse or silently
    drop (LLaMA-Factory `data/converter.py`, torchtune `validate_messages`, the checks of OpenAI's
    cookbook).
    """

    field: str = "conversation"
    completion: str = ""
    dialect: Literal["auto", "sharegpt", "openai", "history", "prefixed"] = "auto"
    roles: dict[str, str] = dataclasses.field(default_factory=dict)
    system: str = ""
    system_field: str = "system"
    tools: str = "tools"
    split_reasoning: bool = False
    strip: bool = True
    drop_empty: bool = False
    gather_system: bool = False
    drop_repeated: bool = False
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
        """The column with the conversation, and the others that are named."""
        usual = {"system", "tools", ""}
        named = {self.field, self.completion, self.system_field, self.tools}
        return frozenset({self.field} | (named - usual))

    @property
    def adds(self) -> Columns:
        """The messages, what was repaired, and the tools if their column has another name."""
        added = {MESSAGES, REPAIRS}
        return frozenset(added if self.tools in ("tools", "") else {*added, TOOLS})

    @property
    def drops(self) -> Columns:
        """The columns that the messages stand in for."""
        gone = {self.field, self.completion, self.system_field, self.tools, TEXT}
        return frozenset(gone - {"", TOOLS})

    def map(self, batch: Batch) -> Batch:
        """The batch with `messages` and `format_repairs`; rows that cannot be converted have a
        reason.
        """
        raw, rows = batch[self.field].cast(pl.String), batch.height
        decoded = self._decode(batch, raw)
        flat = split_reasoning(decoded.flat) if self.split_reasoning else decoded.flat
        if self.strip:
            flat = flat.with_columns(pl.col("content").str.strip_chars())
        flat, done = carry_out(flat, Repairs.named_in(self).steps(), rows)
        faults = check_order(flat, rows, min_turns=self.min_turns)
        faults = faults.update(decoded.faults, on="row", how="left")
        if self.tools in batch.columns:
            tools, broken = read_tools(batch[self.tools].cast(pl.String))
            faults = broken_too(faults, broken)
            batch = batch.with_columns(tools.alias(TOOLS))
        messages = nest_messages(prepend_system(flat, self._systems(batch)), rows)
        batch = batch.drop(self.drops, strict=False).with_columns(tell(done, rows, REPAIRS))
        return set_conversations(batch, messages, faults, raw=raw)

    def edits(self, batch: Batch, changed: Batch) -> Mapping[str, int]:  # noqa: ARG002
        """How many messages of the conversations that stay each repair concerned."""
        return count_told(changed.filter(pl.col(REASON).is_null())[REPAIRS])

    def _decode(self, batch: Batch, raw: pl.Series) -> Decoded:
        names = speaker_names(self.roles)
        if not self.completion:
            return decode(raw, names, dialect=self.dialect)
        prompts = without_cue(read_messages(batch, self.field, names, role="user"))
        return append(prompts, read_messages(batch, self.completion, names, role="assistant"))

    def _systems(self, batch: Batch) -> pl.Series:
        if self.system_field not in batch.columns:
            return pl.Series("system", [self.system]).new_from_index(0, batch.height)
        own = pl.col(self.system_field).cast(pl.String)
        given = pl.when(own.str.strip_chars() != "").then(own).otherwise(pl.lit(self.system))
        return batch.select(given.alias("system")).to_series()
