"""Tasks that a text sets by itself: words to fill in, sentences to put in order."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import polars as pl

from datakit.errors import SettingsError
from datakit.records import ID, MESSAGES, TEXT, Batch, Columns
from datakit.stages.format.passages import cut_passages, draw_order, split_words
from datakit.stages.format.tasks import TASKS, draw, expand_tasks, fill_picked, writing_of

Task = Literal["mask", "order"]
TEMPLATES = {
    "zh": {
        "mask": (
            ("请补全下面文字中的空缺。\n\n{q}", "{a}"),
            ("下面的文字有几处被遮住了，请写出每一处原来的内容。\n\n{q}", "{a}"),
        ),
        "order": (
            ("下面的句子顺序被打乱了，请按正确的顺序重新排列。\n\n{q}", "{a}"),
            ("请把下列句子排成一段通顺的文字。\n\n{q}", "{a}"),
        ),
    },
    "en": {
        "mask": (
            ("Fill in the blanks in the following text.\n\n{q}", "{a}"),
            ("Some words of this text are hidden. Write down what each blank hid.\n\n{q}", "{a}"),
        ),
        "order": (
            ("These sentences are out of order. Put them back in order.\n\n{q}", "{a}"),
            ("Arrange the following sentences into a coherent passage.\n\n{q}", "{a}"),
        ),
    },
}
# Words worth asking for: two Han characters or more, four letters or more.
WORD = r"^(?:\p{Han}{2,}|[\p{L}--\p{Han}]{4,})$"


@dataclass(frozen=True, kw_only=True, slots=True)
class SelfSupervisedFormat:
    """Turn documents, Chinese or English, into tasks that each text sets by itself: masked words
    to fill in, and sentences to put back in order.

    A document gives one passage of whole sentences, at most `max_chars` characters and
    `max_sentences` sentences long, which begins at a place chosen by a hash of `seed` and id. Of it
    come the `tasks`: `mask` hides `share` of the words (Chinese as jieba cuts it; only words of
    two Han characters or four letters and more), at least one and at most `max_blanks`; blanks
    that touch are one. The answer is the list of the hidden words (`answer = "parts"`) or the
    whole passage (`"whole"`). `order` shuffles the sentences of a passage of three or more and
    numbers them; the answer is the passage, or with `"parts"` the numbers in order.

    The wordings are datakit's own, in the language of the text or in `lang`, chosen by the same
    hash. Each task becomes a conversation of its own; conversations stay as they are.

    Reasons: `too_short` (no task of those asked for can be made; value: characters).
    """

    needs: ClassVar[Columns] = frozenset({TEXT})
    adds: ClassVar[Columns] = frozenset({MESSAGES})
    drops: ClassVar[Columns] = frozenset({TEXT})
    libraries: ClassVar[tuple[str, ...]] = ("jieba", "polars")

    tasks: tuple[Task, ...] = ("mask", "order")
    answer: Literal["parts", "whole"] = "parts"
    share: float = 0.15
    max_blanks: int = 8
    min_chars: int = 30
    max_chars: int = 400
    max_sentences: int = 6
    lang: Literal["auto", "zh", "en"] = "auto"
    seed: int | None = None

    def __post_init__(self) -> None:
        if not self.tasks:
            raise SettingsError("tasks", "no task is asked for", 'tasks = ["mask", "order"]')
        if not 0 < self.share <= 0.5:
            raise SettingsError("share", f"{self.share} is not above 0 and at most 0.5")
        if self.max_blanks < 1:
            raise SettingsError("max_blanks", f"{self.max_blanks} is less than 1")
        if not 1 <= self.min_chars <= self.max_chars:
            raise SettingsError("min_chars", f"{self.min_chars} is not from 1 to max_chars")
        if self.max_sentences < (3 if "order" in self.tasks else 1):
            raise SettingsError("max_sentences", "sentences to put in order are three or more")

    def expand(self, batch: Batch) -> Batch:
        """The conversations made of each document."""
        lang = writing_of(batch[TEXT]) if self.lang == "auto" else pl.lit(self.lang)
        documents = batch.select(ID, TEXT).with_columns(lang.alias("lang")).with_row_index("row")
        documents = documents.filter(pl.col(TEXT).is_not_null())
        sentences = cut_passages(
            documents,
            most_chars=self.max_chars,
            most_sentences=self.max_sentences,
            seed=self.seed or 0,
        )
        chars = pl.col("sentence").str.len_chars().sum().over("row")
        sentences = sentences.filter(chars >= self.min_chars)
        made = [self._worded(self._ordered(sentences), "order")] if "order" in self.tasks else []
        if "mask" in self.tasks:
            made.insert(0, self._worded(self._masked(sentences), "mask"))
        tasks = pl.concat(made).sort("row", maintain_order=True)
        return expand_tasks(batch, tasks, form="tasks", refused=_refusals(batch))

    def _masked(self, sentences: pl.DataFrame) -> pl.DataFrame:
        """`row`, `id`, `lang`, the passage with blanks `q` and what they hid `a`."""
        words = split_words(_passages(sentences)).with_row_index("place")
        place = pl.int_range(pl.len()).over("row")
        drawn = draw(
            words,
            pl.lit("mask ") + words.select(place.cast(pl.String)).to_series(),
            seed=self.seed or 0,
        )
        can = pl.col("word").str.contains(WORD)
        words = words.with_columns(can.alias("can"), drawn.alias("draw"))
        wanted = (can.sum().over("row") * self.share).round().clip(1, self.max_blanks)
        least = pl.col("draw").rank("ordinal").over("row", "can")
        hidden = words.with_columns((can & (least <= wanted)).alias("hidden"))
        run = (pl.col("hidden") != pl.col("hidden").shift(1).over("row")).fill_null(True)
        runs = hidden.with_columns(run.cum_sum().alias("run"))
        joined = runs.group_by("row", "run", maintain_order=True).agg(
            pl.col(ID, "lang", "hidden").first(), pl.col("word").str.join("")
        )
        number = pl.col("hidden").cast(pl.Int64).cum_sum().over("row").cast(pl.String)
        blank = (
            pl.when(pl.col("lang") == "zh").then(pl.lit("＿＿（{}）")).otherwise(pl.lit("____({})"))
        )
        shown = blank.str.replace("{}", number, literal=True)
        asked = joined.with_columns(
            pl.when("hidden").then(shown).otherwise("word").alias("shown"),
            pl.when("hidden").then(number + ". " + pl.col("word")).alias("told"),
        )
        told = pl.col("told").drop_nulls().str.join("\n")
        answer = told if self.answer == "parts" else pl.col("word").str.join("")
        found = asked.group_by("row", maintain_order=True).agg(
            pl.col(ID, "lang").first(),
            pl.col("shown").str.join("").str.strip_chars().alias("q"),
            answer.str.strip_chars().alias("a"),
            pl.col("hidden").any().alias("any"),
        )
        return found.filter("any")

    def _ordered(self, sentences: pl.DataFrame) -> pl.DataFrame:
        """`row`, `id`, `lang`, the numbered sentences `q` and the passage `a`."""
        shuffled = draw_order(sentences, seed=self.seed or 0)
        shown = pl.col("at").cast(pl.String) + ". " + pl.col("sentence").str.strip_chars()
        whole = pl.col("sentence").sort_by("place").str.join("").str.strip_chars()
        parts = pl.col("at").sort_by("place").cast(pl.String).str.join(", ")
        return shuffled.group_by("row", maintain_order=True).agg(
            pl.col(ID, "lang").first(),
            shown.sort_by("at").str.join("\n").alias("q"),
            (parts if self.answer == "parts" else whole).alias("a"),
        )

    def _worded(self, found: pl.DataFrame, task: Task) -> pl.DataFrame:
        pick = draw(found, pl.lit(f"wording {task}"), seed=self.seed or 0)
        values = {"q": pl.col("q"), "a": pl.col("a")}
        parts = [pl.DataFrame(schema=TASKS)]
        for lang, templates in TEMPLATES.items():
            question, answer = fill_picked(templates[task], values, pl.col("pick"))
            asked = found.with_columns(pick.alias("pick")).filter(pl.col("lang") == lang)
            said = asked.select("row", question.alias("question"), answer.alias("answer"))
            parts.append(said)
        return pl.concat(parts)


def _passages(sentences: pl.DataFrame) -> pl.DataFrame:
    whole = pl.col("sentence").str.join("").alias("passage")
    return sentences.group_by("row", maintain_order=True).agg(pl.col(ID, "lang").first(), whole)


def _refusals(batch: Batch) -> pl.DataFrame:
    measured = pl.struct(pl.col(TEXT).str.len_chars().alias("chars")).struct.json_encode()
    return batch.select(pl.lit("too_short").alias("reason"), measured.alias("values"))
