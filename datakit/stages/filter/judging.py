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
    fails = pl.DataFrame([_fails(measured, each) for each in judges])
    names = [each.name for each in judges]
    reason = pl.coalesce([pl.when(pl.col(name)).then(pl.lit(name)) for name in names])
    verdicts = fails.select(reason.alias("reason"))
    rows = verdicts["reason"].is_not_null().arg_true()
    if not len(rows):
        return verdicts
    told = _told(measured[rows], fails[rows], judges)
    index = pl.Series("row", rows)
    placed = verdicts.with_row_index("row").join(told.with_columns(index), on="row", how="left")
    return placed.sort("row").drop("row")


def _fails(measured: Table, each: Judge) -> pl.Series:
    """Whether each row fails a rule: never null; what cannot be told does not fail."""
    holds = pl.sql_expr(each.holds).fill_null(value=True)
    fails = ~holds & pl.sql_expr(each.when).fill_null(value=False) if each.when else ~holds
    try:
        found = measured.select(fails.alias(each.name)).to_series()
    except PolarsError as error:
        message = f"filter.quality: rule {each.name!r} ({each.text}): {error}"
        raise DatakitError(message) from error
    return found.new_from_index(0, measured.height) if len(found) < measured.height else found


def _told(measured: Table, fails: Table, judges: Sequence[Judge]) -> Table:
    """What is told of rejected rows."""
    texts = {each.name: each.text for each in judges}
    failed = [pl.when(name).then(pl.lit(f"{name}: {text}")) for name, text in texts.items()]
    first = [pl.when(each.name).then(pl.lit(each.text)) for each in judges]
    bounds = [pl.when(each.name).then(pl.lit(each.threshold, pl.Float64)) for each in judges]
    flags = fails.select(
        pl.coalesce(first).alias("rule"),
        _first_of(judges, bounds).alias("threshold"),
        pl.concat_list(failed).list.drop_nulls().alias("failed"),
    )
    naming: dict[str, list[str]] = {}
    for each in judges:
        for column in each.columns:
            naming.setdefault(column, []).append(each.name)
    values = [_shown(measured[column], fails, names) for column, names in naming.items()]
    return flags.with_columns(values).select("rule", "threshold", pl.exclude("rule", "threshold"))


def _first_of(judges: Sequence[Judge], bounds: Sequence[pl.Expr]) -> pl.Expr:
    """The threshold of the first rule failed, which may be none."""
    chosen = pl.lit(None, pl.Float64)
    for each, bound in zip(reversed(judges), reversed(bounds), strict=True):
        chosen = pl.when(each.name).then(bound).otherwise(chosen)
    return chosen


def _shown(values: pl.Series, fails: Table, names: Sequence[str]) -> pl.Series:
    """A column's values in rows where a rule failed that names it, floats rounded."""
    is_named = fails.select(pl.any_horizontal(names)).to_series()
    if values.dtype.is_float():
        values = values.round(ROUNDED_TO)
    if values.name in OWN_COLUMNS:
        values = values.alias(f"{values.name}_column")
    return values.zip_with(is_named, values.clear(len(values)))
