"""From tasks mined of documents, each a question and its answer, to records."""

from typing import Literal

import numpy as np
import polars as pl

from datakit.conversations.flat import nest_messages
from datakit.records import (
    ID,
    MESSAGE_TYPES,
    MESSAGES,
    MESSAGES_TYPE,
    PARENT,
    REASON,
    TEXT,
    VALUES,
    Batch,
    hash_strings,
)
from datakit.stages.format.counts import empty_counts
from datakit.stages.format.turns import set_conversations
from datakit.stages.format.wordings import fill

Form = Literal["tasks", "conversation", "text"]
TASKS = {"row": pl.UInt32, "question": pl.String, "answer": pl.String}
"""One line a task, in the order of the rows (of the batch) and within a row of the tasks."""


def writing_of(texts: pl.Series) -> pl.Series:
    """`zh` where Han characters are more than a fifth of letters, else `en`."""
    han, letters = texts.str.count_matches(r"\p{Han}"), texts.str.count_matches(r"\p{L}")
    return (han * 5 > letters).replace_strict({True: "zh", False: "en"}, return_dtype=pl.String)


def draw(frame: pl.DataFrame, key: pl.Expr, *, seed: int) -> pl.Series:
    """A number a line, of the line's `id`, a key and the seed alone: UInt64."""
    keys = frame.select(pl.concat_str(pl.col(ID), pl.lit(" "), key.cast(pl.String))).to_series()
    return hash_strings(keys, seed=seed)


def fill_picked(
    templates: tuple[tuple[str, str], ...], values: dict[str, pl.Expr], pick: pl.Expr
) -> tuple[pl.Expr, pl.Expr]:
    """Question and answer by one of several pairs of templates, the one that `pick` falls on."""
    question, answer = (fill(template, values) for template in templates[0])
    for number, pair in enumerate(templates[1:], 1):
        is_it = pick % len(templates) == number
        question = pl.when(is_it).then(fill(pair[0], values)).otherwise(question)
        answer = pl.when(is_it).then(fill(pair[1], values)).otherwise(answer)
    return question, answer


def expand_tasks(
    batch: Batch, tasks: pl.DataFrame, *, form: Form, refused: pl.DataFrame | None
) -> Batch:
    """The records made of a batch: of a document with tasks, one for each (`tasks`), or one with
    all of them behind the text (`conversation`, `text`).

    Documents without a task stay as they are; where `refused` is given (`reason` and `values` for
    each row of the batch), they get its reason, and there is no column
    of texts any more but for the form `text`. Conversations stay. Counts of tokens are emptied
    where there are tasks.
    """
    counts = np.bincount(tasks["row"].to_numpy(), minlength=batch.height)
    made = np.maximum(counts, 1) if form == "tasks" else np.ones(batch.height, dtype=np.int64)
    parents = np.repeat(np.arange(batch.height, dtype=np.uint32), made)
    has = pl.Series("has", counts[parents] > 0)
    expanded = batch[pl.Series(parents)].with_columns(pl.Series(PARENT, parents))
    expanded = expanded.with_columns(empty_counts(expanded, has))
    if form == "text":
        changed = expanded.with_columns(_behind_texts(expanded[TEXT], tasks).alias(TEXT))
    else:
        flat = _messages(tasks, batch[TEXT] if form == "conversation" else None)
        if form == "tasks":
            flat = flat.with_columns(has.arg_true().gather(flat["task"]).alias("row"))
        if MESSAGES not in expanded.columns:
            nothing = pl.lit(None, dtype=MESSAGES_TYPE)
            expanded = expanded.with_columns(nothing.alias(MESSAGES))
        messages = nest_messages(flat, expanded.height)
        changed = expanded.with_columns(
            messages.zip_with(has, expanded[MESSAGES]).alias(MESSAGES),
            pl.when(~has).then(TEXT).alias(TEXT),
        )
    if refused is None:
        return changed
    goes = ~has & expanded[TEXT].is_not_null()
    told = refused[pl.Series(parents)].select(
        pl.when(goes).then(name).alias(name) for name in ("reason", "values")
    )
    if form == "text":
        return changed.with_columns(told["reason"].alias(REASON), told["values"].alias(VALUES))
    return set_conversations(changed.drop(TEXT), changed[MESSAGES], told, raw=expanded[TEXT])


def _messages(tasks: pl.DataFrame, texts: pl.Series | None) -> pl.DataFrame:
    """Flat messages, two a task; the first question of a row comes behind its text, if given."""
    numbered = tasks.with_row_index("task")
    question = pl.col("question")
    if texts is not None:
        whole = numbered.select(pl.lit(texts).gather(pl.col("row")).str.strip_chars() + "\n\n")
        is_first = pl.col("task") == pl.col("task").min().over("row")
        question = pl.when(is_first).then(pl.lit(whole.to_series()) + question).otherwise(question)
    sides = [
        numbered.select(
            "row",
            "task",
            pl.lit(side, dtype=pl.UInt8).alias("side"),
            *(
                {"role": pl.lit(role), "content": content}.get(name, pl.lit(None))
                .cast(dtype)
                .alias(name)
                for name, dtype in MESSAGE_TYPES.items()
            ),
        )
        for side, (role, content) in enumerate(
            [("user", question), ("assistant", pl.col("answer"))]
        )
    ]
    return pl.concat(sides).sort("task", "side")


def _behind_texts(texts: pl.Series, tasks: pl.DataFrame) -> pl.Series:
    """Each text with its tasks behind it, parted by blank lines."""
    said = pl.concat_str("question", pl.lit("\n"), "answer")
    told = tasks.group_by("row", maintain_order=True).agg(said.str.join("\n\n").alias("said"))
    rows = texts.alias(TEXT).to_frame().with_row_index("row")
    rows = rows.join(told, on="row", how="left", maintain_order="left")
    behind = pl.col(TEXT).str.strip_chars_end() + "\n\n" + pl.col("said")
    return rows.select(pl.coalesce(behind, TEXT)).to_series()
