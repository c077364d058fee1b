"""Rules as Polars expressions: which records fail which rule, and what is told of it."""

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl
from polars.exceptions import PolarsError

from datakit.errors import DatakitError, SettingsError, did_you_mean
from datakit.expressions import check_rule, columns_of
from datakit.presets.load import BOUNDS, Rule
from datakit.records import Table
from datakit.text.signal_catalogue import SIGNALS

OWN_COLUMNS = frozenset({"reason", "rule", "threshold", "failed"})
ROUNDED_TO = 6


class Judge(NamedTuple):
    """A rule, ready: its name, its text as rejects show it, the SQL of what must hold, where it
    applies, the columns it names, and its threshold if it has one.
    """

    name: str
    text: str
    holds: str
    when: str
    columns: tuple[str, ...]
    threshold: float | None


def judge_of_preset(rule: Rule) -> Judge:
    """A preset's rule, checked: its expressions are SQL on signals alone.

    Raises:
        SettingsError: they are not; `preset` is the setting to blame.
    """
    named: list[str] = []
    for sql in filter(None, (rule.signal, rule.when)):
        check_rule("preset", rule.name, sql)
        named += columns_of(sql)
    for name in named:
        if name not in SIGNALS:
            message = f"rule {rule.name!r} names {name!r}, which is no signal"
            raise SettingsError("preset", message, did_you_mean(name, SIGNALS))
    holds = f"({rule.signal}) {BOUNDS[rule.bound]} {rule.threshold!r}"
    text = f"{rule.keeps} where {rule.when}" if rule.when else rule.keeps
    columns = tuple(dict.fromkeys(named))
    return Judge(rule.name, text, holds, rule.when, columns, rule.threshold)


def judge_of_own(name: str, sql: str) -> Judge:
    """A rule from the pipeline file, checked.

    Raises:
        SettingsError: it is no SQL, or does not judge each record by itself.
    """
    check_rule("rules", name, sql)
    return Judge(name, sql, sql, "", tuple(columns_of(sql)), None)


def judge(measured: Table, judges: Sequence[Judge]) -> Table:
    """For each row, how it failed: `reason` (the first rule failed; null if none), and of failed
    rules `rule`, `threshold`, the columns they name, and `failed` (all of them).
    """
    fails = _find_failures(measured, judges)
    reason = pl.coalesce([pl.when(flag).then(pl.lit(each.name)) for flag, each in _flagged(judges)])
    verdicts = fails.select(reason.alias("reason"))
    rows = verdicts["reason"].is_not_null().arg_true()
    if not len(rows):
        return verdicts
    told = _told(measured[rows], fails[rows], judges)
    index = pl.Series("row", rows)
    placed = verdicts.with_row_index("row").join(told.with_columns(index), on="row", how="left")
    return placed.sort("row").drop("row")


def _flagged(judges: Sequence[Judge]) -> list[tuple[str, Judge]]:
    """The rules, and the name of the column that tells whether a row fails each: one that no
    signal has.
    """
    return [(f"?{number}", each) for number, each in enumerate(judges)]


def _find_failures(measured: Table, judges: Sequence[Judge]) -> Table:
    """Whether each row fails each rule: never null; what cannot be told does not fail."""
    tests = {flag: _fails(each) for flag, each in _flagged(judges)}
    rows = pl.int_range(pl.len(), dtype=pl.UInt32).alias("?")  # for rules that name no column
    try:
        return measured.select(rows, **tests).drop("?")
    except PolarsError:
        for flag, each in _flagged(judges):
            try:
                measured.select(tests[flag])
            except PolarsError as error:
                message = f"filter.quality: rule {each.name!r} ({each.text}): {error}"
                raise DatakitError(message) from error
        raise


def _fails(each: Judge) -> pl.Expr:
    holds = pl.sql_expr(each.holds).fill_null(value=True)
    return ~holds & pl.sql_expr(each.when).fill_null(value=False) if each.when else ~holds


def _told(measured: Table, fails: Table, judges: Sequence[Judge]) -> Table:
    """What is told of rejected rows."""
    flagged = _flagged(judges)
    failed = [pl.when(flag).then(pl.lit(f"{each.name}: {each.text}")) for flag, each in flagged]
    first = [pl.when(flag).then(pl.lit(each.text)) for flag, each in flagged]
    threshold = pl.lit(None, pl.Float64)
    for flag, each in reversed(flagged):
        bound = pl.lit(each.threshold, pl.Float64)
        threshold = pl.when(flag).then(bound).otherwise(threshold)
    naming: dict[str, list[str]] = {}
    for flag, each in flagged:
        for column in each.columns:
            naming.setdefault(column, []).append(flag)
    return pl.concat([measured, fails], how="horizontal").select(
        pl.coalesce(first).alias("rule"),
        threshold.alias("threshold"),
        pl.concat_list(failed).list.drop_nulls().alias("failed"),
        *(_shown(measured[column], flags) for column, flags in naming.items()),
    )


def _shown(values: pl.Series, flags: Sequence[str]) -> pl.Expr:
    """A column's values in rows where a rule failed that names it, floats rounded."""
    column = pl.col(values.name)
    if values.dtype.is_float():
        column = column.round(ROUNDED_TO)
    name = f"{values.name}_column" if values.name in OWN_COLUMNS else values.name
    return pl.when(pl.any_horizontal(flags)).then(column).alias(name)
