"""Whole conversations of texts that trip loaders: like dates, numbers, JSON, templates, markup."""

import json
import random
from collections.abc import Iterator
from itertools import count
from typing import Any

Message = dict[str, Any]

SEED = 3
TEXTS = [
    *("a", "e", "user", "assistant", "1", "0.5", "null", "true", "None", "NaN", "[]", "{}"),
    *("2024-01-01", "2024-01-01T00:00:00", "12:30", "{", "{0}", "{user}", "{{name}}", "%s %d"),
    *("{input} {output}", "$x^2$ \\(y\\)", '"引号" \\ 反斜杠', '{"a": 1, "b": [null]}'),
    *(
        "  两边有空格  ",
        "\n换行开头",
        "换行结尾\n\n",
        "一\n\n\n二",
        "\t制表",
        "\u3000全角",
        "a\r\nb",
    ),
    *("😀👩‍⚕️", "e\u0301 é", "行\u2028分隔\u2029符", "零\u200b宽", "好的", "谢谢", "不客气"),
    *("[MASK]", "<b>粗体</b>", "<html>&amp;</html>", "<image>", "###", "---", "# 标题\n\n- 一"),
    *("```python\nprint('a')\n```", "问：什么？\n答：不知道", "Human: hi\nAssistant: hello"),
    *("/think", "/no_think", "x" * 3000, "每日三次，每次 5 mg。" * 200),
]
ARGUMENTS = [
    {},
    {"name": "黄芪"},
    {"date": "2024-01-01", "text": '引号" 换行\n'},
    {"n": 1, "x": 0.5, "ok": True, "none": None, "list": [1, "二", {"深": []}]},
]
NAMES = ("find_herb", "dose_of")
SCHEMAS = [
    {"type": "object", "properties": {"name": {"type": "string", "enum": ["黄芪"]}}},
    {"type": "object", "properties": {}},
]
TOOLS = [
    {"type": "function", "function": {"name": name, "description": "查找", "parameters": schema}}
    for name, schema in zip(NAMES, SCHEMAS, strict=True)
]


def odd_conversations(rows: int) -> list[dict[str, Any]]:
    """As many records, each with what `base_conversations` gives its own."""
    chance = random.Random(SEED)
    return [_record(f"r{number}", chance) for number in range(rows)]


def _record(name: str, chance: random.Random) -> dict[str, Any]:
    has_tools = chance.random() < 0.3
    messages: list[Message] = []
    if chance.random() < 0.4:
        messages.append({"role": "system", "content": chance.choice(TEXTS)})
    for turn in range(chance.randint(1, 4)):
        messages.append({"role": "user", "content": chance.choice(TEXTS)})
        if has_tools and chance.random() < 0.6:
            messages += _called(f"{name}_{turn}", chance)
        messages.append({"role": "assistant", "content": chance.choice(TEXTS)})
    last = messages[-1]["content"].strip()
    others = (text for text in _texts(chance) if text.strip() != last)
    record = {"id": name, "messages": messages, "rejected": next(others)}
    record["label"] = chance.random() < 0.6
    return {**record, "tools": TOOLS[: chance.randint(1, 2)]} if has_tools else record


def _texts(chance: random.Random) -> Iterator[str]:
    return (chance.choice(TEXTS) for _ in count())


def _called(name: str, chance: random.Random) -> list[Message]:
    """A message with one call or two, and their results."""
    calls = []
    for number in range(chance.randint(1, 2)):
        arguments = json.dumps(chance.choice(ARGUMENTS), ensure_ascii=False)
        function = {"name": chance.choice(NAMES), "arguments": arguments}
        calls.append({"id": f"{name}_{number}", "type": "function", "function": function})
    results = [
        {"role": "tool", "tool_call_id": call["id"], "content": chance.choice(TEXTS)}
        for call in calls
    ]
    return [{"role": "assistant", "content": "", "tool_calls": calls}, *results]
