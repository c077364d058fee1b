"""Rows as a careless tool might write them: each broken in one way, or long, or odd; some whole."""

import json
import random
from typing import Any

Row = dict[str, Any]

WORDS = [
    "头痛",
    "发热",
    "每日",
    "三次",
    "饭后",
    "服用",
    "黄芪",
    "the",
    "dose",
    "of",
    "aspirin",
    "5",
    "mg",
]
TURN = {"user": "human", "assistant": "gpt"}
CALL = {"name": "find_herb", "arguments": {"name": "黄芪", "count": 2, "parts": ["根", None]}}
TOOL = {
    "name": "find_herb",
    "description": "查找药材",
    "parameters": {
        "type": "object",
        "properties": {
            "name": {"type": "string", "description": "名称", "enum": ["黄芪", "当归"]},
            "parts": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["name"],
    },
}
TOOLS = [
    json.dumps([TOOL], ensure_ascii=False),
    json.dumps([{"type": "function", "function": TOOL}, TOOL], ensure_ascii=False),
    "[]",
    "{}",
    "not json",
    '["a name"]',
    '[{"description": "no name"}]',
    "5",
    "",
]
CALLS = [
    json.dumps(CALL, ensure_ascii=False),
    json.dumps([CALL, CALL]),
    "not json",
    '{"name": "x"}',
    '["x"]',
    "[]",
    "5",
    "<think>\n先想\n</think>\n\n" + json.dumps(CALL),
    "先查<tool_call>" + json.dumps(CALL) + "</tool_call>",
    '{"name": "x", "arguments": "text"}',
    '{"name": "x", "arguments": [1, 2]}',
    '{"name": 5, "arguments": {}}',
    None,
]
CONTENTS = [
    "",
    " ",
    None,
    "<|im_end|> 之后",
    "turn {{idx}} and {{idx}}",
    "{{content}} again",
    "<think>\n想\n</think>\n\n答",
    "<think>",
    "\n\n",
    "𠮷😀 e\u0301",
]


def words(chance: random.Random, most: int) -> str:
    """A text of up to so many words."""
    return " ".join(chance.choices(WORDS, k=chance.randint(1, most)))


def share_gpt_rows(count: int, seed: int) -> list[Row]:
    """Rows of ShareGPT turns; the first has all keys."""
    chance = random.Random(seed)
    rows = [_share_gpt(chance) for _ in range(count)]
    for row in rows[1:]:
        _break(row, chance)
    return rows


def _share_gpt(chance: random.Random) -> Row:
    most = chance.choice([5, 20, 80, 300])
    turns = []
    for _ in range(chance.randint(1, 5)):
        turns += [_said("human", words(chance, most)), _said("gpt", words(chance, most))]
    return {"conversations": turns, "system": words(chance, 8), "tools": TOOLS[0]}


def _said(speaker: str | None, text: str | None) -> Row:
    return {"from": speaker, "value": text}


def _break(row: Row, chance: random.Random) -> None:
    turns = row["conversations"]
    row["system"] = chance.choice(["", "", None, row["system"], "{{content}}", "{{idx}}"])
    row["tools"] = chance.choice(["", "", "", None, *TOOLS]) if chance.random() < 0.4 else ""
    kind = chance.randrange(13)
    if kind < 6:
        _break_order(turns, kind, chance)
    else:
        _break_contents(turns, kind, chance)


def _break_order(turns: list[Row], kind: int, chance: random.Random) -> None:
    place = chance.randrange(len(turns))
    match kind:
        case 0:
            turns[place]["from"] = chance.choice([None, "system", "user", "tool", "gpt", "human"])
        case 1:
            del turns[place]
        case 2:
            turns.insert(place, _said("system", chance.choice(["规则", None, ""])))
        case 3:
            turns.insert(0, _said("system", chance.choice(["规则", None, "", "{{content}}"])))
        case 4:
            turns.append(_said("human", "还有?"))
        case _:
            turns.clear()


def _break_contents(turns: list[Row], kind: int, chance: random.Random) -> None:
    place = chance.randrange(len(turns))
    match kind:
        case 6:
            turns[-1:] = [_said("function_call", chance.choice(CALLS))]
        case 7:
            call = _said("function_call", chance.choice(CALLS[:4]))
            result = _said("observation", chance.choice(['{"ok": 1}', "", "<|im_end|>"]))
            turns[1:1] = [call, result]
        case 8:
            turns[place:place] = [_said("observation", "x"), _said("observation", "y")]
        case 9:
            turns[place]["value"] = chance.choice(CONTENTS)
        case 10:
            turns[place]["value"] = words(chance, 600)
        case _:
            pass


def alpaca_rows(count: int, seed: int) -> list[Row]:
    """Rows of instructions; the first has all keys."""
    chance = random.Random(seed)
    rows = [_alpaca(chance, chance.choice([5, 20, 80, 300])) for _ in range(count)]
    rows[0]["history"] = [["早", "好"]]
    for row in rows[1:]:
        _break_alpaca(row, chance)
    return rows


def _alpaca(chance: random.Random, most: int) -> Row:
    return {
        "instruction": words(chance, most),
        "input": chance.choice(["", words(chance, most)]),
        "output": words(chance, most),
        "system": words(chance, 5),
        "history": [
            [words(chance, most), words(chance, most)] for _ in range(chance.randint(0, 3))
        ],
    }


def _break_alpaca(row: Row, chance: random.Random) -> None:
    key = chance.choice(["instruction", "input", "output", "system", "none", "none"])
    if key != "none":
        row[key] = chance.choice(CONTENTS)
    match chance.randrange(8):
        case 0:
            row["history"] = None
        case 1:
            row["history"] = [["问"]]
        case 2:
            row["history"] = [["问", "答", "又"]]
        case 3:
            row["history"] = [["问", None], [None, "答"]][: chance.randint(1, 2)]
        case 4:
            row["history"] = []
        case _:
            pass


def preference_rows(count: int, seed: int) -> list[Row]:
    """Rows of ShareGPT turns with a chosen and a rejected answer."""
    rows = share_gpt_rows(count, seed)
    chance = random.Random(seed + 1)
    for number, row in enumerate(rows):
        if row["conversations"] and chance.random() < 0.9:
            row["conversations"].pop()
        for name in ("chosen", "rejected"):
            row[name] = _said("gpt", words(chance, chance.choice([5, 200])))
            if number and chance.random() < 0.15:
                row[name]["value"] = chance.choice(CONTENTS)
            if number and chance.random() < 0.1:
                row[name]["from"] = chance.choice(["human", "function_call", "narrator", None])
            if number and chance.random() < 0.05:
                row[name] = None
    return rows


def feedback_rows(count: int, seed: int) -> list[Row]:
    """Rows of instructions with a good or bad answer. All can be taken: how a broken one ends the
    run depends on its neighbours.
    """
    chance = random.Random(seed)
    rows = []
    for _ in range(count):
        row = _alpaca(chance, chance.choice([5, 20, 80, 300]))
        if chance.random() < 0.1:
            row["output"] = ""
        rows.append({**row, "kto_tag": chance.random() < 0.5})
    rows[0]["history"] = [["早", "好"]]
    return rows


def text_rows(count: int, seed: int) -> list[Row]:
    """Documents."""
    chance = random.Random(seed)
    texts = [words(chance, chance.choice([5, 80, 600])) for _ in range(count)]
    return [{"text": "" if n % 50 == 7 else text} for n, text in enumerate(texts)]


SEED = 7
KINDS = {
    "sharegpt": (share_gpt_rows, "sft"),
    "alpaca": (alpaca_rows, "sft"),
    "preference": (preference_rows, "rm"),
    "feedback": (feedback_rows, "kto"),
    "text": (text_rows, "pt"),
}
SHARE_GPT = {"messages": "conversations", "system": "system", "tools": "tools"}
ALPACA = {"prompt": "instruction", "query": "input", "response": "output", "system": "system"}
TAGS = {
    "role_tag": "from",
    "content_tag": "value",
    "user_tag": "human",
    "assistant_tag": "gpt",
    "observation_tag": "observation",
    "function_tag": "function_call",
    "system_tag": "system",
}
ENTRIES: dict[str, dict[str, Any]] = {
    "sharegpt": {"formatting": "sharegpt", "columns": SHARE_GPT, "tags": TAGS},
    "alpaca": {"columns": {**ALPACA, "history": "history"}},
    "preference": {
        "formatting": "sharegpt",
        "ranking": True,
        "columns": {**SHARE_GPT, "chosen": "chosen", "rejected": "rejected"},
        "tags": TAGS,
    },
    "feedback": {"columns": {**ALPACA, "history": "history", "kto_tag": "kto_tag"}},
    "text": {"columns": {"prompt": "text"}},
}
