"""Conversations that the tests of both sinks share."""

from typing import Any

SYSTEM = {"role": "system", "content": "你是医生。"}
ASK = {"role": "user", "content": "头痛怎么办？"}
ANSWER = {"role": "assistant", "content": '多休息。\n"少"看屏幕\\'}
ASK_AGAIN = {"role": "user", "content": "还痛"}
ANSWER_AGAIN = {"role": "assistant", "content": "去医院"}
CALL = {
    "role": "assistant",
    "content": "",
    "tool_calls": '[{"id":"call_1","type":"function",'
    '"function":{"name":"find","arguments":"{\\"药\\":1.5}"}}]',
}
RESULT = {"role": "tool", "content": "{}", "tool_call_id": "call_1"}
TWO_CALLS = {
    "role": "assistant",
    "content": "",
    "tool_calls": '[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},'
    '{"id":"b","type":"function","function":{"name":"g","arguments":"{\\"x\\":[]}"}}]',
}
TWO_RESULTS = [
    {"role": "tool", "content": "晴", "tool_call_id": "a"},
    {"role": "tool", "content": "3", "tool_call_id": "b"},
]

ONE_TURN = [ASK, ANSWER]
TWO_TURNS = [SYSTEM, ASK, ANSWER, ASK_AGAIN, ANSWER_AGAIN]
WITH_TOOLS = [ASK, CALL, RESULT, ANSWER]
WITH_TWO_CALLS = [SYSTEM, ASK, TWO_CALLS, *TWO_RESULTS, ANSWER]


def row(messages: list[dict[str, Any]] | None, **more: Any) -> dict[str, Any]:
    return {"messages": messages, **more}
