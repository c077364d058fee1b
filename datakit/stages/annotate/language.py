"""Say in which language and writing each text is."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import polars as pl

from datakit.errors import DatakitError, SettingsError
from datakit.kernels.fasttext_file import find_fault
from datakit.kernels.language import WRITINGS, detect
from datakit.records import CONTENT, Batch, Columns, joined_content, utf8_buffers
from datakit.text.excerpts import take_excerpts


@dataclass(frozen=True, kw_only=True, slots=True)
class LanguageAnnotation:
    """Say in which language and writing each text is, in three columns; the report counts them.

    `lang` and `lang_score` are what `filter.language` goes by, which explains `script_first`,
    `model` and `max_chars`: the language (`zh`, `yue` for Cantonese, `en` ...; `und` for a text
    without a letter) and how sure that is, 0 to 1.

    `lang_script` is the writing, for any language: `Hans` simplified Chinese, `Hant` traditional,
    `mixed` both, `Hani` Han characters that both have, `Latn`, `Jpan`, `Kore`, `other`, and `none`.
    A character counts if OpenCC's tables have another form of it and the standard of the other
    writing (Big5, GB 2312) has not; nine tenths of those must be of one writing.

    Conversations are judged over all their messages. The report shows how many records of each
    source have each language and writing.
    """

    needs: ClassVar[Columns] = frozenset({CONTENT})
    adds: ClassVar[Columns] = frozenset({"lang", "lang_score", "lang_script"})
    tally: ClassVar[tuple[str, ...]] = ("lang", "lang_script")
    libraries: ClassVar[tuple[str, ...]] = ("opencc",)

    max_chars: int = 2_000
    script_first: bool = True
    model: Path | None = None

    def __post_init__(self) -> None:
        if self.max_chars < 0:
            raise SettingsError("max_chars", f"{self.max_chars} is less than 0")
        if self.model is not None and (fault := find_fault(Path(self.model))):
            raise SettingsError("model", f"{str(self.model)!r}: {fault}")

    def map(self, batch: Batch) -> Batch:
        """The batch with `lang`, `lang_score` and `lang_script`."""
        texts = take_excerpts(joined_content(batch), self.max_chars)
        try:
            found = detect(*utf8_buffers(texts), script_first=self.script_first, model=self.model)
        except (ValueError, OSError) as error:
            raise DatakitError(f"annotate.language: {self.model}: {error}") from error
        return batch.with_columns(
            pl.Series("lang", found.languages).gather(found.language),
            pl.Series("lang_score", found.score),
            pl.Series("lang_script", WRITINGS).gather(found.writing),
        )
