"""Texts with a label become instructions: which of these is it?"""

import dataclasses
from dataclasses import dataclass
from typing import ClassVar, Literal

import orjson
import polars as pl

from datakit.conversations.flat import nest_messages
from datakit.errors import SettingsError
from datakit.records import ID, MESSAGES, TEXT, Batch, Columns, hash_strings
from datakit.stages.format.nested import is_nested, nested_faults
from datakit.stages.format.turns import in_order, says, set_conversations
from datakit.stages.format.wordings import check_template, fill

WORDINGS = {
    "zh": (
        "请判断下面的文本属于哪一类。可选的类别：{labels}。\n\n{text}",
        "{text}\n\n以上文本的类别是什么？请从以下类别中选择：{labels}。",
    ),
    "en": (
        "Which category does the following text belong to? Categories: {labels}.\n\n{text}",
        "{text}\n\nClassify the text above. Choose from: {labels}.",
    ),
}
BARE = {
    "zh": ("请判断下面的文本属于哪一类。\n\n{text}",),
    "en": ("Which category does the following text belong to?\n\n{text}",),
}
LISTED = "\ufdd0"
"""Behind each label of a list: a noncharacter, which stands in no text."""
HAN = r"\p{Han}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassifyFormat:
    """Turn texts with a label (classification data) into `messages`: a question and the label.

    `text` and `label` name the columns, such as those of a file with text and label separated by
    a tab (`format = "tsv"`, `columns = ["text", "label"]`). `labels` gives a name to each label,
    `{ "0" = "差评", "1" = "好评" }`, or lists the labels there are; the question then offers them,
    and a label that is not among them is refused. `several` is what separates the labels of a
    text that has more than one, e.g. `","`; the answer joins them by `answer_separator`. A list of
    texts is then several labels as well.

    `wording` is `zh`, `en`, or `auto`: `zh` for texts with any Han character, else `en`. Of its
    two templates, and of a list of your own in `template`, one is picked for each record by a hash
    of `seed` and id. A template has the placeholder `{text}` and, where labels are given, maybe
    `{labels}`.

    Reasons: `missing_text`, `missing_label`, `unknown_label`, `wrong_type` (a list or an object
    where a text belongs; values: the column).
    """

    adds: ClassVar[Columns] = frozenset({MESSAGES})

    text: str = "text"
    label: str = "label"
    labels: dict[str, str] | list[str] = dataclasses.field(default_factory=dict)
    several: str = ""
    answer_separator: str = "、"
    wording: Literal["auto", "zh", "en"] = "auto"
    template: str | list[str] | None = None
    system: str = ""
    seed: int | None = None

    def __post_init__(self) -> None:
        if not self.text or not self.label:
            raise SettingsError("label", "name the columns with the text and the label")
        if any(not name.strip() for name in [*self.names, *self.names.values()]):
            raise SettingsError("labels", "a label is empty")
        if self.template is not None and self.wording != "auto":
            raise SettingsError("wording", "give either a wording or a template of your own")
        own = [self.template] if isinstance(self.template, str) else self.template
        if own is not None and not own:
            raise SettingsError("template", "the list is empty")
        allowed = ("text", "labels") if self.names else ("text",)
        for template in own or ():
            check_template(template, "template", needed="text", allowed=allowed)

    @property
    def names(self) -> dict[str, str]:
        """The name of each label of the data."""
        if isinstance(self.labels, dict):
            return self.labels
        return {label: label for label in self.labels}

    @property
    def needs(self) -> Columns:
        """The columns named in the settings."""
        return frozenset({self.text, self.label})

    @property
    def drops(self) -> Columns:
        """The columns that the messages stand in for."""
        return frozenset({self.text, self.label, TEXT})

    def map(self, batch: Batch) -> Batch:
        """The batch with `messages`; rows that cannot be converted have a reason."""
        parts = batch.select(
            pl.col(self.text).cast(pl.String).str.strip_chars().alias("text"),
            pl.col(self.label).cast(pl.String).str.strip_chars().alias("label"),
            pl.lit(self.system).alias("system"),
        )
        labels, broken = self._labels(batch, parts["label"])
        answers = self._answers(labels)
        picks = hash_strings(batch[ID] + " format.classify", seed=self.seed or 0)
        parts = parts.with_columns(answers.alias("answer"), picks.alias("pick"))
        parts = parts.with_columns(self._question().alias("question")).with_row_index("row")
        faults = parts.select("row", _fault().alias("reason"), _value().alias("values"))
        faults = faults.update(broken, on="row", how="left")
        has_system = parts.filter(pl.col("system") != "")
        flat = in_order(
            [
                says(has_system, place=0, role="system", content="system"),
                says(parts, place=1, role="user", content="question"),
                says(parts, place=2, role="assistant", content="answer"),
            ]
        )
        messages = nest_messages(flat, batch.height)
        kept = batch.drop(self.drops, strict=False)
        return set_conversations(kept, messages, faults, raw=parts["text"])

    def _labels(self, batch: Batch, labels: pl.Series) -> tuple[pl.Series, pl.DataFrame]:
        """The labels, with lists as one text where there may be several, and what is no text."""
        wrong = nested_faults(batch, (self.label,))
        if self.several:
            listed = _join_lists(labels, is_nested(batch, self.label))
            wrong = wrong.filter(listed.is_null().gather(wrong["row"]))
            labels = listed
        texts = nested_faults(batch, (self.text,))
        return labels, pl.concat([texts, wrong]).unique("row", keep="first", maintain_order=True)

    def _answers(self, labels: pl.Series) -> pl.Series:
        """The answers; null where a label is not known, `""` where there is none."""
        if not self.several:
            return self._named(labels)
        texts = labels.fill_null("")
        is_list = texts.str.contains(LISTED, literal=True)
        each = texts.str.split(LISTED).zip_with(is_list, texts.str.split(self.several))
        frame = pl.DataFrame({"row": pl.int_range(len(labels), eager=True), "label": each})
        flat = frame.explode("label").with_columns(pl.col("label").str.strip_chars())
        flat = flat.filter(pl.col("label") != "")
        flat = flat.with_columns(self._named(flat["label"]).alias("label"))
        joined = flat.group_by("row", maintain_order=True).agg(
            pl.col("label").str.join(self.answer_separator, ignore_nulls=False)
        )
        found = frame.select("row").join(joined, on="row", how="left", maintain_order="left")
        return found["label"].set(texts.str.strip_chars(LISTED) == "", "")

    def _named(self, labels: pl.Series) -> pl.Series:
        if not self.names:
            return labels.fill_null("")
        named = labels.replace_strict(self.names, default=None, return_dtype=pl.String)
        return named.set(labels.fill_null("") == "", "")

    def _question(self) -> pl.Expr:
        if self.template is not None:
            own = [self.template] if isinstance(self.template, str) else self.template
            return self._picked(tuple(own))
        wordings = WORDINGS if self.names else BARE
        if self.wording != "auto":
            return self._picked(wordings[self.wording])
        is_han = pl.col("text").str.contains(HAN)
        zh, en = self._picked(wordings["zh"]), self._picked(wordings["en"])
        return pl.when(is_han).then(zh).otherwise(en)

    def _picked(self, templates: tuple[str, ...]) -> pl.Expr:
        listed = "、".join(dict.fromkeys(self.names.values()))
        values = {"text": pl.col("text"), "labels": pl.lit(listed)}
        chosen = fill(templates[0], values)
        for number, template in enumerate(templates[1:], 1):
            is_it = pl.col("pick") % len(templates) == number
            chosen = pl.when(is_it).then(fill(template, values)).otherwise(chosen)
        return chosen


def _join_lists(labels: pl.Series, is_nested: pl.Series) -> pl.Series:
    """JSON lists of labels as texts with `LISTED` behind each label; null for another list, and
    for an object. Records share few different labels, so each text is read once.
    """
    joined: dict[str, str | None] = {}
    for text in labels.filter(is_nested).unique(maintain_order=True).to_list():
        items = orjson.loads(text)
        is_plain = isinstance(items, list) and not any(isinstance(i, list | dict) for i in items)
        joined[text] = "".join(f"{_text_of(item)}{LISTED}" for item in items) if is_plain else None
    read = labels.replace_strict(joined, default=None, return_dtype=pl.String)
    return read.zip_with(is_nested, labels)


def _text_of(label: str | float | bool | None) -> str:
    return (
        label if isinstance(label, str) else "" if label is None else orjson.dumps(label).decode()
    )


def _fault() -> pl.Expr:
    return (
        pl.when(pl.col("text").fill_null("") == "")
        .then(pl.lit("missing_text"))
        .when(pl.col("answer").eq(""))
        .then(pl.lit("missing_label"))
        .when(pl.col("answer").is_null())
        .then(pl.lit("unknown_label"))
    )


def _value() -> pl.Expr:
    shown = pl.struct(pl.col("label").str.head(40)).struct.json_encode()
    return pl.when(pl.col("answer").is_null()).then(shown)
