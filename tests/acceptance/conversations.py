"""Real conversations for the acceptance runs, brought into one form by datakit itself.

Consultations (lists of strings with their speakers, a system message is added), counselling (roles
of its own), tool calls (ShareGPT with `function_call`): multi-turn, Chinese, system, tools.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datakit

HERE = Path(__file__).parent
SAMPLE = HERE.parents[1] / "sample_data" / "medical" / "dialogues"


@dataclass(frozen=True, slots=True)
class Inputs:
    """Where the three kinds of conversations lie."""

    consultations: Path = SAMPLE / "dialmed.jsonl.gz"
    counselling: Path = SAMPLE / "smile_chat.jsonl"
    tools: Path = HERE / "data" / "glaive_toolcall_zh.json"
    consultations_format: str = "jsonl"


BASE = """
[pipeline]
name = "base"

[[source]]
name = "tools"
path = "{tools}"
format = "json"
fields = {{ conversation = "conversations", tools = "tools" }}

[[source]]
name = "consultations"
path = "{consultations}"
format = "{format}"
fields = {{ conversation = "dialog" }}

[[source]]
name = "counselling"
path = "{counselling}"
fields = {{ conversation = "messages" }}

[[stage]]
use = "format.chat"
only = ["consultations"]
system = "你是一位医生，请用中文回答患者的问题。"
drop_trailing_user = true

[[stage]]
use = "format.chat"
only = ["counselling", "tools"]
drop_trailing_user = true

[[stage]]
use = "filter.conversation"

[[stage]]
use = "filter.length"
max_chars = 6000

[output]
path = "{output}"
format = "openai"
single_file = true
"""


def base_conversations(inputs: Inputs, folder: Path, most: int) -> list[dict[str, Any]]:
    """Conversations in OpenAI's form, each with an id, the answer of another record as
    `rejected`, and a `label`.
    """
    pipeline = folder / "base.toml"
    text = BASE.format(
        tools=inputs.tools,
        consultations=inputs.consultations,
        counselling=inputs.counselling,
        format=inputs.consultations_format,
        output=folder / "base",
    )
    pipeline.write_text(text, encoding="utf-8")
    datakit.run(pipeline, workdir=folder / "work", executor="local")
    (path,) = (folder / "base" / "train").glob("*.jsonl")
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()][:most]
    answers = [record["messages"][-1]["content"] for record in records]
    for number, record in enumerate(records):
        record["id"] = f"r{number}"
        others = (a for a in answers[number + 1 :] + answers if a and a != answers[number])
        record["rejected"] = next(others)
        record["label"] = number % 3 != 0
    return records
