"""Instructions, and questions with answers, become conversations of one turn."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import orjson
import polars as pl

from datakit.conversations.flat import nest_messages
from datakit.errors import SettingsError
from datakit.records import ID, MESSAGES, TEXT, TOOLS, Batch, Columns
from datakit.stages.format.decode import decode
from datakit.stages.format.nested import nested_faults
from datakit.stages.format.roles import KNOWN
from datakit.stages.format.tools import read_tools
from datakit.stages.format.turns import broken_too, in_order, says, set_conversations
from datakit.stages.format.wordings import WORDINGS, check_template, picks_of, word_prompts

NO_HISTORY = r"^\s*(?:\[\s*\]|null)?\s*$"
LAST = 1 << 30
"""Place of the question, after all earlier turns."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InstructFormat:
    """Turn instruction, input and output, or question and answer, into `messages`.

    `instruction`, `input` and `output` name the columns, for questions and answers e.g.
    `instruction = "question"` and `output = "answer"`. The column `input` may be absent unless it
    is given another name; `input = ""` means none. `history` names a column with earlier turns,
    the JSON text of `[[question, answer], ...]`; `system_field` one with the record's own system
    message; `system` is the system message of all others. These columns go, as does `text`.
    White space around the contents goes with `strip`. A column `tools` is read as by `format.chat`.

    `wording` says how instruction and input make the prompt: `plain` (input on a new line), `zh`
    and `en` (input under a heading), `zh_context` and `en_context` (input first, as a text that
    the instruction asks about), `alpaca` (the prompts of Stanford Alpaca). `template` is your own
    instead: a text, or a list of texts from which one is picked per record by a hash of `seed`
    and id. A template has the placeholder `{instruction}` and maybe `{input}`, and `{{` `}}` for
    braces. Templates with `{input}` are for records that have an input, the others for records
    that have none; where that leaves none, an input follows the instruction on a new line.
    A record without an instruction but with an input asks by its input.

    Reasons: `missing_instruction`, `missing_output` (null), `empty_instruction`, `empty_output`
    (nothing but white space), `bad_history` (no list of pairs of texts), `wrong_type` (a list or
    an object where a text belongs; values: the column), `broken_tools`.
    """

    adds: ClassVar[Columns] = frozenset({MESSAGES})

    instruction: str = "instruction"
    input: str = "input"
    output: str = "output"
    history: str = ""
    system: str = ""
    system_field: str = ""
    wording: Literal["plain", "zh", "en", "zh_context", "en_context", "alpaca"] = "plain"
    template: str | list[str] | None = None
    strip: bool = True
    seed: int | None = None

    def __post_init__(self) -> None:
        for key in ("instruction", "output"):
            if not getattr(self, key):
                raise SettingsError(key, "name a column")
        if self.template is not None and self.wording != "plain":
            raise SettingsError("wording", "give either a wording or a template of your own")
        if self.template is not None and not self.templates:
            raise SettingsError("template", "the list is empty")
        for template in self.templates:
            allowed = ("instruction", "input")
            check_template(template, "template", needed="instruction", allowed=allowed)

    @property
    def templates(self) -> tuple[str, ...]:
        """The templates in use."""
        if self.template is None:
            return WORDINGS[self.wording]
        return (self.template,) if isinstance(self.template, str) else tuple(self.template)

    @property
    def needs(self) -> Columns:
        """The columns named in the settings."""
        named = {self.instruction, self.output, self.history, self.system_field}
        return frozenset(named | ({self.input} - {"input"})) - {""}

    @property
    def drops(self) -> Columns:
        """The columns that the messages stand in for."""
        return self.needs | frozenset({self.input, TEXT}) - {""}

    def map(self, batch: Batch) -> Batch:
        """The batch with `messages`; rows that cannot be converted have a reason."""
        parts = self._parts(batch)
        faults = parts.select(self._fault().alias("fault")).unnest("fault")
        earlier, bad = read_history(parts["history"], strip=self.strip)
        faults = faults.with_columns(
            pl.coalesce("reason", bad["reason"]),
            pl.when(pl.col("reason").is_null()).then(bad["values"]).otherwise("values"),
        )
        texts = (self.output, self.instruction, self.input, self.system_field)
        faults = broken_too(faults.with_row_index("row"), nested_faults(batch, texts))
        if TOOLS in batch.columns:
            tools, broken = read_tools(batch[TOOLS].cast(pl.String))
            faults = broken_too(faults, broken)
            batch = batch.with_columns(tools)
        picks = picks_of(batch[ID], seed=self.seed or 0) if self.template else None
        prompts = word_prompts(
            parts["instruction"], parts["input"], templates=self.templates, picks=picks
        )
        parts = parts.with_columns(prompts.alias("prompt")).with_row_index("row")
        has_system = parts.filter(pl.col("system") != "")
        flat = in_order(
            [
                says(has_system, place=0, role="system", content="system"),
                earlier,
                says(parts, place=LAST, role="user", content="prompt"),
                says(parts, place=LAST + 1, role="assistant", content="output"),
            ]
        )
        messages = nest_messages(flat, batch.height)
        shown = pl.concat_str("instruction", "input", "output", separator="\n", ignore_nulls=True)
        raw = parts.select(shown).to_series()
        return set_conversations(batch.drop(self.drops, strict=False), messages, faults, raw=raw)

    def _parts(self, batch: Batch) -> pl.DataFrame:
        """The columns by what they are for; those that a record does without hold `""`."""
        parts = batch.select(
            pl.col(self.instruction).alias("instruction"),
            pl.col(self.output).alias("output"),
            _optional(batch, self.input).alias("input"),
            _optional(batch, self.history).alias("history"),
            _optional(batch, self.system_field).alias("system"),
        ).cast(pl.String)
        if self.strip:
            parts = parts.with_columns(pl.all().str.strip_chars())
        asks_by_input = _is_blank("instruction") & ~_is_blank("input")
        no_input = asks_by_input | _is_blank("input")
        no_system = _is_blank("system")
        return parts.with_columns(
            pl.when(asks_by_input).then("input").otherwise("instruction").alias("instruction"),
            pl.when(no_input).then(pl.lit("")).otherwise("input").alias("input"),
            pl.when(no_system).then(pl.lit(self.system)).otherwise("system").alias("system"),
        )

    def _fault(self) -> pl.Expr:
        """`reason` and `values`, null for a whole record."""
        reason, values = pl.lit(None, dtype=pl.String), pl.lit(None, dtype=pl.String)
        for key in ("output", "instruction"):
            name = pl.when(pl.col(key).is_null()).then(pl.lit(f"missing_{key}"))
            column = orjson.dumps({"column": getattr(self, key)}).decode()
            reason = (
                pl.when(_is_blank(key))
                .then(name.otherwise(pl.lit(f"empty_{key}")))
                .otherwise(reason)
            )
            values = pl.when(_is_blank(key)).then(pl.lit(column)).otherwise(values)
        return pl.struct(reason.alias("reason"), values.alias("values"))


def read_history(history: pl.Series, *, strip: bool) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Earlier turns as flat messages, and the faults of each row (`reason`, `values`)."""
    rows = pl.DataFrame({"raw": history}).with_row_index("row")
    given = rows.filter(~pl.col("raw").str.contains(NO_HISTORY))
    decoded = decode(given["raw"], KNOWN, dialect="history")
    flat = decoded.flat.with_columns(given["row"].gather(decoded.flat["row"]))
    if strip:
        flat = flat.with_columns(pl.col("content").str.strip_chars())
    blank = flat.filter(_is_blank("content")).unique("row", keep="first", maintain_order=True)
    empties = blank.select("row", pl.struct("message").struct.json_encode().alias("values"))
    broken = decoded.faults.select(given["row"].gather(decoded.faults["row"]), "values")
    bad = pl.concat([broken, empties]).with_columns(pl.lit("bad_history").alias("reason"))
    faults = rows.join(bad, on="row", how="left", maintain_order="left")
    return flat, faults.select("reason", "values")


def _optional(batch: Batch, name: str) -> pl.Expr:
    return pl.col(name).fill_null("") if name in batch.columns else pl.lit("")


def _is_blank(name: str) -> pl.Expr:
    """Null, or nothing but white space."""
    return pl.col(name).fill_null("").str.strip_chars() == ""
