"""NeMo: lines that are read one by one, tools as objects."""

import json

from trainer_cases import TOOLS, shaped
from write_cases import CALL, ONE_TURN, WITH_TOOLS, row


def test_tools_and_calls_are_objects() -> None:
    plain, called = shaped("nemo", [row(ONE_TURN), row(WITH_TOOLS, tools=TOOLS)])

    assert plain == {"messages": ONE_TURN}
    assert called["tools"][0]["function"]["name"] == "find"
    assert called["messages"][1]["tool_calls"] == json.loads(CALL["tool_calls"])
