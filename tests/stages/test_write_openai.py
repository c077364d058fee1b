"""OpenAI's lines."""

import json

from trainer_cases import REJECTED, TOOLS, shaped
from write_cases import ANSWER, ASK, CALL, ONE_TURN, RESULT, WITH_TOOLS, row


def test_openai_lines_have_the_keys_they_need_and_no_others() -> None:
    plain, called = shaped("openai", [row(ONE_TURN), row(WITH_TOOLS, tools=TOOLS)])

    assert plain == {"messages": ONE_TURN}
    assert called["tools"] == [{"type": "function", "function": json.loads(TOOLS)[0]}]
    assert called["messages"][1] == {**CALL, "tool_calls": json.loads(CALL["tool_calls"])}
    assert called["messages"][2] == RESULT


def test_openai_preference() -> None:
    (pair,) = shaped("openai", [row(ONE_TURN, rejected=REJECTED)], layout="preference")

    assert pair == {
        "input": {"messages": [ASK]},
        "preferred_output": [ANSWER],
        "non_preferred_output": REJECTED,
    }
