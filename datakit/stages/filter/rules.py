"""Keep records that meet rules of one's own, written in SQL."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import polars as pl
from polars.exceptions import PolarsError

from datakit.errors import DatakitError, SettingsError
from datakit.expressions import check_rule, columns_of
from datakit.records import CONTENT, Batch, Columns, Table, joined_content

JOINED = "content"


@dataclass(frozen=True, kw_only=True, slots=True)
class RulesFilter:
    """Keep records that meet every rule: named conditions, written as Polars SQL expressions.

    `rules` is a table of reasons and what must be true of a record to stay:

        [stage.rules]
        advertisement = "content NOT LIKE '%加微信%'"
        low_score = "score >= 0.5 OR score IS NULL"

    A rule may name any column there is at that point, and `content`: the `text` of a document,
    or the contents of a conversation's messages joined by line ends. It sees one record at a
    time: sums and averages over records are refused. A record goes with the name of the first
    rule, in the order of the file, that it does not meet.

    `unknown`: what becomes of a record for which a rule is neither true nor false, as one of its
    columns is null: `"reject"`, as in an SQL WHERE, or `"keep"`.

    Reasons: the names of the rules. Values: the rule, and the columns it names (of texts the
    number of characters, as `<column>_chars`).
    """

    adds: ClassVar[Columns] = frozenset()
    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    rules: Mapping[str, str]
    unknown: Literal["reject", "keep"] = "reject"

    def __post_init__(self) -> None:
        if not self.rules:
            raise SettingsError("rules", "there is no rule", _EXAMPLE)
        for name, sql in self.rules.items():
            check_rule("rules", name, sql)
        if self.unknown not in ("reject", "keep"):
            raise SettingsError("unknown", f"{self.unknown!r} is none of 'reject', 'keep'")

    @property
    def needs(self) -> Columns:
        """The columns that the rules name."""
        named = {column for sql in self.rules.values() for column in columns_of(sql)}
        return frozenset(CONTENT if column == JOINED else column for column in named)

    def reject(self, batch: Batch) -> Table:
        """`reason`, `rule`, and the columns that the rule names."""
        if JOINED not in batch.columns:
            batch = batch.with_columns(joined_content(batch).alias(JOINED))
        verdicts = pl.DataFrame([self._fails(batch, *rule) for rule in self.rules.items()])
        reason = pl.coalesce([pl.when(pl.col(name)).then(pl.lit(name)) for name in self.rules])
        verdicts = verdicts.select(reason.alias("reason"))
        if verdicts["reason"].null_count() == batch.height:
            return verdicts
        rule = pl.col("reason").replace_strict(dict(self.rules), default=None)
        return verdicts.with_columns(rule.alias("rule"), *self._values(batch, verdicts["reason"]))

    def _fails(self, batch: Batch, name: str, sql: str) -> pl.Series:
        """Whether each record fails a rule; never null."""
        try:
            holds = batch.select(pl.sql_expr(sql).alias(name)).to_series()
        except PolarsError as error:
            raise DatakitError(f"filter.rules: rule {name!r} ({sql}): {error}") from error
        if holds.dtype not in (pl.Boolean, pl.Null):
            message = f"gives {holds.dtype}, not true or false"
            raise DatakitError(f"filter.rules: rule {name!r} ({sql}): {message}")
        if len(holds) != batch.height:
            holds = holds.new_from_index(0, batch.height)
        return ~holds.cast(pl.Boolean).fill_null(self.unknown == "keep")

    def _values(self, batch: Batch, reasons: pl.Series) -> list[pl.Series]:
        """What the failed rule's columns hold; null in rows that another rule rejects."""
        naming: dict[str, list[str]] = {}
        for name, sql in self.rules.items():
            for column in columns_of(sql):
                naming.setdefault(column, []).append(name)
        columns = []
        for column, names in naming.items():
            values = batch[column]
            if values.dtype == pl.String and column in _TEXTS:
                values = values.str.len_chars().alias(f"{column}_chars")
            elif column in ("reason", "rule"):
                values = values.alias(f"{column}_column")
            is_named = reasons.is_in(names).fill_null(False)
            columns.append(values.zip_with(is_named, values.clear(len(values))))
        return columns


_TEXTS = (JOINED, "text", "meta")
_EXAMPLE = "such as: [stage.rules] no_ads = \"content NOT LIKE '%加微信%'\""
