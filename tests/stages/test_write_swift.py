"""ms-swift: calls as messages."""

import json

from trainer_cases import shaped
from write_cases import WITH_TWO_CALLS, row


def test_swift_calls_are_messages_of_their_own() -> None:
    (found,) = shaped("swift", [row(WITH_TWO_CALLS)])

    assert [m["role"] for m in found["messages"]] == [
        *("system", "user", "tool_call", "tool_call", "tool_response", "tool_response"),
        "assistant",
    ]
    assert json.loads(found["messages"][3]["content"]) == {"name": "g", "arguments": {"x": []}}
    assert found["tools"] == "[]"
