"""Megatron: every conversation begins with a system message."""

from trainer_cases import reasons, shaped
from write_cases import ONE_TURN, TWO_TURNS, row


def test_megatron_conversations_begin_with_a_system_message() -> None:
    rows = [row(ONE_TURN), row(TWO_TURNS)]

    assert reasons("megatron_jsonl", rows) == ["no_system", None]
    first, second = shaped("megatron_jsonl", rows, system="S")
    assert first["messages"][0] == {"role": "system", "content": "S"}
    assert second["messages"] == TWO_TURNS
