"""Part records into train, val and test at random, exactly."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from datakit.barriers import Decisions, Observation, Recall, Reduced
from datakit.errors import DatakitError, SettingsError
from datakit.records import (
    ADDRESS,
    PARTITION,
    SOURCE,
    Batch,
    Columns,
    Table,
    hash_strings,
    original_ids,
)
from datakit.stages.split.groups import (
    DEALT_SCHEMA,
    KEY,
    SIZE,
    SPLIT,
    STRATUM,
    collect_groups,
    count_strata,
    deal_groups,
)
from datakit.stages.split.quotas import Size, set_quotas

TRAIN, VAL, TEST = "train", "val", "test"
ALL = "all"

MOST_STRATA = 10_000
UPPER = 1 << 32


@dataclass(frozen=True, kw_only=True, slots=True)
class RandomSplit:
    """Part the records into train, val and test, by exact fractions or counts.

    `val` and `test` are a fraction (0.05: a twentieth of all records, rounded) or a whole number
    of records (500); 0 leaves the split out. The rest is train. Who goes where is decided by a
    hash of seed and id, so a record's side does not hang on the order of the input.

    `stratify` names columns (`["source", "lang"]`): each combination of their values gives to each
    split in proportion, by largest remainder; the totals stay exact.

    `group_by` names one column or several: records with the same values in them (a patient, a
    session, a page) go to the same side, records with null in all of them each for itself. Whole
    groups meet the sizes as near as they can: a split takes groups until it is nearest to its
    size, and passes over those that are more than twice as large; the report shows target and
    achieved. A group belongs to the stratum of its first record. Copies and parts that stages of
    this pipeline made of a record (`x#2`) and records of one source with the same id always stay
    together. Ids that end in such a number in the input (`issues#2`) are those of different
    records; if an earlier run made them, so that they are copies, name a column in `group_by`.

    The same question with another answer is another record: where such must not stand in train and
    test, put `select.per_prompt` or `dedup.exact` with `on = "prompt"` before.

    Adds the column `split`; rejects nothing. The report counts target and achieved by stratum, with
    an alarm for a split that was asked for and got no records: of a few records a fraction may be
    less than one, and a few large groups may all be too large. Its folder is then not written.
    """

    adds: ClassVar[Columns] = frozenset({SPLIT})

    val: Size = 0.05
    test: Size = 0.05
    stratify: tuple[str, ...] = ()
    group_by: str | tuple[str, ...] = ()
    seed: int | None = None

    def __post_init__(self) -> None:
        for split, size in self._sizes.items():
            if size < 0:
                raise SettingsError(split, f"{size} is negative")
            if isinstance(size, float) and size >= 1:
                hint = "a fraction lies below 1; a count is written without a point"
                raise SettingsError(split, f"{size} is not a fraction", hint)
        fractions = [size for size in self._sizes.values() if isinstance(size, float)]
        if sum(fractions) >= 1:
            raise SettingsError(TEST, f"val = {self.val} and test = {self.test} leave no train")

    @property
    def needs(self) -> Columns:
        """The columns to stratify and to group by."""
        return frozenset(self.stratify) | frozenset(self._group_columns)

    def observe(self, batch: Batch, partitions: int) -> Observation:
        """The group and the stratum of each record."""
        key = hash_strings(self._groups(batch), seed=self._salt()).alias(KEY)
        # Partition order is key order: the upper bits of the key.
        partition = (pl.col(KEY) // UPPER * partitions // UPPER).cast(pl.UInt32).alias(PARTITION)
        stratum = pl.lit(ALL)
        if self.stratify:
            stratum = pl.struct(list(self.stratify)).struct.json_encode()
        rows = batch.select(ADDRESS, key, stratum.alias(STRATUM))
        return Observation(rows.with_columns(partition))

    def reduce(self, observed: Table) -> Reduced:
        """The partition's groups, in order of their hash."""
        return Reduced(collect_groups(observed))

    def resolve(self, rows: Iterator[Table], recall: Recall) -> Reduced:  # noqa: ARG002
        """The records of val and test; all others are train and need no row."""
        partitions = [table for table in rows if table.height]
        strata = count_strata(partitions)
        if strata.height > MOST_STRATA:
            raise DatakitError(
                f"split.random: stratify = {list(self.stratify)} gives {strata.height} strata "
                f"(at most {MOST_STRATA}); stratify by columns with few values"
            )
        quotas = set_quotas(dict(strata.iter_rows()), self._sizes, self._tie_order(strata[STRATUM]))
        dealt = pl.concat([pl.DataFrame(schema=DEALT_SCHEMA), *deal_groups(partitions, quotas)])
        account = _account(strata, quotas, dealt)
        smallest = min((int(table[SIZE].to_numpy().min()) for table in partitions), default=0)
        return Reduced(dealt.select(ADDRESS, SPLIT), self._ring(account, smallest))

    def decide(self, summaries: Iterable[Table]) -> Table:
        """Target and achieved by stratum and split."""
        tables = list(summaries)
        return pl.concat(tables) if tables else pl.DataFrame()

    def apply(self, batch: Batch, rows: Table, verdict: Table) -> Decisions:  # noqa: ARG002
        """Keep every record, with its split."""
        split = pl.col(SPLIT) if SPLIT in rows.columns else pl.lit(None, dtype=pl.String)
        decided = rows.select(
            split.fill_null(TRAIN).alias(SPLIT),
            pl.lit(1, dtype=pl.UInt32).alias("copies"),
            pl.lit(None, dtype=pl.String).alias("reason"),
        )
        columns = decided.select(SPLIT)
        return Decisions(decided["copies"], decided["reason"], columns=columns)

    def _ring(self, account: Table, smallest: int) -> Table:
        """The account, with an alarm in the first row of each split that was asked for and got no
        records; `smallest`: the records of the smallest group.
        """
        totals = account.group_by(SPLIT).agg(pl.sum("target", "achieved"))
        records = int(totals["achieved"].sum())
        empty = {
            split: _say_empty(split, (target, records), smallest)
            for split, target, achieved in totals.iter_rows()
            if not achieved and self._sizes.get(split, 1)
        }
        if not empty:
            return account
        alarm = pl.col(SPLIT).replace_strict(empty, default=None, return_dtype=pl.String)
        return account.with_columns(
            pl.when(pl.col(SPLIT).is_first_distinct()).then(alarm).alias("alarm")
        )

    @property
    def _sizes(self) -> dict[str, Size]:
        return {VAL: self.val, TEST: self.test}

    @property
    def _group_columns(self) -> tuple[str, ...]:
        return (self.group_by,) if isinstance(self.group_by, str) else tuple(self.group_by)

    def _groups(self, batch: Batch) -> pl.Series:
        group = pl.concat_str(pl.lit("id"), SOURCE, original_ids(batch), separator="\x1f")
        columns = list(self._group_columns)
        if columns:
            values = pl.concat_str(pl.lit("group"), pl.struct(columns).struct.json_encode())
            is_alone = pl.all_horizontal(pl.col(name).is_null() for name in columns)
            group = pl.when(is_alone).then(group).otherwise(values)
        return batch.select(group.alias(KEY)).to_series()

    def _salt(self) -> int:
        name = pl.Series([f"split.random:{self.seed or 0}"], dtype=pl.String)
        return int(hash_strings(name)[0])

    def _tie_order(self, strata: pl.Series) -> dict[str, dict[str, int]]:
        salts = {split: self._salt() + place for place, split in enumerate(self._sizes)}
        return {
            split: dict(zip(strata, hash_strings(strata, seed=salt % (1 << 64)), strict=True))
            for split, salt in salts.items()
        }


def _say_empty(split: str, sizes: tuple[int, int], smallest: int) -> str:
    """Why a split has no records; `sizes`: its target, and all records."""
    target, records = sizes
    if not target:
        return f"{split}: no records; its share of the {records:,} that there are is 0"
    why = f"no group that was left fits, the smallest of all holds {smallest:,}"
    return f"{split}: 0 of {target:,} records; {why}"


def _account(strata: Table, quotas: dict[str, dict[str, int]], dealt: Table) -> Table:
    counts = dealt.group_by(STRATUM, SPLIT).len()
    achieved = {(stratum, split): count for stratum, split, count in counts.iter_rows()}
    rows = []
    for stratum, records in strata.iter_rows():
        target = {split: quota[stratum] for split, quota in quotas.items()}
        got = {split: achieved.get((stratum, split), 0) for split in quotas}
        rows.append((stratum, TRAIN, records - sum(target.values()), records - sum(got.values())))
        rows += [(stratum, split, target[split], got[split]) for split in quotas]
    schema = {STRATUM: pl.String, SPLIT: pl.String, "target": pl.Int64, "achieved": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")
