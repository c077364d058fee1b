"""Repair conversations: their order, their empty and repeated messages, tokens in their texts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from datakit.conversations.flat import flatten, nest_messages
from datakit.conversations.repairs import Repairs
from datakit.conversations.repairs_told import carry_out, count_changes, count_told, tell
from datakit.conversations.tokens import split_in_batch
from datakit.errors import SettingsError
from datakit.records import MESSAGES, Batch, Columns

REPAIRS = "repairs"


@dataclass(frozen=True, kw_only=True, slots=True)
class ConversationCleaner:
    r"""Repair the messages of conversations, each repair being an option, and count them.

    In this order: `drop_empty` (messages that say nothing), `gather_system` (system messages
    anywhere become one at the beginning), `drop_repeated` (messages that only repeat the one
    before), `merge_same_role` (successive messages of one speaker become one, joined by
    `merge_with`), `drop_leading_assistant` (a greeting before the first question),
    `drop_trailing_user` (a question left open). On are `drop_repeated` and `merge_same_role`.

    `split_special_tokens` puts a zero-width space into tokens of chat templates that stand in a
    text (`<|im_end|>`), so that a tokenizer takes them for text; the list is that of
    `filter.conversation`. It works on rejected answers, on reasoning and in the arguments of tool
    calls too.

    The column `repairs` tells what was done to a record, as `drop_trailing_user 1, drop_empty 2`:
    the messages that went, were moved or changed; null where nothing was. Records are never
    dropped: what cannot be repaired is for `filter.conversation`.

    `format.chat` refuses conversations of the input that are no valid ones, so these must be
    repaired there, by the options of the same names; here, those that other stages changed.
    """

    needs: ClassVar[Columns] = frozenset({MESSAGES})
    adds: ClassVar[Columns] = frozenset({REPAIRS})

    drop_empty: bool = False
    gather_system: bool = False
    drop_repeated: bool = True
    merge_same_role: bool = True
    merge_with: str = "\n"
    drop_leading_assistant: bool = False
    drop_trailing_user: bool = False
    split_special_tokens: bool = False

    def __post_init__(self) -> None:
        if not self.split_special_tokens and not any(True for _ in Repairs.named_in(self).steps()):
            raise SettingsError("use", "clean.conversation has no repair to do")

    def map(self, batch: Batch) -> Batch:
        """The batch with repaired messages, and `repairs`."""
        before = flatten(batch[MESSAGES])
        flat, done = carry_out(before, Repairs.named_in(self).steps(), batch.height)
        if flat is not before:
            messages = nest_messages(flat, batch.height)
            is_none = batch[MESSAGES].is_null()
            batch = batch.with_columns(messages.zip_with(~is_none, batch[MESSAGES]))
        if self.split_special_tokens:
            batch = split_in_batch(batch)
            split = flatten(batch[MESSAGES])
            done += count_changes("split_special_tokens", flat, split, batch.height)
        return batch.with_columns(tell(done, batch.height, REPAIRS))

    def edits(self, batch: Batch, changed: Batch) -> Mapping[str, int]:  # noqa: ARG002
        """How many messages each repair concerned."""
        return count_told(changed[REPAIRS])
