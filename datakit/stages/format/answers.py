"""Columns that hold messages or just a text: prompts, completions, chosen and rejected answers."""

import polars as pl

from datakit.records import Batch
from datakit.stages.format.decode import Decoded, decode
from datakit.stages.format.nested import nested_faults
from datakit.stages.format.roles import Names, prefix_pattern
from datakit.stages.format.turns import FAULTS, says


def read_messages(batch: Batch, name: str, names: Names, *, role: str) -> Decoded:
    """Messages of a column: a list of them, a single one, a dialogue in plain text, or one text.

    A list or an object with `role` or `from` is read as messages, a text that begins with a
    speaker, and in which speakers of another role begin lines too, as a dialogue; any other text
    is one message of `role`. Nulls give no message and the fault `missing_conversation`, lists and
    objects of the input that are no messages `wrong_type`.
    """
    values = batch[name].cast(pl.String)
    rows = pl.DataFrame({"raw": values}).with_row_index("row")
    raw = pl.col("raw").str
    has_keys = raw.contains(r"^\s*[\[{]") & raw.contains(r'"(?:role|from)"\s*:')
    is_empty = raw.contains(r"^\s*\[\s*\]\s*$")
    wrapped = pl.when(raw.contains(r"^\s*\{")).then("[" + pl.col("raw") + "]").otherwise("raw")
    rows = rows.with_columns(
        (has_keys | is_empty | pl.lit(_is_dialogue(values, names)))
        .fill_null(True)
        .alias("is_list"),
        pl.when(has_keys).then(wrapped).otherwise("raw").alias("raw"),
    )
    lists, texts = rows.filter("is_list"), rows.filter(~pl.col("is_list"))
    decoded = decode(lists["raw"], names)
    flat = decoded.flat.with_columns(lists["row"].gather(decoded.flat["row"]))
    faults = decoded.faults.with_columns(lists["row"].gather(decoded.faults["row"]))
    wrong = nested_faults(batch, (name,)).filter(pl.col("row").is_in(texts["row"].implode()))
    texts = texts.filter(~pl.col("row").is_in(wrong["row"].implode()))
    plain = says(texts, place=1, role=role, content="raw")
    whole = pl.concat([flat, plain]).sort("row", "message", maintain_order=True)
    faults = faults.select(FAULTS.keys()).cast(FAULTS)  # type: ignore[arg-type]
    return Decoded(whole, pl.concat([faults, wrong]))


def _is_dialogue(texts: pl.Series, names: Names) -> pl.Series:
    """Whether a text begins with a speaker, and another one answers. A single speaker may just
    as well be part of an answer, which must not lose it.
    """
    prefix = prefix_pattern(names)
    begins = texts.str.contains(rf"(?i)\A\s*{prefix}").fill_null(False)
    found = texts.filter(begins).str.extract_all(rf"(?im)^[ \t\x{{3000}}]*{prefix}")
    name = pl.element().str.strip_chars(" \t\u3000:：").str.to_lowercase()
    role = name.replace_strict(dict(names), default=None, return_dtype=pl.String)
    roles = found.alias("found").to_frame().select(pl.col("found").list.eval(role).list.n_unique())
    return begins.scatter(begins.arg_true(), roles.to_series() > 1)


def without_cue(prompts: Decoded) -> Decoded:
    """Prompts without the cue for the answer at their end, an `Assistant:` that says nothing."""
    flat = prompts.flat
    is_last = (pl.col("row") != pl.col("row").shift(-1)).fill_null(True)
    says_nothing = pl.col("content").fill_null("").str.strip_chars() == ""
    is_cue = is_last & says_nothing & (pl.col("role") == "assistant").fill_null(False)
    return Decoded(flat.filter(~is_cue | pl.col("tool_calls").is_not_null()), prompts.faults)


def append(first: Decoded, then: Decoded) -> Decoded:
    """The messages of one column after those of another, numbered on; of two faults the first."""
    ends = first.flat.group_by("row").agg(pl.col("message").max().alias("end"))
    later = then.flat.join(ends, on="row", how="left", maintain_order="left")
    later = later.with_columns(pl.col("message") + pl.col("end").fill_null(0)).drop("end")
    flat = pl.concat([first.flat, later]).sort("row", "message", maintain_order=True)
    faults = pl.concat([first.faults, then.faults]).unique("row", keep="first", maintain_order=True)
    return Decoded(flat.filter(~pl.col("row").is_in(faults["row"].implode())), faults)
