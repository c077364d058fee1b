"""Finding tasks in the sentences of documents."""

from collections.abc import Sequence

import polars as pl

from datakit.records import ID
from datakit.stages.format.reading_patterns import MAX_CHARS, MIN_CHARS, PATTERNS, REFUSED
from datakit.stages.format.sentences import SENTENCE
from datakit.stages.format.tasks import draw

FOUND = {
    "row": pl.UInt32,
    ID: pl.String,
    "lang": pl.String,
    "kind": pl.String,
    "place": pl.UInt32,
    "a": pl.String,
    "b": pl.String,
    "s": pl.String,
    "relation": pl.String,
}
"""One line for each task found: `place` is that of its sentence in the document."""

UNREADABLE = r"[|`{}<>\\#*_=\t\n�$]|https?:| {3}|。。|&\w+;|^[\-•·—、，。）)\d（(]|^[①-⑳]"
"""What sentences have that are not prose: markup, tables, addresses, items of lists."""
NO_STATEMENT = r"[？?][”’」』）】》\"')\]]*$|^[^，。,.：:]{1,16}[：:]"
"""Questions, and what begins with the name of a speaker or a label: no side of a pair."""
ENDED = "[。！？.!?…][”’」』）】》\"')\\]]*$"
_BRACKETS = (("（", "）"), ("“", "”"), ("(", ")"), ("「", "」"), ("《", "》"))
MIN_SENTENCES, MIN_SPLIT, WINDOW = 4, 2, 6


def cut_sentences(documents: pl.DataFrame) -> pl.DataFrame:
    """`documents` (`row`, `id`, `lang`, `text`) by sentence: `part` as it stands, `s` without the
    white space around it, `place`, `good` where it is prose, and the sentence `before` it, if
    that is good and of the same paragraph.
    """
    parts = pl.col("text").str.extract_all(SENTENCE).alias("part")
    cut = documents.select("row", ID, "lang", parts)
    cut = cut.explode("part", empty_as_null=False, keep_nulls=False)
    s = pl.col("part").str.strip_chars()
    cut = cut.with_columns(s.alias("s")).filter(pl.col("s") != "")
    cut = cut.with_columns(
        pl.int_range(pl.len(), dtype=pl.UInt32).over("row").alias("place"),
        _is_prose().alias("good"),
    )
    is_near = pl.col("good") & ~s.str.contains(NO_STATEMENT) & ~pl.col("part").str.contains(r"\n")
    return cut.with_columns(
        pl.when(is_near).then("s").otherwise(None).shift(1).over("row").alias("before")
    )


def mine(sentences: pl.DataFrame, kinds: Sequence[str]) -> pl.DataFrame:
    """All tasks of `kinds` that the patterns find (`FOUND`)."""
    good = sentences.filter("good", ~pl.col("s").str.contains(NO_STATEMENT))
    parts = [pl.DataFrame(schema=FOUND)]
    for pattern in PATTERNS:
        if pattern.kind not in kinds:
            continue
        asked = good.filter(pl.col("lang") == pattern.lang)
        if pattern.joins:
            asked = asked.filter(pl.col("before").is_not_null())
        groups = asked["s"].str.extract_groups(pattern.regex).struct.unnest()
        a = groups["a"] if "a" in groups.columns else asked["before"]
        b = groups["b"] if "b" in groups.columns else asked["before"]
        found = asked.with_columns(
            a.str.strip_chars().alias("a"),
            b.str.strip_chars().alias("b"),
            pl.lit(pattern.kind).alias("kind"),
            pl.lit(pattern.relation).alias("relation"),
        ).drop_nulls(["a", "b"])
        parts.append(_plausible(found, pattern.kind, pattern.lang, joins=pattern.joins))
    return pl.concat(parts).unique(["row", "kind", "place"], keep="first", maintain_order=True)


def _plausible(found: pl.DataFrame, kind: str, lang: str, *, joins: bool) -> pl.DataFrame:
    a, b = pl.col("a").str.len_chars(), pl.col("b").str.len_chars()
    most = MAX_CHARS[lang]
    fits = (a <= most) & (b <= most)
    if joins:
        fits &= (a >= MIN_CHARS[lang]) & (b >= MIN_CHARS[lang])
    if not joins:
        fits &= _has_pairs(pl.col("a")) & _has_pairs(pl.col("b"))
    for name, refused in zip("ab", REFUSED.get((kind, lang), ()), strict=False):
        fits &= ~pl.col(name).str.contains(refused)
    capital = pl.col("b").str.head(1).str.to_uppercase() + pl.col("b").str.slice(1)
    end = "." if lang == "en" else "。"
    bare = pl.col("a").str.contains(ENDED)
    closed = pl.when(bare | pl.lit(kind == "definition")).then("a").otherwise(pl.col("a") + end)
    ended = pl.when(pl.col("b").str.contains(ENDED)).then(capital).otherwise(capital + end)
    told = found.filter(fits).with_columns(closed.alias("a"), ended.alias("b"))
    return told.select(list(FOUND))


def find_words(sentences: pl.DataFrame, words: Sequence[str]) -> pl.DataFrame:
    """Sentences of at most a hundred characters (English: four hundred) with three or more
    different words of a list; `a` is the list of those found.
    """
    most = pl.when(pl.col("lang") == "zh").then(100).otherwise(400)
    short = sentences.filter(pl.col("good") & (pl.col("s").str.len_chars() <= most))
    known = short["s"].str.extract_many(list(words), leftmost=True)
    named = known.list.unique(maintain_order=True)
    mark = pl.when(pl.col("lang") == "zh").then(pl.lit("、")).otherwise(pl.lit(", "))
    found = short.with_columns(named.alias("named")).filter(pl.col("named").list.len() >= 3)
    return found.with_columns(
        pl.col("named").list.join(mark).alias("a"),
        pl.lit("").alias("b"),
        pl.lit("word_to_text").alias("kind"),
        pl.lit("").alias("relation"),
    ).select(list(FOUND))


def split_texts(sentences: pl.DataFrame, *, seed: int) -> pl.DataFrame:
    """One task a document of four sentences of prose or more in a row: the beginning, from two
    sentences on, and what comes next.
    """
    starts = (~pl.col("good") | ~pl.col("good").shift(1).over("row")).fill_null(True)
    runs = sentences.with_columns(starts.cum_sum().over("row").alias("run")).filter("good")
    listed = runs.group_by("row", "run", maintain_order=True).agg(
        pl.col(ID, "lang", "place").first(), pl.col("part").head(WINDOW)
    )
    long = listed.filter(pl.col("part").list.len() >= MIN_SENTENCES)
    long = long.unique("row", keep="first", maintain_order=True)
    pick = draw(long, pl.lit("completion"), seed=seed)
    room = pl.col("part").list.len().cast(pl.UInt64) - 2 * MIN_SPLIT + 1
    at = (MIN_SPLIT + pl.lit(pick) % room).cast(pl.Int64)
    return long.with_columns(
        pl.col("part").list.head(at).list.join("").str.strip_chars().alias("a"),
        pl.col("part").list.slice(at).list.join("").str.strip_chars().alias("b"),
        pl.lit("").alias("s"),
        pl.lit("completion").alias("kind"),
        pl.lit("").alias("relation"),
    ).select(list(FOUND))


def _is_prose() -> pl.Expr:
    s = pl.col("s")
    return s.str.contains(ENDED) & ~s.str.contains(UNREADABLE) & _has_pairs(s)


def _has_pairs(text: pl.Expr) -> pl.Expr:
    """Whether each bracket and quotation mark has its other one."""
    good = text.str.count_matches('"', literal=True) % 2 == 0
    for left, right in _BRACKETS:
        count = text.str.count_matches(left, literal=True)
        good &= count == text.str.count_matches(right, literal=True)
    return good
