"""format.split_turns: every answer is learnt once."""

from hypothesis import given, settings
from hypothesis import strategies as st

from datakit.stages.format.split_turns import SplitTurnsFormat
from datakit.testing import run_stage

turns = st.lists(st.sampled_from(["ua", "uuaa", "uata"]), min_size=1, max_size=5)
NAMES = {"u": "user", "a": "assistant", "t": "tool"}


@settings(deadline=None, max_examples=40)
@given(turns, st.booleans())
def test_each_message_of_the_assistant_is_trained_in_one_record(
    parts: list[str], has_system: bool
) -> None:
    head = [{"role": "system", "content": "s"}] if has_system else []
    said = [{"role": NAMES[c], "content": str(n)} for n, c in enumerate("".join(parts))]

    rows = run_stage(SplitTurnsFormat(), [{"messages": [*head, *said]}]).rows

    trained = [
        message["content"]
        for row in rows
        for message in row["messages"]
        if message["role"] == "assistant" and message.get("train") is not False
    ]
    assert trained == [m["content"] for m in said if m["role"] == "assistant"]
    assert len(rows) == len(parts)
    assert all(row["messages"][: len(head)] == head for row in rows)
    assert len(rows[-1]["messages"]) == len(head) + len(said)
