"""ShareGPT turns of conversations with tools, as LLaMA-Factory reads them."""

import orjson
import polars as pl

from datakit.records import nest

SPEAKERS = {"user": "human", "assistant": "gpt", "tool": "observation"}


def share_gpt_turns(messages: pl.Series) -> pl.Series:
    """Turns (`from`, `value`) without the system message.

    Calls are one `function_call` turn: the JSON text of `{"name", "arguments"}`, of a list of
    them where there are several. Results in a row are one `observation`, several as the JSON text
    of a list of texts: two observations in a row are an error to LLaMA-Factory.
    """
    rows = pl.DataFrame({"row": pl.int_range(len(messages), eager=True), "message": messages})
    flat = rows.explode("message", empty_as_null=False).unnest("message")
    flat = flat.filter(pl.col("role") != "system")
    calls = [_call_turn(text) if text else None for text in flat["tool_calls"].to_list()]
    flat = flat.with_columns(pl.Series("calls", calls, dtype=pl.String))
    has_calls = pl.col("calls").is_not_null()
    speaker = pl.col("role").replace_strict(SPEAKERS, return_dtype=pl.String)
    turns = flat.select(
        "row",
        pl.when(has_calls).then(pl.lit("function_call")).otherwise(speaker).alias("from"),
        pl.when(has_calls).then("calls").otherwise("content").alias("value"),
    )
    turns = _join_results(turns)
    packed = turns.select(pl.struct("from", "value")).to_series()
    lengths = turns["row"].value_counts().sort("row")["count"]
    return nest(packed, lengths, name="conversations")


def _call_turn(tool_calls: str) -> str:
    turns = [
        {"name": f["name"], "arguments": orjson.Fragment(f["arguments"])}
        for f in (call["function"] for call in orjson.loads(tool_calls))
    ]
    return orjson.dumps(turns[0] if len(turns) == 1 else turns).decode()


def _join_results(turns: pl.DataFrame) -> pl.DataFrame:
    is_result = pl.col("from") == "observation"
    # No conversation begins with a result, so that two in a row are of the same one.
    follows = (is_result & is_result.shift(1)).fill_null(False)
    if not turns.select(follows.any()).item():
        return turns
    groups = turns.group_by((~follows).cum_sum().alias("group"), maintain_order=True).agg(
        pl.col("row", "from").first(), "value"
    )
    values = [v[0] if len(v) == 1 else orjson.dumps(v).decode() for v in groups["value"].to_list()]
    return groups.select("row", "from", pl.Series("value", values, dtype=pl.String))
