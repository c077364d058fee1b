"""Keep records in given languages."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import polars as pl

from datakit.errors import DatakitError, SettingsError, did_you_mean
from datakit.kernels.fasttext_file import find_fault
from datakit.kernels.language import UNDETERMINED, WRITINGS, detect
from datakit.records import CONTENT, Batch, Columns, Table, joined_content, utf8_buffers
from datakit.text.excerpts import take_excerpts
from datakit.text.languages import CHINESE, LID_176

WITH_WRITING = {"zh-Hans": "Hans", "zh-Hant": "Hant"}


@dataclass(frozen=True, kw_only=True, slots=True)
class LanguageFilter:
    """Keep records whose text is in one of the languages `keep`.

    Languages are ISO 639 codes as of fastText's lid.176: `zh`, `en`, `ja` ...; `zh` keeps all
    varieties of Chinese, `yue` Cantonese only, `zh-Hans` and `zh-Hant` Chinese in simplified or
    traditional characters (texts with less than nine tenths of either are in neither); `cn` is no
    language. Conversations are judged over all their messages.

    - The script decides first (`script_first`), with score 1. A word is a Han character, a kana, a
      Hangul syllable or a run of other letters: Han characters are 30 % of the words or more and
      kana less than 10 % of Han and kana: `zh`; kana 10 % or more: `ja`; Hangul 30 % of the words:
      `ko`. So Chinese with drug names, laboratory codes and English terms stays Chinese, and
      classical Chinese, which lid.176 takes for Japanese in one case of twelve, too (30 % is
      EvalWeb's rule for Chinese web text, which counts characters). With 10 to 30 % Han words
      among Latin ones a text is Chinese unless the model says English, with 0.5 or more. Chinese
      is Cantonese, `yue`, if at least two, and 2 %, of its Han characters are 嘅, 喺, 唔, 佢 or
      others like them.
    - Everything else is judged by lid.176, which comes with datakit; nothing is downloaded.
      `model` names another fastText classifier (`.bin` or `.ftz`); its labels, without
      `__label__`, are then the languages, and `script_first = false` leaves all to it.
    - `min_score`: least probability the model must give, 0 to 1. Published: 0.4 (MAP-CC), 0.5
      (CCNet, Dolma), 0.65 (FineWeb, RefinedWeb, DCLM, for English), 0.8 (data-juicer).
    - `max_chars`: of a longer text only so many characters are judged, a third each from its start,
      middle and end; 0 judges all.
    - `keep_undetermined`: whether a text without any letter stays; its language is `und`.

    Adds the column `lang`, for later stages (`only_lang` of `filter.quality`).

    Reasons: `wrong_language`, `low_language_score`. The report shows how many records of each
    source were found to be in each language.
    """

    needs: ClassVar[Columns] = frozenset({CONTENT})
    adds: ClassVar[Columns] = frozenset({"lang"})
    tally: ClassVar[tuple[str, ...]] = ("lang",)
    libraries: ClassVar[tuple[str, ...]] = ("opencc",)

    keep: tuple[str, ...] = ("zh", "en")
    min_score: float = 0.5
    max_chars: int = 2_000
    keep_undetermined: bool = False
    script_first: bool = True
    model: Path | None = None

    def __post_init__(self) -> None:
        if not self.keep:
            raise SettingsError("keep", "names no language", 'such as ["zh", "en"]')
        known = LID_176 | WITH_WRITING.keys()
        for lang in self.keep if self.model is None else ():
            if lang not in known:
                hint = did_you_mean("zh" if lang == "cn" else lang, known)
                raise SettingsError("keep", f"unknown language {lang!r}", hint)
        if not 0 <= self.min_score <= 1:
            raise SettingsError("min_score", f"{self.min_score} is not between 0 and 1")
        if self.max_chars < 0:
            raise SettingsError("max_chars", f"{self.max_chars} is less than 0")
        if self.model is not None and (fault := find_fault(Path(self.model))):
            raise SettingsError("model", f"{str(self.model)!r}: {fault}")

    def reject(self, batch: Batch) -> Table:
        """`reason`, and `lang`, `script` and `score` beside `keep` and `min_score`."""
        texts = take_excerpts(joined_content(batch), self.max_chars)
        try:
            found = detect(*utf8_buffers(texts), script_first=self.script_first, model=self.model)
        except (ValueError, OSError) as error:
            raise DatakitError(f"filter.language: {self.model}: {error}") from error
        measured = pl.DataFrame(
            {
                "lang": pl.Series(found.languages).gather(found.language),
                "script": pl.Series(WRITINGS).gather(found.writing),
                "score": found.score,
            }
        )
        is_undetermined = pl.col("lang") == UNDETERMINED
        reason = (
            pl.when(is_undetermined & self.keep_undetermined)
            .then(pl.lit(None, dtype=pl.String))
            .when(~pl.any_horizontal(map(self._is_in, self.keep)))
            .then(pl.lit("wrong_language"))
            .when(pl.col("score") < self.min_score)
            .then(pl.lit("low_language_score"))
        )
        return measured.select(
            reason.alias("reason"),
            "lang",
            "script",
            "score",
            pl.lit(",".join(self.keep)).alias("keep"),
            pl.lit(self.min_score).alias("min_score"),
        )

    def _is_in(self, language: str) -> pl.Expr:
        """Whether a text is in a language of `keep`."""
        lang = pl.col("lang")
        if self.model is not None and not self.script_first:
            return lang == language
        if language in WITH_WRITING:
            return lang.is_in(CHINESE) & pl.col("script").is_in([WITH_WRITING[language], "Hani"])
        return lang.is_in(CHINESE) if language == "zh" else lang == language
