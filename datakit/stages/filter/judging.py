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


def judge(
    measured: Table, judges: Sequence[Judge], *, rows: NDArray[np.integer] | None = None, of: int
) -> Table:
    """For each of `of` rows how it failed: `reason` (the first rule failed; null if none), and of
    failed rules `rule`, `threshold`, the columns they name, and `failed` (all of them).

    `measured` are all of the rows, or those whose numbers are in `rows`.
    """
    fails = _find_failures(measured, judges)
    failed = np.flatnonzero(fails.any(axis=1))
    if not failed.size:
        return pass_all(of)
    told = _told(measured[failed.astype(np.uint32)], fails[failed], judges)
    places, fell = np.zeros(of, dtype=np.uint32), np.zeros(of, dtype=np.bool_)
    named = failed if rows is None else rows[failed]
    places[named], fell[named] = np.arange(failed.size), True
    at = pl.Series(places).zip_with(pl.Series(fell), pl.Series([None], dtype=pl.UInt32))
    return told.select(pl.all().gather(at))


def pass_all(rows: int) -> Table:
    """What `judge` says of rows of which none fails."""
    return pl.DataFrame({"reason": pl.Series([None], dtype=pl.String).new_from_index(0, rows)})


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
    failed = nest(texts[which], pl.Series(np.bincount(rows, minlength=len(fails))), name="failed")
    naming: dict[str, list[int]] = {}
    for number, each in enumerate(judges):
        for column in each.columns:
            naming.setdefault(column, []).append(number)
    shown = [
        _shown(column, fails[:, naming[column.name]])
        for column in measured.select(list(naming)).with_columns(_ROUNDED)
    ]
    first = fails.argmax(axis=1).astype(np.uint32)
    found: Table = rules[first]
    return found.with_columns(failed, *shown)


_ROUNDED = pl.selectors.float().round(ROUNDED_TO)


def _shown(values: pl.Series, fails: NDArray[np.bool_]) -> pl.Series:
    """A column's values in rows where a rule failed that names it."""
    name = f"{values.name}_column" if values.name in OWN_COLUMNS else values.name
    nothing = pl.Series([None], dtype=values.dtype)
    return values.zip_with(pl.Series(fails.any(axis=1)), nothing).alias(name)
