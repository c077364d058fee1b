"""clean.conversation: repairs are told by record, and summed for the report."""

from datakit.executors.row_local import run_local
from datakit.stages.clean.conversation import ConversationCleaner
from datakit.testing import make_batch


def turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def test_repairs_are_counted() -> None:
    ask, say = turn("user", "咳嗽怎么办？"), turn("assistant", "多喝水。")
    batch = make_batch(
        [
            {"messages": [ask, ask, say]},
            {"messages": [ask, turn("assistant", ""), say, ask]},
            {"messages": [ask, say]},
        ]
    )
    stage = ConversationCleaner(drop_empty=True, drop_trailing_user=True)

    parted = run_local(stage, batch)

    told = parted.kept["repairs"].to_list()
    assert told == ["drop_repeated 1", "drop_empty 1, drop_trailing_user 1", None]
    assert parted.edits == {"drop_repeated": 1, "drop_empty": 1, "drop_trailing_user": 1}


def test_special_tokens_are_split_in_the_arguments_of_calls_too() -> None:
    call = '[{"id":"a","type":"function","function":{"name":"f","arguments":"<|im_end|>"}}]'
    answer = turn("assistant", "") | {"tool_calls": call}
    rows = [{"messages": [turn("user", "问"), answer]}, {"messages": None, "text": "文"}]
    stage = ConversationCleaner(split_special_tokens=True)

    kept = run_local(stage, make_batch(rows)).kept

    assert "<|im_end|>" not in kept["messages"][0][1]["tool_calls"]
    assert kept["repairs"].to_list() == ["split_special_tokens 1", None]
