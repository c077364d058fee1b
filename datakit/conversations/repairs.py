"""Repairs of conversations in flat form (`flat.py`): what makes valid ones of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any, Self

import polars as pl

Step = tuple[str, Callable[[pl.DataFrame], pl.DataFrame]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Repairs:
    """What may be changed in a conversation to make it a valid one; `merge_with` is put between
    messages that become one.
    """

    drop_empty: bool = False
    gather_system: bool = False
    drop_repeated: bool = False
    merge_same_role: bool = False
    merge_with: str = "\n"
    drop_leading_assistant: bool = False
    drop_trailing_user: bool = False

    @classmethod
    def named_in(cls, settings: Any) -> Self:
        """The repairs that a stage's settings of the same names ask for."""
        return cls(**{field.name: getattr(settings, field.name) for field in fields(cls)})

    def steps(self) -> Iterator[Step]:
        """The repairs that are wanted, with their names, in the order of the fields."""
        merge_with = self.merge_with
        if self.drop_empty:
            yield "drop_empty", drop_empty
        if self.gather_system:
            yield "gather_system", lambda flat: gather_system(flat, merge_with)
        if self.drop_repeated:
            yield "drop_repeated", drop_repeated
        if self.merge_same_role:
            yield "merge_same_role", lambda flat: merge_same_role(flat, merge_with)
        if self.drop_leading_assistant:
            yield "drop_leading_assistant", drop_leading_assistant
        if self.drop_trailing_user:
            yield "drop_trailing_user", drop_trailing_user


def drop_empty(flat: pl.DataFrame) -> pl.DataFrame:
    """Without the messages that say nothing and call no tool; tools' results stay."""
    is_blank = pl.col("content").fill_null("").str.strip_chars() == ""
    calls = pl.col("tool_calls").fill_null("") != ""
    return flat.filter(~is_blank | calls | (pl.col("role") == "tool").fill_null(False))


def gather_system(flat: pl.DataFrame, merge_with: str) -> pl.DataFrame:
    """System messages of a conversation as one, at its beginning."""
    is_system = (pl.col("role") == "system").fill_null(False)
    flat = flat.with_columns(is_system.alias("_system"))
    flat = flat.sort("row", ~pl.col("_system"), maintain_order=True)
    first = pl.col("_system") & (pl.col("row") != pl.col("row").shift(1)).fill_null(True)
    contents = pl.col("content").filter("_system").str.join(merge_with).over("row")
    flat = flat.with_columns(pl.when(first).then(contents).otherwise("content").alias("content"))
    return flat.filter(first | ~pl.col("_system")).drop("_system")


def drop_repeated(flat: pl.DataFrame) -> pl.DataFrame:
    """Without messages that only repeat the one before, of the same role."""
    return flat.filter(~_follows(pl.col("role"), pl.col("content"), pl.col("tool_calls")))


def drop_leading_assistant(flat: pl.DataFrame) -> pl.DataFrame:
    """Without what the assistant says before the first question."""
    place, role = pl.col("message"), pl.col("role")
    first = place.filter(role == "user").min().over("row")
    return flat.filter(((role != "assistant") | (place > first)).fill_null(True))


def drop_trailing_user(flat: pl.DataFrame) -> pl.DataFrame:
    """Without the user's messages after the last answer."""
    place, role = pl.col("message"), pl.col("role")
    last = place.filter(role == "assistant").max().over("row")
    return flat.filter(((role != "user") | (place < last)).fill_null(True))


def merge_same_role(flat: pl.DataFrame, merge_with: str) -> pl.DataFrame:
    """Successive messages of the user, or of the assistant, as one. Tool calls, empty messages,
    and what is to be trained in another way or was thought before it stay apart.
    """
    plain = pl.col("role").is_in(["user", "assistant"]) & pl.col("tool_calls").is_null()
    plain &= (pl.col("content") != "").fill_null(False)
    same = _follows(*(pl.col(name) for name in ("role", "train", "weight", "name")))
    same &= plain & plain.shift(1) & pl.col("reasoning").is_null()
    flat = flat.with_columns(same.fill_null(False).alias("follows"))
    if not flat["follows"].any():
        return flat.drop("follows")
    shared = pl.col("follows") | pl.col("follows").shift(-1, fill_value=False)
    flat = flat.with_columns(shared.alias("shared"))
    joined = (
        flat.filter("shared")
        .group_by((~pl.col("follows")).cum_sum().alias("group"), maintain_order=True)
        .agg(pl.col("content").str.join(merge_with))
    )["content"]
    kept = flat.filter(~pl.col("follows"))
    place = kept.select(pl.when("shared").then(pl.col("shared").cum_sum() - 1)).to_series()
    whole = pl.when("shared").then(joined.gather(place).alias("content")).otherwise("content")
    return kept.with_columns(whole).drop("follows", "shared")


def _follows(*fields: pl.Expr) -> pl.Expr:
    """Whether a message has the same values in these fields as the one before it."""
    same = pl.col("row") == pl.col("row").shift(1)
    for field in fields:
        same &= field.eq_missing(field.shift(1))
    return same.fill_null(False)
