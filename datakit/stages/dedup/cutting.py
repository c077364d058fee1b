"""What becomes of records that hold repeated parts: cut, rejected, or left whole."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from datakit.barriers import Decisions
from datakit.errors import SettingsError
from datakit.records import Batch, Table
from datakit.stages.dedup.part_texts import PartTexts, Places, put_texts

Spans: TypeAlias = tuple[Places, Places, Places]
"""Owners (numbers of texts), starts and stops, in order, without overlap."""

LETTERS_PER_HAN = 3
"""50 tokens are about 200 letters of English or 60 to 90 Han characters."""
Flags: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, slots=True)
class CutRules:
    """`parts`: what is removed, as a plural; `roles`: as in `take_texts`."""

    parts: str
    roles: tuple[str, ...]
    max_removed_share: float


def check_share(share: float) -> None:
    """Raise SettingsError unless a share lies in (0, 1]."""
    if not 0 < share <= 1:
        raise SettingsError("max_removed_share", f"{share} is not above 0 and at most 1")


def decide_cuts(
    batch: Batch, texts: PartTexts, spans: Spans, *, holders: Flags, rules: CutRules
) -> Decisions:
    """Cut `spans` out of the records that stay.

    A message that would lose all its text stays as it is. A record that would lose all, or more
    than `max_removed_share` of its characters that are no white space, is rejected; if it is one
    of `holders` (it holds what others lose) it stays whole.
    """
    owners, starts, stops, parts = join_parts(texts, spans)
    if not owners.size:
        return _keep_all(batch.height)
    rows = texts.rows[owners]
    cut, whole = _measure(texts, (owners, starts, stops))
    emptied = (cut.per_text == whole.per_text) & (np.arange(whole.per_text.size) >= texts.documents)
    lost = np.where(emptied, 0, cut.per_text)
    removed = _sum_by(texts.rows, lost, batch.height)
    total = _sum_by(texts.rows, whole.per_text, batch.height)
    share = removed / np.maximum(total, 1)
    gone = (removed > 0) & ((share > rules.max_removed_share) | (removed == total))
    rejected, spared = gone & ~holders, gone & holders
    active = ~emptied[owners] & ~gone[rows]
    measured = pl.DataFrame(
        {
            f"removed_{rules.parts}": _sum_by(rows, parts, batch.height),
            "removed_chars": removed,
            "chars": total,
            "removed_share": share.round(4),
            "max_removed_share": np.full(batch.height, rules.max_removed_share),
        }
    )
    edits = {
        "records edited": int(np.unique(rows[active]).size),
        f"{rules.parts} removed": int(parts[active].sum()),
        "characters removed": int(cut.per_span[active].sum()),
        "records left whole": int(spared.sum()),
    }
    return Decisions(
        copies=pl.Series((~rejected).astype(np.uint32)),
        reason=_name(rejected, f"repeated_{rules.parts}"),
        values=measured,
        columns=_rewrite(batch, texts, (owners[active], starts[active], stops[active]), rules),
        edits={what: number for what, number in edits.items() if number},
    )


def decide_some(
    batch: Batch, rows: Table, wanted: pl.Series, decide: Callable[[Batch, Table], Decisions]
) -> Decisions:
    """The decisions of `decide` on the records that are wanted; the others stay as they are."""
    if not wanted.any():
        return _keep_all(batch.height)
    if wanted.all():
        return decide(batch, rows)
    found = decide(batch.filter(wanted), rows.filter(wanted))
    place = (wanted.cum_sum() - 1).set(~wanted, None)
    # Strings are not copied by any of this.
    order = pl.int_range(batch.height, eager=True).zip_with(~wanted, place + batch.height)
    both = pl.concat([batch.select(found.columns.columns), found.columns])
    return replace(
        found,
        copies=found.copies.gather(place).fill_null(1),
        reason=found.reason.gather(place),
        values=found.values.select(pl.all().gather(place)),
        columns=both.select(pl.all().gather(order)) if both.width else both,
    )


@dataclass(frozen=True, slots=True)
class _Sizes:
    per_text: Places
    per_span: Places


def join_parts(texts: PartTexts, spans: Spans) -> tuple[Places, Places, Places, Places]:
    """The spans, neighbours joined to one, and how many went into each."""
    from datakit.kernels.cuts import join_spans

    owners, starts, stops = (np.array(part, dtype=np.int64) for part in spans)
    count = join_spans(texts.data, owners, starts, stops)
    into = np.searchsorted(starts[:count], spans[1], side="right") - 1
    parts = np.bincount(into, minlength=count)
    return owners[:count], starts[:count], stops[:count], parts


def _measure(texts: PartTexts, spans: Spans) -> tuple[_Sizes, _Sizes]:
    """Characters that are no white space: of the spans, and of all texts of records with spans."""
    from datakit.kernels.cuts import count_solid

    owners, starts, stops = spans
    count = texts.rows.size
    per_span = count_solid(texts.data, starts, stops)
    cut = _sum_by(owners, per_span, count)
    seen = np.flatnonzero(np.isin(texts.rows, texts.rows[owners]))
    whole = np.zeros(count, dtype=np.int64)
    whole[seen] = count_solid(texts.data, texts.offsets[:-1][seen], texts.offsets[1:][seen])
    return _Sizes(cut, per_span), _Sizes(whole, per_span)


def _sum_by(groups: Places, values: Places, count: int) -> Places:
    return np.bincount(groups, weights=values, minlength=count).astype(np.int64)


def _rewrite(batch: Batch, texts: PartTexts, spans: Spans, rules: CutRules) -> Table:
    from datakit.kernels.cuts import cut

    if not spans[0].size:
        return pl.DataFrame()
    return put_texts(batch, rules.roles, cut(texts.data, texts.offsets, spans))


def _name(rejected: Flags, reason: str) -> pl.Series:
    named = pl.when(pl.Series(rejected)).then(pl.lit(reason, dtype=pl.String))
    return pl.select(named.alias("reason")).to_series()


def _keep_all(height: int) -> Decisions:
    stays = pl.Series([1], dtype=pl.UInt32).new_from_index(0, height)
    return Decisions(stays, pl.Series([None], dtype=pl.String).new_from_index(0, height))
