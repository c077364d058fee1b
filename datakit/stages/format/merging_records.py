"""What `format.merge_turns` must know of each record before it can join any."""

import polars as pl

from datakit.conversations.judged import judgements
from datakit.errors import DatakitError
from datakit.records import (
    ADDRESS,
    ID,
    MESSAGES,
    REJECTED,
    SOURCE,
    TOOLS,
    WEIGHT,
    Batch,
    Table,
    hash_strings,
)

CLASS = ("class_a", "class_b")
"""Two hashes of what records must have in common to be joined."""
PART = "part"
NUMBERED = r"^(?s)(.*)#(\d{1,9})$"
ROLE_LETTERS = {"system": "s", "user": "u", "assistant": "a", "tool": "t"}
_NONE, _END = "\x00", "\x1f"


def deal_records(batch: Batch, *, by: str, order_by: str, salt: str) -> Table:
    """One row a record: its address, its class, the columns that order it in its class (`draw`,
    where `salt` is given, or `number`, `exact` and `label`), the number in its id (`part`, where
    `by` is the id), `bytes`, and in `why` what keeps it from being joined, null where nothing does.
    """
    roles = _roles_of(batch[MESSAGES])
    values = _values_of(batch, by)
    hashed = batch.select(_common(batch, values, roles).alias("common")).to_series()
    size = pl.col(MESSAGES).list.eval(
        pl.element().struct.field("content").fill_null("").str.len_bytes().cast(pl.Int64) + 64
    )
    return batch.select(
        pl.col(ADDRESS).alias("address"),
        *(hash_strings(hashed, seed=seed).alias(name) for seed, name in enumerate(CLASS)),
        *_order_of(batch, by=by, order_by=order_by, salt=salt),
        size.list.sum().fill_null(0).alias("bytes"),
        _obstacle(batch, values, roles, at_random=bool(salt)).alias("why"),
    )


def _roles_of(messages: pl.Series) -> pl.Series:
    """One letter a message; null for none."""
    role = pl.element().struct.field("role")
    letters = role.replace_strict(ROLE_LETTERS, default="?", return_dtype=pl.String)
    return messages.to_frame().select(pl.col(MESSAGES).list.eval(letters).list.join("")).to_series()


def _values_of(batch: Batch, by: str) -> pl.Series:
    """What each record shares with others."""
    if by == ID:
        return batch[ID].str.extract(NUMBERED, 1).fill_null(batch[ID])
    if not by:
        return pl.Series([""], dtype=pl.String).new_from_index(0, batch.height)
    return _plain(batch, by).cast(pl.String)


def _plain(batch: Batch, name: str) -> pl.Series:
    values = batch[name]
    if values.dtype.is_nested():
        message = f"format.merge_turns: the column {name!r} holds {values.dtype}"
        raise DatakitError(f"{message}; it must hold a text, number or flag")
    return values


def _common(batch: Batch, values: pl.Series, roles: pl.Series) -> pl.Expr:
    """The text of all that joined records have in common."""
    heads = pl.lit(roles.str.extract("^(s*)", 1).str.len_bytes().fill_null(0))
    contents = pl.element().struct.field("content").fill_null(_NONE)
    system = pl.col(MESSAGES).list.head(heads).list.eval(contents).list.join(_END)
    named = [name for name in (TOOLS, WEIGHT, "split") if name in batch.columns]
    columns = [pl.col(name).cast(pl.String).fill_null(_NONE) for name in named]
    parts = [pl.col(SOURCE), pl.lit(values).fill_null(_NONE), *columns, system.fill_null(_NONE)]
    return pl.concat_str(parts, separator="\x1e")


def _order_of(batch: Batch, *, by: str, order_by: str, salt: str) -> list[pl.Series]:
    found = []
    if by == ID:
        found.append(batch[ID].str.extract(NUMBERED, 2).cast(pl.UInt32).alias(PART))
    if salt:
        found.append(_draw(batch[ID], salt))
    if not order_by:
        return found
    values = _plain(batch, order_by)
    if values.dtype.is_temporal():
        values = values.to_physical()
    # Whole numbers above 2 ** 53 that one float stands for are parted by `exact`. Fields of the
    # input are texts: those that are numbers are ordered as such.
    is_float = values.dtype.is_float()
    exact = values.cast(pl.Int64, strict=False)
    found += [
        values.cast(pl.Float64, strict=False).alias("number"),
        (exact.clear(len(values)) if is_float else exact).alias("exact"),
        values.cast(pl.String).alias("label"),
    ]
    return found


def _draw(ids: pl.Series, salt: str) -> pl.Series:
    seed = hash_strings(pl.Series([salt], dtype=pl.String))[0]
    return hash_strings(ids, seed=seed).alias("draw")


def _obstacle(batch: Batch, values: pl.Series, roles: pl.Series, *, at_random: bool) -> pl.Expr:
    letters = pl.lit(roles)
    faults = [("document", letters.fill_null("") == "")]
    if REJECTED in batch.columns:
        faults.append(("preference", pl.col(REJECTED).is_not_null()))
    faults.append(("feedback", pl.lit(judgements(batch).is_not_null())))
    faults.append(("no_value", pl.lit(values).is_null()))
    calls = pl.col(MESSAGES).list.last().struct.field("tool_calls").fill_null("") != ""
    faults.append(("last_not_assistant", ~letters.str.ends_with("a") | calls))
    if at_random:
        faults.append(("first_not_user", ~letters.str.contains("^s*u")))
    why = pl.lit(None, dtype=pl.String)
    for name, fails in reversed(faults):
        why = pl.when(fails).then(pl.lit(name)).otherwise(why)
    return why
