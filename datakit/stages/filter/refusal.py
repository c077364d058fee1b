"""Keep conversations in which nobody says to be a language model, or refuses."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, ClassVar, NamedTuple

import polars as pl
from polars.exceptions import ComputeError

from datakit.conversations.roles import check_roles
from datakit.errors import SettingsError, did_you_mean
from datakit.records import CONTENT, MESSAGES, TEXT, Batch, Columns, Table

SHOWN_CHARS = 80


class Rule(NamedTuple):
    """A reason, the pattern that gives it, how many characters of a text it sees (0: all), and
    the strings of which a text that matches has one (none: not known).
    """

    name: str
    pattern: str
    within: int = 0
    hints: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusalFilter:
    """Keep conversations without what a language model says of itself: its kind, its name and
    maker, the date its knowledge ends, and that it will not answer. Chinese and English.

    `rules` chooses among the reasons (all by default, in this order):

    - `vendor_name`: 我是ChatGPT, 由百度开发的, "trained by OpenAI";
    - `self_identification`: 作为一个人工智能语言模型, "as an AI language model, I";
    - `knowledge_cutoff`: 我的知识截止到2021年, "my knowledge cutoff";
    - `refusal`: an answer that begins with 抱歉，我无法回答, "I'm sorry, but I can't help".

    Advice that belongs in a medical answer is none of it: 请及时就医, 建议咨询医生,
    线上不能代替面诊, "please consult your doctor", "no substitute for professional advice".
    A sentence about language models in the third person stays as well.

    `roles`, at least one, are those whose messages are judged; a document's `text` is judged whole,
    which rejects pages that quote such answers. `extra` adds patterns of one's own (regular
    expressions of Rust, without look-around) under the reasons that are its keys:

        [stage.extra]
        our_old_bot = ["小安助手", "XiaoAn"]

    The patterns stand in the file `refusal.toml` beside this stage.

    Reasons: the names of the rules. Values: what matched, the role, the number of the message.
    """

    needs: ClassVar[Columns] = frozenset({CONTENT})
    adds: ClassVar[Columns] = frozenset()

    roles: tuple[str, ...] = ("assistant",)
    rules: tuple[str, ...] | None = None
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_roles(self.roles, at_least_one=True)
        names = [rule.name for rule in read_rules()]
        for name in self.rules or ():
            if name not in names:
                raise SettingsError("rules", f"unknown rule {name!r}", did_you_mean(name, names))
        if not self._rules():
            raise SettingsError("rules", "there is no rule", f"known: {', '.join(names)}")
        for name, patterns in self.extra.items():
            for pattern in patterns:
                _check_pattern(name, pattern)

    def reject(self, batch: Batch) -> Table:
        """`reason`, `matched`, `role` and `message` (from 1)."""
        found = [self._judge(_texts_of(batch))]
        if MESSAGES in batch.columns:
            found.append(self._judge(_messages_of(batch, self.roles)))
        first = pl.concat(found).unique("row", keep="first", maintain_order=True)
        rows = pl.DataFrame({"row": range(batch.height)}, {"row": pl.UInt32})
        return rows.join(first, on="row", how="left", maintain_order="left").drop("row")

    def _judge(self, texts: Table) -> Table:
        """Of texts (row, role, message, text), those that a rule matches."""
        rules = self._rules()
        # Most texts are done with after the first of these two steps, nearly all after the second.
        hits = pl.concat(
            texts.filter(_has_hint(rule)).filter(_cut(rule).str.contains(rule.pattern))
            for rule in rules
        )
        hinted = hits.unique(["row", "message"], keep="first").sort("row", "message")
        advice = "|".join(f"(?:{pattern})" for pattern in _read()["keep"])
        judged = hinted.with_columns(pl.col("text").str.replace_all(advice, "。"))
        judged = judged.with_columns(
            _cut(rule).str.extract(f"({rule.pattern})").alias(rule.name) for rule in rules
        )
        names = [rule.name for rule in rules]
        reason = pl.coalesce([pl.when(pl.col(n).is_not_null()).then(pl.lit(n)) for n in names])
        shown = pl.coalesce(names).str.head(SHOWN_CHARS).alias("matched")
        found = judged.select("row", reason.alias("reason"), shown, "role", "message")
        return found.drop_nulls("reason")

    def _rules(self) -> list[Rule]:
        own = [Rule(name, "|".join(each)) for name, each in self.extra.items() if each]
        known = [r for r in read_rules() if self.rules is None or r.name in self.rules]
        return [*own, *(rule for rule in known if rule.name not in self.extra)]


@cache
def _read() -> dict[str, Any]:
    path = files("datakit.stages.filter") / "refusal.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


@cache
def read_rules() -> list[Rule]:
    """The rules of `refusal.toml`, their patterns joined, names put in."""
    content, rules = _read(), []
    for rule in content["rule"]:
        pattern = "|".join(f"(?:{each})" for each in rule["patterns"])
        for name, words in content["names"].items():
            pattern = pattern.replace(f"{{{name}}}", words)
        rules.append(Rule(rule["name"], pattern, rule["within"], tuple(rule["hints"])))
    return rules


def _has_hint(rule: Rule) -> pl.Expr:
    return pl.col("text").str.contains_any(list(rule.hints)) if rule.hints else pl.lit(True)


def _cut(rule: Rule) -> pl.Expr:
    return pl.col("text").str.head(rule.within) if rule.within else pl.col("text")


def _texts_of(batch: Batch) -> Table:
    """The documents of a batch."""
    texts = batch[TEXT] if TEXT in batch.columns else pl.Series([None] * batch.height)
    rows = pl.DataFrame({"text": texts.cast(pl.String)}).with_row_index("row").drop_nulls("text")
    none = (
        pl.lit(None, dtype=pl.String).alias("role"),
        pl.lit(None, dtype=pl.UInt32).alias("message"),
    )
    return rows.select("row", *none, "text")


def _messages_of(batch: Batch, roles: tuple[str, ...]) -> Table:
    """The messages of some roles, each with its record's row and its number from 1."""
    lists = batch.select(MESSAGES).with_row_index("row")
    lists = lists.filter(pl.col(MESSAGES).list.len() > 0)
    numbers = pl.int_ranges(1, pl.col(MESSAGES).list.len() + 1, dtype=pl.UInt32).alias("message")
    flat = lists.with_columns(numbers).explode(MESSAGES, "message").unnest(MESSAGES)
    chosen = flat.filter(pl.col("role").is_in(list(roles)) & pl.col("content").is_not_null())
    return chosen.select("row", "role", "message", pl.col("content").alias("text"))


def _check_pattern(name: str, pattern: str) -> None:
    try:
        pl.Series(["-"]).str.contains(pattern)
    except ComputeError as error:
        lines = str(error).splitlines()
        told = [line for line in lines if line.startswith("error: ")]
        why = told[0].removeprefix("error: ") if told else lines[0]
        message = f"{name}: {pattern!r} is no regular expression: {why}"
        raise SettingsError("extra", message) from error
