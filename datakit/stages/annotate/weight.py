"""Give each record a weight."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import polars as pl
from polars.exceptions import PolarsError

from datakit.errors import DatakitError, SettingsError
from datakit.expressions import check_rule, columns_of
from datakit.records import CONTENT, SOURCE, WEIGHT, Batch, Columns, Table, joined_content

JOINED = "content"
VALUE = "value"


@dataclass(frozen=True, kw_only=True, slots=True)
class WeightAnnotator:
    """Give each record a weight in training: by source, by a column's value, by an expression.

    - `sources` gives the weight of each source: `{ gpt4 = 1.0, gpt35 = 0.1 }`, as OpenChat weighs
      the answers of a better and a lesser model (arXiv 2309.11235);
    - `column` and `values` that of each value of a column: `column = "lang"`,
      `values = { zh = 1.0, en = 0.5 }`;
    - `expression` is a Polars SQL expression that gives a number, such as
      `"CASE WHEN score >= 4 THEN 1 ELSE 0.1 END"`; it may name any column there is, and `content`,
      as in `filter.rules`. Fields that a reader maps are texts: `"TRY_CAST(score AS DOUBLE) / 5"`.

    Given more than one of them, the weights are multiplied. A source or value that is not named,
    and an expression that gives null, count as `default`. A `weight` that was there before is
    replaced; the expression may name it. The report counts the records with each of `values`, 0
    too, and under `none` those with another value.

    Weights lie between `min_weight` and `max_weight`. One that is outside rejects its record, or
    with `outside = "clip"` is brought to the bound.

    Adds `weight`. `write.swift` with `flags` hands it on, other layouts with `columns =
    ["weight"]`; sinks for trainers that have no weights refuse records whose weight is not 1, and
    `mix.by_weight` makes copies of them before.

    Reasons: `weight_out_of_bounds`, `weight_not_finite`.
    """

    adds: ClassVar[Columns] = frozenset({WEIGHT})
    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    sources: Mapping[str, float] = field(default_factory=dict)
    column: str | None = None
    values: Mapping[str, float] = field(default_factory=dict)
    expression: str | None = None
    default: float = 1.0
    min_weight: float = 0.0
    max_weight: float = 10.0
    outside: Literal["reject", "clip"] = "reject"

    def __post_init__(self) -> None:
        if not (self.sources or self.values or self.expression is not None):
            hint = "sources = { gpt4 = 1.0, gpt35 = 0.1 }"
            raise SettingsError("sources", "nothing says what a record weighs", hint)
        if bool(self.values) != (self.column is not None):
            key = "values" if self.column is None else "column"
            raise SettingsError(key, "`column` and `values` go together")
        if self.outside not in ("reject", "clip"):
            raise SettingsError("outside", f"{self.outside!r} is none of 'reject', 'clip'")
        if not 0 <= self.min_weight <= self.max_weight < float("inf"):
            message = f"{self.min_weight} to {self.max_weight} is no range of weights from 0 up"
            raise SettingsError("min_weight", message)
        for key, weights in (("sources", self.sources), ("values", self.values)):
            for name, weight in weights.items():
                self._check_bounds(key, f"{name} = {weight}", weight)
        self._check_bounds("default", f"{self.default}", self.default)
        if self.expression is not None:
            check_rule("expression", WEIGHT, self.expression)

    def _check_bounds(self, key: str, shown: str, weight: float) -> None:
        if not self.min_weight <= weight <= self.max_weight:
            bounds = f"min_weight = {self.min_weight} to max_weight = {self.max_weight}"
            raise SettingsError(key, f"{shown} is not within {bounds}")

    @property
    def tally(self) -> tuple[str, ...]:
        """The value that a record was weighed by."""
        return (VALUE,) if self.values else ()

    @property
    def needs(self) -> Columns:
        """The columns that decide."""
        named = [] if self.column is None else [self.column]
        named += [] if self.expression is None else columns_of(self.expression)
        return frozenset(CONTENT if name == JOINED else name for name in named)

    def reject(self, batch: Batch) -> Table:
        """`reason`, `weight` and its bounds, and which of `values` it has."""
        weights = pl.Series(WEIGHT, [1.0], dtype=pl.Float64).new_from_index(0, batch.height)
        for key, names in ((SOURCE, self.sources), (self.column, self.values)):
            if key is not None and names:
                weights *= _look_up(batch[key], names, self.default)
        if self.expression is not None:
            weights *= self._evaluate(batch).fill_null(self.default)
        weight = pl.col(WEIGHT)
        bounds = pl.DataFrame({WEIGHT: weights}).with_columns(
            pl.lit(self.min_weight).alias("min_weight"), pl.lit(self.max_weight).alias("max_weight")
        )
        if self.outside == "clip":
            bounds = bounds.with_columns(weight.clip(self.min_weight, self.max_weight))
        if self.column is not None:
            met = batch[self.column].cast(pl.String)
            bounds = bounds.with_columns(
                met.cast(pl.Enum(list(self.values)), strict=False).alias(VALUE)
            )
        is_outside = ~weight.is_between(self.min_weight, self.max_weight)
        reason = (
            pl.when(weight.is_nan())
            .then(pl.lit("weight_not_finite"))
            .when(is_outside)
            .then(pl.lit("weight_out_of_bounds"))
        )
        return bounds.with_columns(reason.alias("reason"))

    def _evaluate(self, batch: Batch) -> pl.Series:
        assert self.expression is not None, "called where there is one"
        if JOINED not in batch.columns:
            batch = batch.with_columns(joined_content(batch).alias(JOINED))
        try:
            found = batch.select(pl.sql_expr(self.expression).alias(WEIGHT)).to_series()
        except PolarsError as error:
            message = f"annotate.weight: expression ({self.expression}): {error}"
            raise DatakitError(message) from error
        if not (found.dtype.is_numeric() or found.dtype == pl.Null):
            message = f"annotate.weight: expression ({self.expression}) gives {found.dtype}"
            raise DatakitError(f"{message}, not a number; CAST(... AS DOUBLE) reads a text as one")
        if len(found) != batch.height:
            found = found.new_from_index(0, batch.height)
        return found.cast(pl.Float64)


def _look_up(values: pl.Series, weights: Mapping[str, float], default: float) -> pl.Series:
    texts = values.cast(pl.String)
    found = texts.replace_strict(
        list(weights),
        [float(w) for w in weights.values()],
        default=default,
        return_dtype=pl.Float64,
    )
    return found.fill_null(default)
