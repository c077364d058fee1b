"""The order of a conversation, as a string with one letter a message.

System `s`, user `u`, assistant `a`, assistant with tool calls `c`, tool `t`, empty content `_`,
any other role `?`. What is asked of the order is then a regular expression.
"""

import polars as pl

from datakit.records import MESSAGES

LETTERS = {"system": "s", "user": "u", "assistant": "a", "tool": "t"}
IN_ORDER = r"^(s?(?:u(?:ct+)*a)*(?:u(?:ct+)*c?)?)"
"""The longest beginning in order: `[system] (user answer)+`, where an answer is the assistant's
message, before which it may have called tools (c), each call being followed by results (t)."""


def letter_of(role: pl.Expr, content: pl.Expr, tool_calls: pl.Expr) -> pl.Expr:
    """The letter of a message."""
    letter = role.replace_strict(LETTERS, default="?", return_dtype=pl.String)
    calls = (letter == "a") & (tool_calls.fill_null("") != "")
    is_empty = content.fill_null("").str.strip_chars() == ""
    return (
        pl.when(calls)
        .then(pl.lit("c"))
        .when(is_empty & (letter != "?"))
        .then(pl.lit("_"))
        .otherwise(letter)
    )


def code_of(messages: pl.Series) -> pl.Series:
    """The letters of each conversation; null for none."""
    message = pl.element().struct
    fields = [message.field(name) for name in ("role", "content", "tool_calls")]
    code = pl.col(MESSAGES).list.eval(letter_of(*fields)).list.join("")
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
