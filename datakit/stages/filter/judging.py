"""Rules as Polars expressions: which records fail which rule, and what is told of it."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars.exceptions import PolarsError

from datakit.errors import DatakitError, SettingsError, did_you_mean
from datakit.expressions import check_rule, columns_of
from datakit.presets.load import BOUNDS, Rule
from datakit.records import Table, nest
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
    rows = np.flatnonzero(fails.any(axis=1))
    if not rows.size:
        return pl.DataFrame({"reason": pl.Series([None] * measured.height, dtype=pl.String)})
    places: NDArray[np.int64] = np.full(measured.height, -1, dtype=np.int64)
    places[rows] = np.arange(rows.size)
    told = _told(measured[rows.astype(np.uint32)], fails[rows], judges)
    at = pl.Series(places).replace(-1, None)
    return told.select(pl.all().gather(at))


def _find_failures(measured: Table, judges: Sequence[Judge]) -> NDArray[np.bool_]:
    """Whether each row fails each rule, shape (rows, rules); what cannot be told does not fail."""
    tests = {f"?{number}": _fails(each) for number, each in enumerate(judges)}
    rows = pl.int_range(pl.len(), dtype=pl.UInt32).alias("?")  # for rules that name no column
    try:
        found = measured.select(rows, **tests).drop("?")
    except PolarsError:
        for flag, each in zip(tests, judges, strict=True):
            try:
                measured.select(tests[flag])
            except PolarsError as error:
                said = str(error).splitlines()[0]
                message = f"filter.quality: rule {each.name!r} ({each.text}): {said}"
                raise DatakitError(message) from error
        raise
    for column, each in zip(found, judges, strict=True):
        if column.dtype != pl.Boolean:
            message = f"filter.quality: rule {each.name!r} ({each.text}) gives {column.dtype}"
            raise DatakitError(f"{message}, not true or false; compare it with something")
    return found.to_numpy()


@cache
def _fails(each: Judge) -> pl.Expr:
    holds = pl.sql_expr(each.holds).fill_null(value=True)
    return ~holds & pl.sql_expr(each.when).fill_null(value=False) if each.when else ~holds


def _told(measured: Table, fails: NDArray[np.bool_], judges: Sequence[Judge]) -> Table:
    """What is told of rejected rows, each of which fails a rule."""
    rules = pl.DataFrame(
        {
            "reason": [each.name for each in judges],
            "rule": [each.text for each in judges],
            "threshold": pl.Series([each.threshold for each in judges], dtype=pl.Float64),
        }
    )
    texts = pl.Series([f"{each.name}: {each.text}" for each in judges])
    rows, which = np.nonzero(fails)
    failed = nest(
        texts.gather(which), pl.Series(np.bincount(rows, minlength=len(fails))), name="failed"
    )
    naming: dict[str, list[int]] = {}
    for number, each in enumerate(judges):
        for column in each.columns:
            naming.setdefault(column, []).append(number)
    shown = [_shown(measured[column], fails[:, named]) for column, named in naming.items()]
    first = fails.argmax(axis=1).astype(np.uint32)
    found: Table = rules[first]
    return found.with_columns(failed, *measured.select(shown).get_columns())


def _shown(values: pl.Series, fails: NDArray[np.bool_]) -> pl.Expr:
    """A column's values in rows where a rule failed that names it, floats rounded."""
    column = pl.col(values.name)
    if values.dtype.is_float():
        column = column.round(ROUNDED_TO)
    name = f"{values.name}_column" if values.name in OWN_COLUMNS else values.name
    return pl.when(pl.lit(pl.Series(fails.any(axis=1)))).then(column).alias(name)
