"""Joining the records of a group to conversations."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from datakit.barriers import Reduced
from datakit.conversations.flat import flatten, nest_messages
from datakit.records import ADDRESS, ID, MESSAGE_FIELDS, MESSAGES, SOURCE, Table
from datakit.stages.format.merging_groups import CONVERSATIONS, OUTCOME, PLACE, RECORDS
from datakit.stages.format.merging_records import CLASS, NUMBERED, PART

MERGED_IDS, INTO, NEW_ID = "merged_ids", "into", "new_id"
NO_LIMIT = np.iinfo(np.int64).max // 2
SAID = tuple(name for name in MESSAGE_FIELDS if name != "train")
"""What two messages that are the same have in common: the mark of training may differ."""

Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, slots=True)
class Joining:
    """The most answers and characters of a joined conversation (None: any number); whether a
    record may go on where another ended, having repeated it.
    """

    turns: int | None
    max_chars: int | None
    continues: bool

    @property
    def limits(self) -> Numbers:
        """Both limits, for the kernel."""
        given = (self.turns, self.max_chars)
        return np.array([NO_LIMIT if most is None else most for most in given], dtype=np.int64)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Lines:
    """The messages of all records, and for each record where its own begin (and the last end),
    and how many of them are system prompts at the head.
    """

    flat: pl.DataFrame
    starts: Numbers
    heads: Numbers


def join_records(members: Table, kept: Table, how: Joining) -> Reduced:
    """The conversations made of records in the order of `members`; `kept` has their id and
    messages by address. Rows: for the first record of each its `messages`, `merged_ids` and
    `new_id`, for the others `into`, the id of the first, and `place`.
    """
    from datakit.kernels.filling import find_starts

    places = kept[ADDRESS].search_sorted(members["address"])
    records = kept.select(ID, SOURCE, MESSAGES)[places].with_columns(members["address"])
    lines = _lines_of(records[MESSAGES])
    breaks = members.select(_is_new(members)).to_series().to_numpy().copy()
    repeats = _repeats(lines, breaks) if how.continues else np.zeros_like(breaks)
    breaks |= ~repeats & ~_begins_with_user(lines)
    skipped = np.where(repeats, np.r_[0, np.diff(lines.starts)[:-1]], lines.heads)
    nothing = np.zeros_like(skipped)
    whole, added = _sizes(lines, nothing), _sizes(lines, skipped)
    starts = find_starts(breaks, whole, added, how.limits)
    skipped[starts] = 0
    return _rows_of(records, members, lines, starts=starts, skipped=skipped)


def _is_new(members: Table) -> pl.Expr:
    """Where another class begins, or another whole of parts with numbers."""
    changed = pl.any_horizontal(pl.col(name) != pl.col(name).shift(1) for name in CLASS)
    if PART in members.columns:
        changed |= (pl.col(PART) <= pl.col(PART).shift(1)).fill_null(False)
    return changed.fill_null(True)


def _lines_of(messages: pl.Series) -> _Lines:
    flat = flatten(messages)
    lengths = messages.list.len().fill_null(0).to_numpy().astype(np.int64)
    is_head = (pl.col("role") == "system").fill_null(False).cast(pl.Int64).cum_min().over("row")
    counted = flat.select("row", is_head.alias("heads")).group_by("row").agg(pl.sum("heads"))
    heads = np.zeros(len(messages), dtype=np.int64)
    heads[counted["row"].to_numpy()] = counted["heads"].to_numpy()
    return _Lines(flat=flat, starts=np.r_[0, np.cumsum(lengths)].astype(np.int64), heads=heads)


def _begins_with_user(lines: _Lines) -> Flags:
    """Whether the first message behind the system prompt is the user's; there always is one."""
    first = lines.flat["role"].gather(lines.starts[:-1] + lines.heads)
    return (first == "user").fill_null(False).to_numpy()


def _repeats(lines: _Lines, breaks: Flags) -> Flags:
    """Which records say all that the one before them says, and go on with somebody else than the
    assistant or a tool.
    """
    lengths = np.diff(lines.starts)
    before = np.r_[0, lengths[:-1]]
    asked = np.flatnonzero(~breaks & (lengths > before))
    goes_on = lines.flat["role"].gather(lines.starts[asked] + before[asked])
    asked = asked[~goes_on.is_in(["assistant", "tool"]).fill_null(False).to_numpy()]
    counts = before[asked]
    record = np.repeat(asked, counts)
    nth = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    said, again = (
        lines.flat.select(SAID)[at + nth] for at in (lines.starts[record - 1], lines.starts[record])
    )
    equal = np.ones(record.size, dtype=np.bool_)
    for name in SAID:
        equal &= said[name].eq_missing(again[name]).to_numpy()
    same = np.bincount(record, weights=equal, minlength=breaks.size)
    repeats = np.zeros_like(breaks)
    repeats[asked] = same[asked] == counts
    return repeats


def _sizes(lines: _Lines, skipped: Numbers) -> tuple[Numbers, Numbers]:
    """Answers and characters of each record behind its first `skipped` messages."""
    role = pl.col("role")
    goes_on = role.shift(-1).over("row").is_in(["assistant", "tool"]).fill_null(False)
    texts = [pl.col(name).fill_null("") for name in ("content", "reasoning", "tool_calls")]
    measured = lines.flat.select(
        ((role == "assistant") & ~goes_on).fill_null(False).cast(pl.Int64).alias("answers"),
        pl.sum_horizontal(text.str.len_chars().cast(pl.Int64) for text in texts).alias("chars"),
    )
    found = []
    for name in ("answers", "chars"):
        sums = np.r_[0, np.cumsum(measured[name].to_numpy())].astype(np.int64)
        found.append(sums[lines.starts[1:]] - sums[lines.starts[:-1] + skipped])
    return found[0], found[1]


def _rows_of(
    records: Table, members: Table, lines: _Lines, *, starts: Flags, skipped: Numbers
) -> Reduced:
    made = pl.Series("made", np.cumsum(starts) - 1, dtype=pl.UInt32)
    row = lines.flat["row"]
    stays = pl.Series(skipped)[row] < lines.flat["message"]
    flat = lines.flat.filter(stays).with_columns(made[row.filter(stays)].alias("row"))
    messages = nest_messages(flat, int(starts.sum()))
    listed = records.select(ID, SOURCE, "address").hstack([made, members["size"]])
    whole = listed.group_by("made", maintain_order=True).agg(
        pl.col(ID).alias(MERGED_IDS), pl.first(ID, SOURCE, "address", "size"), pl.len()
    )
    whole = whole.with_columns(messages, _new_id(whole, has_parts=PART in members.columns))
    summary = _summarise(whole)
    whole = whole.filter(pl.col("len") > 1)
    into = pl.coalesce(NEW_ID, ID).alias(INTO)
    others = listed.filter(pl.Series(~starts)).join(
        whole.select("made", into), on="made", how="left", maintain_order="left"
    )
    place = pl.int_range(2, pl.len() + 2, dtype=pl.UInt32).over("made").alias(PLACE)
    rows = pl.concat(
        [
            whole.select("address", MESSAGES, MERGED_IDS, NEW_ID),
            others.select("address", INTO, place),
        ],
        how="diagonal",
    )
    return Reduced(rows.rename({"address": ADDRESS}), summary)


def _new_id(whole: Table, *, has_parts: bool) -> pl.Series:
    """The id that the parts of a conversation had before it was parted, if they all are here."""
    is_whole = (pl.col("len") > 1) & (pl.col("len") == pl.col("size")) & pl.lit(has_parts)
    plain = pl.col(ID).str.extract(NUMBERED, 1)
    return whole.select(pl.when(is_whole).then(plain).alias(NEW_ID)).to_series()


def _summarise(whole: Table) -> Table:
    """Records of each source that were joined, and those that could not be."""
    joined = pl.col("len") > 1
    outcome = pl.when(joined).then(pl.lit("joined")).otherwise(pl.lit("alone"))
    return whole.group_by(SOURCE, outcome.alias(OUTCOME)).agg(
        pl.sum("len").cast(pl.Int64).alias(RECORDS),
        joined.sum().cast(pl.Int64).alias(CONVERSATIONS),
    )
