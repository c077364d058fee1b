"""TRL's dataset types."""

import json

from trainer_cases import REJECTED, THOUGHT, TOOLS, reasons, shaped
from write_cases import ANSWER, ASK, ONE_TURN, TWO_TURNS, WITH_TOOLS, row


def test_reasoning_may_have_a_field_of_its_own() -> None:
    (found,) = shaped("trl", [row(THOUGHT)], reasoning="field")

    assert found["messages"][1]["reasoning_content"] == "想一想"
    assert found["messages"][1]["content"] == ANSWER["content"]


def test_trl_preference_and_unpaired() -> None:
    (pair,) = shaped("trl", [row(TWO_TURNS, rejected=REJECTED)], layout="preference")
    (judged,) = shaped("trl", [row(ONE_TURN, label=False)], layout="unpaired")

    assert list(pair) == ["prompt", "chosen", "rejected"]
    assert [m["role"] for m in pair["prompt"]] == ["system", "user", "assistant", "user"]
    assert pair["rejected"] == REJECTED
    assert judged == {"prompt": [ASK], "completion": [ANSWER], "label": False}


def test_trl_with_tools_keeps_arguments_as_text_and_lists_as_null() -> None:
    rows = [row(ONE_TURN), row(WITH_TOOLS, tools=TOOLS)]
    plain, called = shaped("trl", rows, tools=True)

    assert plain["tools"] is None
    assert plain["messages"][1]["tool_calls"] is None
    (call,) = called["messages"][1]["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {"药": 1.5}
    assert called["messages"][2]["tool_call_id"] == "call_1"
    assert reasons("trl", rows) == [None, "needs_tools"]
    assert reasons("trl", [row(ONE_TURN, tools=TOOLS)]) == ["needs_tools"]
