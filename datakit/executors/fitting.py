"""Thresholds from a reference corpus: each rule of a preset at a quantile of its signal.

The method is FineWeb2's for Gopher's quality rules (Penedo et al. 2025, arXiv 2506.20920: quantiles
on Wikipedia of each language), applied to all rules of any preset.
"""

import math
import operator
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from datakit.errors import UsageError
from datakit.executors.reading import list_shards, read_shard
from datakit.presets.load import Preset, Rule
from datakit.presets.write import preset_toml
from datakit.records import ID, TEXT, Table, hash_strings, joined_content
from datakit.signals import columns_named, measure
from datakit.stage import Source

SHARD_BYTES = 64 << 20
DIGITS = 3
"""Thresholds have so many significant digits, rounded so that no more records fail."""
LOWER = ("min", "above")
TESTS = {"min": operator.lt, "max": operator.gt, "above": operator.le, "below": operator.ge}
"""When a value fails a bound."""
_RANK = "_rank"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fitting:
    """What thresholds are fitted to: the preset whose rules are taken, the share of the reference
    that each rule may reject, how many records are measured, and the seed that chooses them.
    """

    like: Preset
    tail: float
    sample: int
    seed: int


@dataclass(frozen=True, slots=True)
class Fitted:
    """A preset with fitted thresholds, from how many records, and the share of these that at least
    one of its rules rejects.
    """

    preset: Preset
    records: int
    rejected: float

    def toml(self) -> str:
        """The text of the preset's file."""
        return preset_toml(self.preset)


def fit_preset(sources: Sequence[Source], fitting: Fitting) -> Fitted:
    """Measure records of the sources, chosen by a hash of their ids, and set the thresholds.

    Memory holds the signals of twice `sample` records, whatever the size of the sources.

    Raises:
        UsageError: a source has no record with any text.
    """
    rules = fitting.like.rules
    named = {name for rule in rules for name in columns_named(rule.signal, rule.when)}
    counts: Counter[str] = Counter({source.name: 0 for source in sources})
    batches = (batch for source in sources for batch in _read(source, counts))
    measured = _draw(batches, sorted(named), fitting)
    if empty := [name for name, count in counts.items() if not count]:
        hint = "name the field with `--text`, or the stage that makes a text of the records"
        raise UsageError(f"no record of {', '.join(empty)} has a text to measure; {hint}")
    fitted = tuple(_fit(rule, measured, fitting.tail) for rule in rules)
    fails = measured.select(pl.any_horizontal([_fails(rule) for rule in fitted])).to_series()
    rejected = float(fails.sum()) / measured.height
    names = ", ".join(source.name for source in sources)
    notes = (
        f"Each rule rejects at most {fitting.tail:g} of {measured.height:,} records of {names}.",
        f"All rules together reject {rejected:.4f} of them.",
        "A rule whose signal varies in that tail only, or not at all, keeps its threshold if met.",
    )
    preset = fitting.like._replace(
        title=f"{fitting.like.name} fitted to {names}",
        source=f"datakit fit; rules of {fitting.like.name} ({fitting.like.source})",
        check="M",
        notes=notes,
        rules=tuple(rule._replace(source="", check="", note="") for rule in fitted),
    )
    named_source = [r._replace(source=preset.source, check=preset.check) for r in preset.rules]
    return Fitted(preset._replace(rules=tuple(named_source)), measured.height, rejected)


def _read(source: Source, counts: Counter[str]) -> Iterator[Table]:
    """Ids and texts of the records that have one; `counts` has how many there were."""
    for shard in list_shards(source, SHARD_BYTES):
        for batch in read_shard(source, shard):
            texts = batch.select(ID, joined_content(batch).alias(TEXT))
            kept = texts.filter(pl.col(TEXT).str.strip_chars() != "")
            counts[source.name] += kept.height
            yield kept


def _draw(batches: Iterable[Table], names: Sequence[str], fitting: Fitting) -> Table:
    """The signals of the records whose ids have the least hashes, at most `sample` of them."""
    kept: list[Table] = []
    held, bound = 0, None
    for batch in batches:
        ranks = hash_strings(batch[ID], seed=fitting.seed)
        if bound is not None:
            batch, ranks = batch.filter(ranks < bound), ranks.filter(ranks < bound)
        kept.append(measure(batch[TEXT], names).with_columns(ranks.alias(_RANK)))
        held += batch.height
        if held > 2 * fitting.sample:
            kept = [pl.concat(kept).bottom_k(fitting.sample, by=_RANK)]
            held, bound = fitting.sample, kept[0][_RANK].max()
    return pl.concat(kept).bottom_k(fitting.sample, by=_RANK) if kept else pl.DataFrame()


def _fit(rule: Rule, measured: Table, tail: float) -> Rule:
    """The rule with the threshold that rejects at most `tail` of those it applies to."""
    where = pl.sql_expr(rule.when) if rule.when else pl.lit(value=True)
    values = measured.filter(where).select(pl.sql_expr(rule.signal).cast(pl.Float64)).to_series()
    ordered = np.sort(values.to_numpy())
    most = int(tail * ordered.size)
    is_lower = rule.bound in LOWER
    rest = ordered[most:] if is_lower else ordered[: ordered.size - most]
    if not rest.size:
        return rule
    outermost = float(rest[0] if is_lower else rest[-1])
    if rest[0] == rest[-1] and not TESTS[rule.bound](outermost, rule.threshold):
        return rule
    threshold = _rounded(outermost, down=is_lower)
    return rule._replace(bound="min" if is_lower else "max", threshold=threshold)


def _rounded(value: float, *, down: bool) -> float:
    if value == 0:
        return 0.0
    step = 10.0 ** (math.floor(math.log10(abs(value))) - DIGITS + 1)
    whole = math.floor(value / step) if down else math.ceil(value / step)
    return float(f"{whole * step:.12g}")


def _fails(rule: Rule) -> pl.Expr:
    where = pl.sql_expr(rule.when) if rule.when else pl.lit(value=True)
    fails: pl.Expr = TESTS[rule.bound](pl.sql_expr(rule.signal), rule.threshold)
    return fails & where
