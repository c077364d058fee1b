"""Expressions in SQL that a pipeline file has, of one record each."""

import polars as pl
from polars.exceptions import PolarsError

from datakit.errors import SettingsError


def check_rule(key: str, name: str, sql: str) -> None:
    """Refuse a rule that is no expression, or one that looks at more than its own record.

    Raises:
        SettingsError: with `key` as the setting to point at.
    """
    if not name.strip():
        raise SettingsError(key, f"the rule {sql!r} has no name, which is its reason")
    try:
        rule = pl.sql_expr(sql)
    except PolarsError as error:
        message = f"rule {name!r}: {sql!r} is no SQL expression: {error}"
        raise SettingsError(key, message) from error
    if not _judges_rows(rule):
        message = f"rule {name!r}: {sql!r} does not judge each record by itself"
        hint = "sums, averages, counts and window functions would depend on the batch"
        raise SettingsError(key, message, hint)
    if wrong := _wrong_pattern(rule):
        raise SettingsError(key, f"rule {name!r}: {sql!r} has a wrong pattern: {wrong}")


def _wrong_pattern(rule: pl.Expr) -> str:
    """What is wrong with a regular expression, which Polars reads only when it runs."""
    try:
        pl.DataFrame({column: ["-"] for column in rule.meta.root_names()}).select(rule)
    except PolarsError as error:
        return str(error).split("\n\n")[0] if "regex" in str(error) else ""
    return ""


def columns_of(sql: str) -> list[str]:
    """The columns that an SQL expression names."""
    return list(dict.fromkeys(pl.sql_expr(sql).meta.root_names()))


def _judges_rows(rule: pl.Expr) -> bool:
    """Whether no part of an expression looks at other rows or gives more or fewer of them; Polars
    tells it of one part.
    """
    if rule.meta.is_literal():
        return True
    try:
        separable = rule.meta.is_row_separable() and rule.meta.is_length_preserving()
    except PolarsError:  # IN (...) cannot be told without the columns' types
        separable = True
    return separable and all(_judges_rows(part) for part in rule.meta.pop())
