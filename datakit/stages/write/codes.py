"""The order of a conversation as a string with one letter a message.

System `s`, user `u`, assistant `a`, assistant with tool calls `c`, tool `t`, empty content `_`,
any other role `?`. What a trainer asks of the order is then a regular expression.
"""

import polars as pl

from datakit.records import MESSAGES

CODE = "_code"
LETTERS = {"system": "s", "user": "u", "assistant": "a", "tool": "t"}
# The longest beginning in order: [system] (user, calls and results, assistant) and so on.
IN_ORDER = r"^(s?(?:u(?:ct+)*a)*(?:u(?:ct+)*c?)?)"


def code_of(messages: pl.Series) -> pl.Series:
    """The code of each conversation; null for none."""
    message = pl.element().struct
    letter = message.field("role").replace_strict(LETTERS, default="?", return_dtype=pl.String)
    calls = (letter == "a") & (message.field("tool_calls").fill_null("") != "")
    is_empty = message.field("content").fill_null("").str.strip_chars() == ""
    letter = (
        pl.when(calls)
        .then(pl.lit("c"))
        .when(is_empty & (letter != "?"))
        .then(pl.lit("_"))
        .otherwise(letter)
    )
    code = pl.col(MESSAGES).list.eval(letter).list.join("").alias(CODE)
    return messages.alias(MESSAGES).to_frame().select(code).to_series()


def order_faults(code: pl.Expr) -> list[tuple[str, pl.Expr]]:
    """Reasons, each with the place of the message at fault: from 0, null where there is none."""
    size = code.str.len_bytes()
    in_order = code.str.extract(IN_ORDER, 1).str.len_bytes()
    return [
        ("unknown_role", code.str.find(r"\?")),
        ("empty_message", code.str.find("_")),
        ("system_not_first", code.str.find("[^s]s|ss") + 1),
        ("wrong_role_order", pl.when(in_order < size).then(in_order)),
        ("last_not_assistant", pl.when(~code.str.contains("[ac]$")).then(size - 1)),
    ]
