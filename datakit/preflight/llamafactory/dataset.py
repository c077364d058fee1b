"""How LLaMA-Factory takes a data set: the columns and tags of `dataset_info.json`, or, where there
is none, what its defaults and the rows' keys come to.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from datakit.errors import UsageError

COLUMNS = (
    *("prompt", "query", "response", "history", "messages", "system", "tools"),
    *("chosen", "rejected", "kto_tag"),
)
TAGS = (
    *("role_tag", "content_tag", "user_tag", "assistant_tag"),
    *("observation_tag", "function_tag", "system_tag"),
)
OPENAI_TAGS = {
    "role_tag": "role",
    "content_tag": "content",
    "user_tag": "user",
    "assistant_tag": "assistant",
    "observation_tag": "tool",
    "function_tag": "function_call",
    "system_tag": "system",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetInfo:
    """One entry of `dataset_info.json`, with LLaMA-Factory's defaults."""

    formatting: str = "alpaca"
    ranking: bool = False
    prompt: str | None = "instruction"
    query: str | None = "input"
    response: str | None = "output"
    history: str | None = None
    messages: str | None = "conversations"
    system: str | None = None
    tools: str | None = None
    chosen: str | None = None
    rejected: str | None = None
    kto_tag: str | None = None
    role_tag: str | None = "from"
    content_tag: str | None = "value"
    user_tag: str | None = "human"
    assistant_tag: str | None = "gpt"
    observation_tag: str | None = "observation"
    function_tag: str | None = "function_call"
    system_tag: str | None = "system"
    told_by: str = field(default="its defaults", compare=False)

    @property
    def stage(self) -> str:
        """The training stage these columns are for: `pt`, `sft`, `rm` or `kto`."""
        if self.ranking:
            return "rm"
        if self.kto_tag:
            return "kto"
        is_text = self.formatting == "alpaca" and not self.response and not self.query
        return "pt" if is_text else "sft"

    @property
    def columns(self) -> list[str]:
        """The columns of the file that are read; a missing one stops the trainer."""
        conversation = (self.messages,) if self.formatting != "alpaca" else ()
        flat = (self.prompt, self.query, self.response, self.history)
        answers = (self.chosen, self.rejected) if self.ranking else ()
        rest = (self.system, self.tools, *answers, self.kto_tag)
        named = conversation or (flat[:2] + flat[3:] if self.ranking else flat)
        return [name for name in (*named, *rest) if name]


def read_entry(entry: Mapping[str, Any], told_by: str) -> DatasetInfo:
    """An entry as LLaMA-Factory reads it: where `columns` or `tags` are given, those that are not
    named there are none.
    """
    known = {f.name for f in fields(DatasetInfo)}
    plain = {key: entry[key] for key in ("formatting", "ranking") if key in entry}
    for part, names in (("columns", COLUMNS), ("tags", TAGS)):
        if part in entry:
            plain |= {name: entry[part].get(name) for name in names if name in known}
    return DatasetInfo(**plain, told_by=told_by)


def guess_entry(row: Mapping[str, Any]) -> DatasetInfo:
    """The entry that a row's keys ask for.

    Raises:
        UsageError: LLaMA-Factory has no form with such keys.
    """
    keys = set(row)
    rest: dict[str, str] = {name: name for name in ("system", "tools", "kto_tag") if name in keys}
    is_pair = {"chosen", "rejected"} <= keys
    if is_pair:
        rest |= {"chosen": "chosen", "rejected": "rejected"}
    told_by = "the keys of its rows"
    if "conversations" in keys or "messages" in keys:
        name = "conversations" if "conversations" in keys else "messages"
        tags = {} if name == "conversations" else OPENAI_TAGS
        return DatasetInfo(
            formatting="sharegpt", ranking=is_pair, messages=name, told_by=told_by, **(rest | tags)
        )
    if "instruction" in keys:
        info = DatasetInfo(ranking=is_pair, told_by=told_by, **rest)
        return replace(
            info,
            query="input" if "input" in keys else None,
            response="output" if "output" in keys else None,
            history="history" if "history" in keys else None,
        )
    if "text" in keys:
        return DatasetInfo(prompt="text", query=None, response=None, told_by=told_by)
    raise UsageError(
        f"LLaMA-Factory has no form with the keys {', '.join(sorted(keys))}; write the layout "
        "sharegpt, alpaca or text, or give a dataset_info.json"
    )


def find_entry(path: Path, name: str | None) -> DatasetInfo:
    """The entry of a `dataset_info.json`: the one of this name, or the only one.

    Raises:
        UsageError: the file cannot be read, or does not say which.
    """
    try:
        entries = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    if name is None and len(entries) != 1:
        raise UsageError(f"{path} has several data sets; say which: {', '.join(entries)}")
    chosen = name or next(iter(entries))
    if chosen not in entries:
        raise UsageError(f"{path} has no data set {chosen!r}; it has: {', '.join(entries)}")
    return read_entry(entries[chosen], f"{path.name}, {chosen!r}")
