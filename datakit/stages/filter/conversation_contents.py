"""What does not belong into a message: markers of speakers, special tokens, control characters,
the message before once more, an end that is none.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Protocol

import polars as pl

from datakit.conversations.tokens import said_in
from datakit.text.special_tokens import SPECIAL_TOKENS

MARKERS = (
    *("Human", "User", "Assistant", "ChatGPT", "GPT", "Bot", "AI"),
    *("用户", "人类", "助手", "助理", "机器人", "患者", "医生", "来访者", "咨询师", "心理咨询师"),
)
CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
# A text may end in a mark, a bracket, markup, a symbol or a digit; not in a letter or a comma.
BREAKS_OFF = r"[\p{L}\p{M},，、;；(（\[【《“‘]\s*$"
FENCE = "```"


class Checks(Protocol):
    """The settings that say which checks to make."""

    @property
    def equal_neighbours(self) -> bool:
        """Of a message and the one before."""
        ...

    @property
    def role_markers(self) -> bool:
        """Of lines that begin with a speaker."""
        ...

    @property
    def markers(self) -> list[str]:
        """The speakers."""
        ...

    @property
    def special_tokens(self) -> bool:
        """Of tokens of chat templates."""
        ...

    @property
    def control_characters(self) -> bool:
        """Of C0 controls."""
        ...

    @property
    def truncated_answers(self) -> bool:
        """Of the end of the last answer."""
        ...

    @property
    def truncated_chars(self) -> int:
        """From how many characters on an answer should end in a mark."""
        ...


def content_faults(flat: pl.DataFrame, checks: Checks) -> Iterator[pl.DataFrame]:
    """For each check that is wanted the messages at fault, the first of a row before others."""
    content = pl.col("content")
    if checks.equal_neighbours:
        same = (pl.col("row") == pl.col("row").shift(1)) & (content == content.shift(1))
        yield _found(flat, "equal_neighbours", same & (content != ""), content.str.head(40))
    if checks.role_markers:
        pattern = marker_pattern(checks.markers)
        spoken = pl.col("role").is_in(["user", "assistant"]) & content.str.contains(pattern)
        yield _found(flat, "role_marker", spoken, content.str.extract(pattern, 1))
    if checks.special_tokens:
        whole = flat.with_columns(said_in(flat).alias("said"))
        has_token = pl.col("said").str.contains_any(list(SPECIAL_TOKENS))
        tokens = pl.col("said").str.extract_many(list(SPECIAL_TOKENS)).list.first()
        yield _found(whole, "special_token", has_token, tokens)
    if checks.control_characters:
        code = content.str.extract(f"({CONTROL})", 1).str.encode("hex")
        yield _found(flat, "control_character", content.str.contains(CONTROL), code)
    if checks.truncated_answers:
        is_last = (pl.col("row") != pl.col("row").shift(-1)).fill_null(True)
        answer = is_last & (pl.col("role") == "assistant")
        yield _found(flat, "truncated_answer", answer & _is_cut(checks), content.str.tail(20))


def marker_pattern(markers: Sequence[str]) -> str:
    """A line that begins with one of the speakers and a colon."""
    names = "|".join(sorted((re.escape(m.strip()) for m in markers), key=len, reverse=True))
    return rf"(?im)^\s*((?:{names})[ \t]*[:：])"


def _is_cut(checks: Checks) -> pl.Expr:
    content = pl.col("content")
    breaks_off = content.str.tail(8).str.contains(BREAKS_OFF)
    is_long = content.str.len_chars() >= checks.truncated_chars
    is_open = content.str.count_matches(FENCE, literal=True) % 2 == 1
    return (is_long & breaks_off) | is_open


def _found(flat: pl.DataFrame, reason: str, applies: pl.Expr, found: pl.Expr) -> pl.DataFrame:
    return flat.filter(applies.fill_null(False)).select(
        "row",
        pl.lit(reason).alias("reason"),
        "message",
        "role",
        found.alias("found"),
        pl.lit(None, dtype=pl.Int64).alias("limit"),
    )
