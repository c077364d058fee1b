"""Whether tool calls, their results and lists of tools are what they should be."""

from typing import Any

import orjson
import polars as pl


def call_faults(flat: pl.DataFrame) -> pl.DataFrame:
    """`row`, `message` (from 1) and `error` of the first broken call or result of each row.

    `flat` is a flat frame (`flat.py`); only the rows that call tools are looked at, one by one.
    """
    calls = pl.col("tool_calls").fill_null("") != ""
    rows = flat.filter(calls | (pl.col("role") == "tool").fill_null(False))
    found: dict[int, tuple[int, str]] = {}
    open_ids: list[str] = []
    last = -1
    fields = ["row", "message", "role", "tool_calls", "tool_call_id"]
    for row, message, role, text, call_id in rows.select(fields).iter_rows():
        if row != last:
            last, open_ids = row, []
        if row in found:
            continue
        error = _take(open_ids, call_id) if role == "tool" else _open(open_ids, text)
        if error:
            found[row] = (message, error)
    return pl.DataFrame(
        [(row, message, error) for row, (message, error) in found.items()],
        schema={"row": pl.UInt32, "message": pl.UInt32, "error": pl.String},
        orient="row",
    )


def _open(open_ids: list[str], text: str) -> str | None:
    unanswered, error = len(open_ids), check_calls(text)
    open_ids.clear()
    if unanswered:
        return f"{unanswered} calls before got no result"
    if error is None:
        open_ids += [call["id"] for call in orjson.loads(text)]
    return error


def _take(open_ids: list[str], call_id: str | None) -> str | None:
    if call_id not in open_ids:
        return f"no open call has the id {call_id!r}"
    open_ids.remove(call_id)
    return None


def check_calls(text: str) -> str | None:
    """What is wrong with the JSON text of OpenAI's list of calls; None if nothing is."""
    try:
        calls = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return f"tool_calls are not JSON: {error}"
    if not isinstance(calls, list) or not calls:
        return "tool_calls are no list of calls"
    errors = (_check_call(call) for call in calls)
    return next((error for error in errors if error), None)


def _check_call(call: Any) -> str | None:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        return "a call has no function name"
    if not isinstance(call.get("id"), str):
        return "a call has no id"
    arguments = function.get("arguments")
    try:
        parsed = orjson.loads(arguments) if isinstance(arguments, str) else None
    except orjson.JSONDecodeError as error:
        return f"arguments are not JSON: {error}"
    return None if isinstance(parsed, dict) else "arguments are no object"


def spelt_out(calls: pl.Series) -> pl.Series:
    """JSON texts of calls with no character escaped that need not be: a trainer that parses them
    takes it for what it stands for.
    """
    is_escaped = calls.str.contains(r"\\[u/]").fill_null(False)
    if not is_escaped.any():
        return calls
    plain = [_spelt_out(text) for text in calls.filter(is_escaped).to_list()]
    return calls.scatter(is_escaped.arg_true(), pl.Series(plain, dtype=pl.String))


def _spelt_out(text: str) -> str:
    try:
        calls = orjson.loads(text)
        for call in calls:
            arguments = orjson.loads(call["function"]["arguments"])
            call["function"]["arguments"] = orjson.dumps(arguments).decode()
    except (ValueError, TypeError, KeyError):
        return text  # what is broken is refused elsewhere, as such
    return orjson.dumps(calls).decode()


def check_tools(text: str) -> str | None:
    """What is wrong with the JSON text of a list of tools; None if nothing is."""
    try:
        tools = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return f"not JSON: {error}"
    if not isinstance(tools, list):
        return "tools are no list"
    for tool in tools:
        function = tool.get("function", tool) if isinstance(tool, dict) else None
        name = function.get("name") if isinstance(function, dict) else None
        if not isinstance(name, str) or not name:
            return "a tool has no name"
    return None
