"""The list of tools that a conversation may call, as JSON text."""

import orjson
import polars as pl

from datakit.conversations.calls import check_tools
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
        stripped = text.strip()
        listed = f"[{stripped}]" if stripped.startswith("{") else stripped
        if stripped in NO_TOOLS:
            found[text] = None
        elif error := check_tools(listed):
            faults[text] = orjson.dumps({"error": error}).decode()
        else:
            found[text] = listed
    tools = values.replace_strict(found, default=None, return_dtype=pl.String)
    rows = pl.DataFrame({"tools": values}).with_row_index("row")
    broken = rows.filter(pl.col("tools").is_in(list(faults))).select(
        "row",
        pl.lit("broken_tools").alias("reason"),
        pl.col("tools").replace_strict(faults, return_dtype=pl.String).alias("values"),
    )
    return tools.alias("tools"), broken.cast(FAULTS)  # type: ignore[arg-type]
