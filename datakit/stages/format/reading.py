"""Reading-comprehension tasks from raw text."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import polars as pl

from datakit.errors import SettingsError
from datakit.records import ID, MESSAGES, TEXT, Batch, Columns
from datakit.stages.format.reading_mining import FOUND, cut_sentences, find_words, mine, split_texts
from datakit.stages.format.reading_wordings import RELATIONS, TEMPLATES
from datakit.stages.format.tasks import TASKS, Form, draw, expand_tasks, fill_picked, writing_of
from datakit.text.lists import read_list

Kind = Literal[
    "relation", "cause", "paraphrase", "definition", "word_to_text", "completion", "title"
]
KINDS: tuple[Kind, ...] = (
    "title",
    "definition",
    "relation",
    "cause",
    "paraphrase",
    "word_to_text",
    "completion",
)
_BREAKS = r"\n。！？.!?；;：:，,|<>{}"
# A heading: a short first line without the mark of a sentence's end, before a line break. Its marks
# and the spaces round it are no part of it.
HEADING = rf"^\s*#*\s*([^#\s{_BREAKS}][^{_BREAKS}]{{2,58}}[^\s{_BREAKS}])\s*\n\s*([\s\S]+)$"
NO_TITLE = (
    r"^$|^[\-（(\[、，。]|\\$|^(?i:概述|简介|目录|前言|序|摘要|附录|参考文献|其他|overview|introduction|contents"
    r"|preface|abstract|summary|notes?|source)$"
)
"""First lines and titles that say nothing of the text."""
MARKUP = r"(?m)^\s*(?:#|={3}|\*{3}|-{3}|~{3}|```|\||<|\.\. |[-*+] \[)"
MIN_BODY, MIN_PROSE = 50, 0.7
"""The least characters of a text with a title, and the least share of them in whole sentences of
prose."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadingFormat:
    """Turn documents, Chinese or English, into reading-comprehension tasks that connectives in
    the text give away (the method of AdaptLLM, arXiv 2309.09530).

    Kinds of tasks: `relation` (a sentence and the next, which begins with 因此, 但是, 此外,
    Therefore, However, Moreover: consequence, contrast, addition), `cause` (由于, 因为…所以,
    because, As a result), `paraphrase` (也就是说, In other words), `definition` (是指, 是一种,
    refers to),
    `word_to_text` (a sentence with three or more of the words in the file `words`, one a line),
    `completion` (the beginning of four to six sentences of prose in a row, and the rest), and
    `title`. A title is in the column `title`, where that is named, else the first line of a text
    if it looks like a heading; texts longer than `max_chars` get none of these tasks, nor do
    those that are not mostly prose.

    What cannot be understood without the text before it is left out: causes and effects that begin
    with a pronoun, parts of sentences without a subject, advice. AdaptLLM takes the pairs of
    `relation` for entailment and contradiction. Of 46 such pairs that were read, 5 of 26 with 因此
    or Therefore entail, and none of 20 with 但是 or However contradict; so the answer here is what
    the author's connective says, and no more.

    With `form = "tasks"` each task becomes a conversation of its own. With `"conversation"` a
    document becomes one: the text and the first question, its answer, the next question ...; with
    `"text"` the tasks stand behind the text, as for continued pretraining. In these two,
    `completion` and a title from the first line are left out, since the text gives the answer:
    they cannot be the only `kinds`. Cut long documents by `format.chunk` before.

    Of each kind a document yields at most `per_kind`, and `max_tasks` in all, chosen, as are the
    wordings of the questions, by a hash of `seed` and id. `lang` is `zh`, `en` or, by the script
    of each text, `auto`. Documents without a task are rejected, or stay with `without = "keep"`;
    conversations stay as they are.

    Reasons: `no_task` (values: characters, and sentences of prose).
    """

    needs: ClassVar[Columns] = frozenset({TEXT})
    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    kinds: tuple[Kind, ...] = KINDS
    form: Form = "tasks"
    per_kind: int = 2
    max_tasks: int = 8
    lang: Literal["auto", "zh", "en"] = "auto"
    words: Path | None = None
    title: str = ""
    max_chars: int = 2000
    without: Literal["reject", "keep"] = "reject"
    seed: int | None = None

    def __post_init__(self) -> None:
        if not self.kinds:
            raise SettingsError("kinds", "no kind of task is asked for", f"known: {KINDS}")
        if self.form != "tasks" and not self._kinds:
            raise SettingsError("kinds", f"none of them is possible with form = {self.form!r}")
        for name in ("per_kind", "max_tasks", "max_chars"):
            if getattr(self, name) < 1:
                raise SettingsError(name, f"{getattr(self, name)} is less than 1")
        if self.words is None:
            if tuple(self.kinds) == ("word_to_text",):
                raise SettingsError("words", "word_to_text needs a file of words")
            return
        try:
            if len(read_list(Path(self.words))) < 3:
                raise SettingsError("words", f"{self.words} has less than three words")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(
                "words", f"{self.words} cannot be read: {getattr(error, 'strerror', None) or error}"
            ) from error

    @property
    def adds(self) -> Columns:
        """Messages, but for the form `text`."""
        return frozenset() if self.form == "text" else frozenset({MESSAGES})

    @property
    def drops(self) -> Columns:
        """The text, where every record becomes a conversation."""
        is_gone = self.form != "text" and self.without == "reject"
        return frozenset({TEXT}) if is_gone else frozenset()

    @property
    def _kinds(self) -> list[str]:
        left_out = {"completion"} if self.form != "tasks" else set()
        if self.form != "tasks" and not self.title:
            left_out.add("title")
        return [kind for kind in KINDS if kind in self.kinds and kind not in left_out]

    def expand(self, batch: Batch) -> Batch:
        """The conversations, or texts, made of each document."""
        lang = writing_of(batch[TEXT]) if self.lang == "auto" else pl.lit(self.lang)
        documents = batch.select(ID, TEXT).with_columns(lang.alias("lang")).with_row_index("row")
        documents = documents.filter(pl.col(TEXT).is_not_null())
        sentences = cut_sentences(documents)
        found = pl.concat([*self._titles(documents, batch, sentences), *self._mine(sentences)])
        refused = None if self.without == "keep" else _refusals(batch, sentences)
        tasks = self._word(self._choose(found))
        return expand_tasks(batch, tasks, form=self.form, refused=refused)

    def _mine(self, sentences: pl.DataFrame) -> list[pl.DataFrame]:
        found = [mine(sentences, self._kinds)]
        if "word_to_text" in self._kinds and self.words is not None:
            found.append(find_words(sentences, read_list(Path(self.words))))
        if "completion" in self._kinds:
            found.append(split_texts(sentences, seed=self.seed or 0))
        return found

    def _titles(
        self, documents: pl.DataFrame, batch: Batch, sentences: pl.DataFrame
    ) -> list[pl.DataFrame]:
        if "title" not in self._kinds:
            return []
        if self.title in batch.columns:
            titles = batch[self.title].cast(pl.String).gather(documents["row"])
            parts = documents.with_columns(titles.str.strip_chars().alias("a"), b=TEXT)
        else:
            groups = documents[TEXT].str.extract_groups(HEADING).struct
            parts = documents.with_columns(groups[0].alias("a"), groups[1].alias("b"))
        chars = pl.col("b").str.strip_chars().str.len_chars()
        is_plain = ~pl.col("a").str.contains(NO_TITLE) & ~pl.col("b").str.contains(MARKUP)
        parts = parts.filter(is_plain, chars.is_between(MIN_BODY, self.max_chars))
        parts = parts.join(_prosaic(sentences), on="row", maintain_order="left")
        return [
            parts.with_columns(
                pl.lit("title").alias("kind"),
                pl.lit(0, dtype=pl.UInt32).alias("place"),
                pl.col("b").str.strip_chars(),
                pl.lit("").alias("s"),
                pl.lit("").alias("relation"),
            ).select(list(FOUND))
        ]

    def _choose(self, found: pl.DataFrame) -> pl.DataFrame:
        """At most so many of a kind and document, those with the least draw."""
        key = pl.concat_str("kind", pl.lit(" "), "place")
        drawn = found.with_columns(draw(found, key, seed=self.seed or 0).alias("draw"))
        few = pl.col("draw").rank("ordinal").over("row", "kind") <= self.per_kind
        drawn = drawn.filter(few)
        return drawn.filter(pl.col("draw").rank("ordinal").over("row") <= self.max_tasks)

    def _word(self, found: pl.DataFrame) -> pl.DataFrame:
        """Questions and answers, in the order of the kinds and of the text."""
        parts = [pl.DataFrame(schema={**TASKS, "order": pl.Int32, "place": pl.UInt32})]
        for lang, templates in TEMPLATES.items():
            relation = pl.col("relation").replace(RELATIONS[lang])
            values = {"a": pl.col("a"), "b": pl.col("b"), "s": pl.col("s"), "r": relation}
            for order, kind in enumerate(KINDS):
                mine_of = found.filter(pl.col("lang") == lang, pl.col("kind") == kind)
                name = "title_behind" if kind == "title" and self.form != "tasks" else kind
                # The lower half of a draw decided on the choice of tasks.
                pick = pl.col("draw") // 2**16
                question, answer = fill_picked(templates[name], values, pick)
                parts.append(
                    mine_of.select(
                        "row",
                        question.alias("question"),
                        answer.alias("answer"),
                        pl.lit(order, dtype=pl.Int32).alias("order"),
                        "place",
                    )
                )
        return pl.concat(parts).sort("row", "order", "place").select(list(TASKS))


def _prosaic(sentences: pl.DataFrame) -> pl.DataFrame:
    """The rows whose text is mostly prose."""
    chars = pl.col("s").str.len_chars()
    share = chars.filter(pl.col("good")).sum() / chars.sum()
    return (
        sentences.group_by("row")
        .agg(share.alias("share"))
        .filter(pl.col("share") >= MIN_PROSE)
        .select("row")
    )


def _refusals(batch: Batch, sentences: pl.DataFrame) -> pl.DataFrame:
    prose = sentences.filter("good").group_by("row").agg(pl.len().alias("sentences"))
    rows = batch.select(pl.col(TEXT).str.len_chars().alias("chars")).with_row_index("row")
    rows = rows.join(prose, on="row", how="left", maintain_order="left")
    measured = pl.struct("chars", pl.col("sentences").fill_null(0)).struct.json_encode()
    return rows.select(pl.lit("no_task").alias("reason"), measured.alias("values"))
