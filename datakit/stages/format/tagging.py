"""Sequences with tags (named entities) become instructions: which entities are there?"""

import dataclasses
from dataclasses import dataclass
from typing import ClassVar, Literal

import orjson
import polars as pl

from datakit.conversations.flat import nest_messages
from datakit.errors import SettingsError
from datakit.records import MESSAGES, TEXT, Batch, Columns
from datakit.stages.format.tag_spans import join_tokens, read_pairs, spans_of
from datakit.stages.format.turns import in_order, says, set_conversations
from datakit.stages.format.wordings import check_template, fill

WORDINGS = {
    "zh": "请找出下面文本中的实体，每行写一个，格式为“类型：实体”。可选的类型：{types}。\n\n{text}",
    "en": "Find the entities in the following text. Write one a line, as `type: entity`. "
    "Types: {types}.\n\n{text}",
}
NOTHING = {"zh": "没有找到实体。", "en": "No entities found."}


@dataclass(frozen=True, kw_only=True, slots=True)
class TaggingFormat:
    """Turn sequences with tags (BIO, BIOES, BMES) into `messages`: a text and its entities.

    `field` names a column with lines of a token and its tag (CoNLL's form, one sentence a
    record: read the file with `split = "blank_lines"`), separated by a tab or blanks; or `tokens`
    and `tags` name two columns, each a JSON list or a text with blanks between. A tag is `O` or a
    prefix and a type (`B-DRUG`, `I-DRUG`).

    `types` gives the types their names, `{ DRUG = "药物" }`; a type that is not named there is
    refused; without it, types stay as they are and the question cannot list them. The answer has
    one line an entity (`药物：阿司匹林`), in the order of the text, or is JSON with `answer =
    "json"` (`[{"type": …, "entity": …}]`). `wording` is `zh`, `en`, or `auto` by the text's
    script; `template` is your own, with `{text}` and maybe `{types}`. Tokens are joined without
    blanks between Han characters.

    Reasons: `missing_tokens` (an empty list, too), `malformed_tags` (as many tags as tokens there
    are not, or a tag of another form), `unknown_type`.
    """

    adds: ClassVar[Columns] = frozenset({MESSAGES})

    field: str = "text"
    tokens: str = ""
    tags: str = ""
    types: dict[str, str] = dataclasses.field(default_factory=dict)
    answer: Literal["lines", "json"] = "lines"
    wording: Literal["auto", "zh", "en"] = "auto"
    template: str = ""

    def __post_init__(self) -> None:
        if bool(self.tokens) != bool(self.tags):
            raise SettingsError("tags", "name both columns, `tokens` and `tags`, or none")
        if not self.tokens and not self.field:
            raise SettingsError("field", "name the column with tokens and tags")
        if self.template:
            allowed = ("text", "types") if self.types else ("text",)
            check_template(self.template, "template", needed="text", allowed=allowed)

    @property
    def needs(self) -> Columns:
        """The columns named in the settings."""
        return frozenset({self.tokens, self.tags} if self.tokens else {self.field})

    @property
    def drops(self) -> Columns:
        """The columns that the messages stand in for."""
        return self.needs | {TEXT}

    def map(self, batch: Batch) -> Batch:
        """The batch with `messages`; rows that cannot be converted have a reason."""
        columns = [batch[name].cast(pl.String) for name in self._columns()]
        read = [self._read(*values) for values in zip(*columns, strict=True)]
        parts = pl.DataFrame(
            read,
            schema=dict.fromkeys(("text", "answer", "reason", "values"), pl.String),
            orient="row",
        ).with_row_index("row")
        parts = parts.with_columns(self._question().alias("question"))
        flat = in_order(
            [
                says(parts, place=1, role="user", content="question"),
                says(parts, place=2, role="assistant", content="answer"),
            ]
        )
        kept = batch.drop(self.drops, strict=False)
        messages = nest_messages(flat, batch.height)
        return set_conversations(kept, messages, parts, raw=columns[0])

    def _columns(self) -> list[str]:
        return [self.tokens, self.tags] if self.tokens else [self.field]

    def _read(self, *values: str | None) -> tuple[str | None, ...]:
        """Text, answer, reason and values of one record."""
        if not (values[0] or "").strip():
            return None, None, "missing_tokens", None
        try:
            tokens, tags = read_pairs(*values)
            text, starts = join_tokens(tokens)
            spans = spans_of(tags)
        except ValueError as error:
            return None, None, "malformed_tags", orjson.dumps({"error": str(error)}).decode()
        if not text.strip():
            return None, None, "missing_tokens", None
        found = []
        for kind, first, last in spans:
            if self.types and kind not in self.types:
                return None, None, "unknown_type", orjson.dumps({"type": kind}).decode()
            entity = text[starts[first] : starts[last] + len(tokens[last])]
            found.append((self.types.get(kind, kind), entity))
        return text, self._answer(found, text), None, None

    def _answer(self, found: list[tuple[str, str]], text: str) -> str:
        if self.answer == "json":
            return orjson.dumps([{"type": kind, "entity": e} for kind, e in found]).decode()
        wording = self._wording_of(text)
        colon = "：" if wording == "zh" else ": "
        return "\n".join(f"{kind}{colon}{entity}" for kind, entity in found) or NOTHING[wording]

    def _wording_of(self, text: str) -> str:
        if self.wording != "auto":
            return self.wording
        return "zh" if any("\u4e00" <= character <= "\u9fff" for character in text) else "en"

    def _question(self) -> pl.Expr:
        listed = "、".join(dict.fromkeys(self.types.values()))
        values = {"text": pl.col("text"), "types": pl.lit(listed)}
        if self.template:
            return fill(self.template, values)
        worded = {name: fill(self._shown(text), values) for name, text in WORDINGS.items()}
        if self.wording != "auto":
            return worded[self.wording]
        is_han = pl.col("text").str.contains("[\u4e00-\u9fff]")
        return pl.when(is_han).then(worded["zh"]).otherwise(worded["en"])

    def _shown(self, template: str) -> str:
        if self.types:
            return template
        return template.replace("可选的类型：{types}。", "").replace(" Types: {types}.", "")
