"""The connectives by which sentences of Chinese and English text give away a task.

A pattern has the groups `a` and `b`. Patterns that `joins` two sentences are matched on the
second one; the sentence before it, of the same paragraph, then stands for the missing group.
"""

from typing import NamedTuple

MIN_CHARS = {"zh": 15, "en": 50}
"""The least length of a sentence of a pair: AdaptLLM's 50 for English; Chinese says as much in a
third of the characters."""
MAX_CHARS = {"zh": 200, "en": 600}


class Pattern(NamedTuple):
    """`relation`: what the two parts are to each other (of `nli`)."""

    kind: str
    lang: str
    regex: str
    joins: bool = False
    relation: str = ""


_NO_TERM_ZH = (
    "这|那|该|此|其|它|他|她|我|你|您|咱|所|本|什么|有|也|就|还|以|并|而|但|如|若|或|即|主要|一般|"
    "通常|因|由|在|对"
)
NO_TERM = {
    "zh": rf"^(?:{_NO_TERM_ZH})|[的了是指]",
    "en": r"^(?:(?i:it|this|that|these|those|they|he|she|we|you|which|there|what|here|if|when|"
    r"in|for|as|and|or|but|one|each|most|some|both|such|while|although|because)\b)",
}
"""What begins or stands in no term that is being defined."""


def _opened(words: str, lang: str, name: str) -> str:
    if lang == "zh":
        return rf"^(?:{words})[，,：:]\s*(?P<{name}>.+)$"
    return rf"^(?:{words}),\s+(?P<{name}>.+)$"


def _joined(kind: str, lang: str, words: str, relation: str = "", *, name: str = "b") -> Pattern:
    return Pattern(kind, lang, _opened(words, lang, name), True, relation)


PATTERNS = (
    _joined("nli", "zh", "因此|所以|因而|由此可见|可见", "entailment"),
    _joined("nli", "zh", "但是|然而|但|不过|可是|相反", "contradiction"),
    _joined("nli", "zh", "此外|而且|另外|并且|除此之外", "neutral"),
    _joined("nli", "en", "Therefore|Thus|Hence|Accordingly", "entailment"),
    _joined("nli", "en", "However|In contrast|On the contrary|Nevertheless", "contradiction"),
    _joined("nli", "en", "Moreover|Furthermore|In addition|Additionally|Besides", "neutral"),
    _joined("cause", "zh", "结果|其结果是|由此"),
    Pattern("cause", "zh", r"^(?:这是|是|其原因是|原因是|主要是)因为(?P<a>.{6,})$", True),
    Pattern("cause", "zh", r"^由于(?P<a>[^，。]{4,60})，(?:因此|所以|因而|故)?，?(?P<b>.{6,})$"),
    Pattern("cause", "zh", r"^因为(?P<a>[^。]{4,60}?)，所以，?(?P<b>.{6,})$"),
    Pattern("cause", "zh", r"^(?P<a>[^。？]{8,}?)[，；](?:因此|所以|因而)，?(?P<b>[^？]{8,})$"),
    _joined("cause", "en", "As a result|Consequently|As a consequence"),
    Pattern(
        "cause",
        "en",
        r"^(?P<b>[^;:]{25,}?),? (?:because of|due to|owing to) (?P<a>[^,;:]{10,}\.)$",
    ),
    Pattern(
        "cause", "en", r"^(?:Because of|Due to|Owing to) (?P<a>[^,;:]{8,}), (?P<b>[^;:]{20,})$"
    ),
    Pattern("cause", "en", r"^(?P<b>[A-Z][^;:]{24,}?),? because (?P<a>[^,;:]{10,}\.)$"),
    _joined("paraphrase", "zh", "也就是说|换句话说|换言之|简单来说|简单地说|简而言之|简言之|总之"),
    _joined("paraphrase", "en", "In other words|That is|Put differently|In short|Simply put"),
    Pattern(
        "definition",
        "zh",
        r"^(?P<a>[\p{Han}A-Za-z0-9（）()·\-]{2,20}?)(?:，)?(?:是指|指的是|系指|被?定义为|是一种"
        r"|是一类)(?P<b>[^？]{10,})$",
    ),
    Pattern(
        "definition",
        "en",
        r"^(?:An? |The )?(?P<a>[A-Za-z][A-Za-z0-9 ()'\-]{2,60}?) (?:(?:is|are) defined as"
        r"|refers? to|(?:is|are) an? (?:type|kind|form|class|group) of|(?:is|are) the terms? for)"
        r" (?P<b>.{20,})$",
    ),
)
