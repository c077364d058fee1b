"""The list of tools that a conversation may call, as JSON text."""

from typing import Any

import orjson
import polars as pl

from datakit.stages.format.turns import FAULTS

NO_TOOLS = ("", "null", "[]", "{}", '""')


def read_tools(values: pl.Series) -> tuple[pl.Series, pl.DataFrame]:
    """The tools of each record (null for none), and the faults, `broken_tools`.

    Tools are objects with a `name`, or OpenAI's `{"type": "function", "function": {...}}`; one
    alone becomes a list. What is in order stays as it is written. Records share few lists of
    tools, so each different text is read once.
    """
    found: dict[str, str | None] = {}
    faults: dict[str, str] = {}
    for text in values.drop_nulls().unique(maintain_order=True).to_list():
        try:
            found[text] = _checked(text)
        except ValueError as error:
            faults[text] = orjson.dumps({"error": str(error)}).decode()
    rows = pl.DataFrame({"tools": values}).with_row_index("row")
    tools = values.replace_strict(found, default=None, return_dtype=pl.String)
    broken = rows.filter(pl.col("tools").is_in(list(faults))).select(
        "row",
        pl.lit("broken_tools").alias("reason"),
        pl.col("tools").replace_strict(faults, return_dtype=pl.String).alias("values"),
    )
    return tools.alias("tools"), broken.cast(FAULTS)  # type: ignore[arg-type]


def _checked(text: str) -> str | None:
    stripped = text.strip()
    if stripped in NO_TOOLS:
        return None
    value = _parsed(stripped)
    if isinstance(value, dict):
        value, stripped = [value], f"[{stripped}]"
    if not isinstance(value, list):
        raise ValueError("tools are no list")
    for tool in value:
        _check(tool)
    return stripped if value else None


def _parsed(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error}") from error


def _check(tool: Any) -> None:
    function = tool.get("function", tool) if isinstance(tool, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(name, str) or not name:
        raise ValueError("a tool has no name")
