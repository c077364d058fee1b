"""Published ways to tell that a text holds an item of a benchmark."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Measure: TypeAlias = Literal["units", "ngrams"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """When a passage of an item counts as found in a record.

    `min_coverage` of the passage must be found: of its `ngram_size`-grams, or of the units (words
    or characters) that found grams cover. 0: one gram is enough. `parts` are the passages: parts
    of an item, joined by `+`. A gram that more than `max_items` items have is nobody's (0: no
    such limit).
    """

    ngram_size: int
    min_coverage: float
    measure: Measure
    parts: tuple[str, ...]
    max_items: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """The rule for items counted in words and for those counted in characters.

    With both, an item that has more characters of scripts without spaces than words of others is
    counted in characters.
    """

    words: Rule | None = None
    chars: Rule | None = None


_QUESTION = ("question",)
_WITH_OPTIONS = ("question+options",)
_BOTH = ("question", "question+options")
_ALL = ("question+options+answer",)

RECIPES = {
    "by-script": Recipe(
        words=Rule(ngram_size=8, min_coverage=0.5, measure="units", parts=_BOTH, max_items=10),
        chars=Rule(ngram_size=13, min_coverage=0.5, measure="ngrams", parts=_BOTH, max_items=10),
    ),
    "tulu3-8": Recipe(words=Rule(ngram_size=8, min_coverage=0.5, measure="units", parts=_QUESTION)),
    "gpt3-13": Recipe(
        words=Rule(ngram_size=13, min_coverage=0, measure="ngrams", parts=_ALL, max_items=10)
    ),
    "palm-8-70": Recipe(
        words=Rule(ngram_size=8, min_coverage=0.7, measure="ngrams", parts=_WITH_OPTIONS)
    ),
    "char-13-coverage": Recipe(
        chars=Rule(ngram_size=13, min_coverage=0.5, measure="ngrams", parts=_WITH_OPTIONS)
    ),
    "char-8-70": Recipe(
        chars=Rule(ngram_size=8, min_coverage=0.7, measure="ngrams", parts=_WITH_OPTIONS)
    ),
    "char-20-any": Recipe(
        chars=Rule(ngram_size=20, min_coverage=0, measure="ngrams", parts=_WITH_OPTIONS)
    ),
}
