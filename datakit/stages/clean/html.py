"""Take the text out of HTML."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, ClassVar, Literal

import polars as pl

from datakit.errors import SettingsError
from datakit.records import CONTENT, Batch, Columns, map_content, rewrite_where
from datakit.text.html import resolve_entities, text_of
from datakit.text.html_elements import ELEMENTS, NEVER_BARE

_ANY, _BARE = "|".join(sorted(ELEMENTS)), "|".join(sorted(ELEMENTS - NEVER_BARE))
# A tag without attributes, or with one that has a value: `a<b and c>d` is no tag.
TAG = rf"(?i)</?(?:{_BARE})\s*/?>|<(?:{_ANY})\s[^<>]*=[^<>]*>|<!doctype|<!--"
PAGE = (
    r"(?is)\A[\s\x{feff}]*(?:<\?xml[^<>]*>\s*|<!--.*?-->\s*)*"
    r"<(?:!doctype\s+html|html|head|body)(?:\s[^<>]*)?>|</html>\s*\z"
)
ENTITY = r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"

# With less found, trafilatura tries cruder ways, which lose paragraphs. Its own 250 characters
# are a short paragraph of English, but a page of Chinese.
LEAST_CHARS = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class HtmlCleaner:
    """Take the text out of HTML: the main text of pages, the whole text of fragments.

    - A page (it begins with a doctype, `<html>`, `<head>` or `<body>`, or ends with `</html>`) is
      given to trafilatura, which leaves out navigation, cookie bars, footers and the like. If it
      finds nothing, or with `mode = "all"`, all visible text is taken.
    - A fragment loses its tags: blocks become lines or paragraphs, list items begin with `- `,
      cells are parted by tabs. Text outside all blocks keeps its own line ends, so that Markdown
      with a few tags stays Markdown. Examples of HTML inside Markdown lose their tags too: keep
      such sources away with `only`.
    - A text without tags has its entities (`&nbsp;`, `&#39;`) resolved; one without entities too
      stays as it is, and so do tags that HTML does not know (`<篇名>`, `vector<int>`).

    Settings: `mode` is `"main"` or `"all"`; `favour` makes trafilatura leave out more
    (`"precision"`) or less (`"recall"`) than `"balanced"`; `include_tables`, `include_comments`
    (of readers) and `include_links` (as Markdown) say what belongs to the main text.
    """

    needs: ClassVar[Columns] = frozenset({CONTENT})
    adds: ClassVar[Columns] = frozenset()
    libraries: ClassVar[tuple[str, ...]] = ("trafilatura", "justext", "lxml")

    mode: Literal["main", "all"] = "main"
    favour: Literal["balanced", "precision", "recall"] = "balanced"
    include_tables: bool = True
    include_comments: bool = False
    include_links: bool = False

    def __post_init__(self) -> None:
        if self.mode not in ("main", "all"):
            raise SettingsError("mode", f"{self.mode!r} is none of 'main', 'all'")
        if self.favour not in ("balanced", "precision", "recall"):
            message = f"{self.favour!r} is none of 'balanced', 'precision', 'recall'"
            raise SettingsError("favour", message)

    def map(self, batch: Batch) -> Batch:
        """The batch with texts in place of HTML."""
        return map_content(batch, self._clean)

    def _clean(self, texts: pl.Series) -> pl.Series:
        # The search for one byte is many times faster than that for a tag.
        may_be = texts.str.contains("<", literal=True) | texts.str.contains("&", literal=True)
        return rewrite_where(texts, may_be, self._clean_suspects)

    def _clean_suspects(self, texts: pl.Series) -> pl.Series:
        has_tags = texts.str.contains(TAG)
        is_page = has_tags & texts.str.contains(PAGE)
        has_entities = ~has_tags & texts.str.contains(ENTITY)
        texts = rewrite_where(texts, has_entities, _each(resolve_entities))
        texts = rewrite_where(texts, has_tags & ~is_page, _each(text_of))
        return rewrite_where(texts, is_page, _each(self._text_of_page))

    def _text_of_page(self, page: str) -> str:
        if self.mode == "all":
            return text_of(page, is_page=True)
        found = _extractor()(
            page,
            favor_precision=self.favour == "precision",
            favor_recall=self.favour == "recall",
            include_tables=self.include_tables,
            include_comments=self.include_comments,
            include_links=self.include_links,
        )
        return found or text_of(page, is_page=True)


def _each(clean: Callable[[str], str]) -> Callable[[pl.Series], pl.Series]:
    return lambda texts: pl.Series(
        texts.name, [clean(text) for text in texts.to_list()], dtype=pl.String
    )


@cache
def _extractor() -> Callable[..., Any]:
    import trafilatura

    # It reports each page without main text; here that is no fault.
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    config = trafilatura.settings.use_config()
    config.set("DEFAULT", "MIN_EXTRACTED_SIZE", str(LEAST_CHARS))
    return partial(trafilatura.extract, config=config)
