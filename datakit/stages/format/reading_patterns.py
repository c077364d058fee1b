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


_SIMPLIFIED = (
    "为于这该个虽无论导说换话种类义则并过当时还没让变进产应属实际现会对结"
    "后与仅总须务请议谢简单广狭称维拥获减们从难给"
)
_TRADITIONAL = (
    "為於這該個雖無論導說換話種類義則並過當時還沒讓變進產應屬實際現會對結"
    "後與僅總須務請議謝簡單廣狹稱維擁獲減們從難給"
)
_BOTH_WRITINGS = str.maketrans(
    {one: f"[{one}{other}]" for one, other in zip(_SIMPLIFIED, _TRADITIONAL, strict=True)}
    | {"尽": "[尽儘盡]"}
)
"""A class may stand in a class, so that this can be done to any pattern."""


def _in_both(pattern: str) -> str:
    return pattern.translate(_BOTH_WRITINGS)


_POINTING_ZH = "这|那|它|他|她|该|此|其|前者|后者|上述|以上|如此|本"
_POINTING_EN = "It|This|That|These|Those|They|He|She|His|Her|Their|Its|Such|Both|Neither|Either"
_LINKING_ZH = (
    "但|然而|不过|可是|而|既然|因为|由于|所以|因此|因而|如果|假如|虽然|尽管|即使|另外|此外|并|且|同时|首先|其次|"
    "再次|最后|接着|然后|当|甚至|例如|比如|总之|相反|反之|否则|只有|除非|无论|不管"
)
_LINKING_EN = (
    "But|And|Or|Nor|So|Yet|As|However|Also|Moreover|Again|If|When|While|Although|Though|Even|Unless|"
    "Whether|Which|Who|Then|Thus|Hence|Therefore|Not|Just|For example|For instance|Because"
)
_ADVISING = "建议|请|你|您|应|需|必须|务必|千万|不要|可以|最好|希望|期望"
_NO_SUBJECT = (
    "[是会有就将被可也都才仍还要得能更最很敢把使让令变立便遂乃只常每想]|不[能会得可要必再]|"
    "导致|引起|造成|形成|产生|进行|通过|直接|已经|一直|默认|无法|没有|往往|一定|于是|非常|交给|尤其|一般|总是|"
    "降低|提高|增加|减少|维持|成为|拥有|成立|获得|结识|继承"
)
_CLASSICAL = "[矣焉曰兮哉吾汝尔]|[也耳乎]。|云：|之[^一前后间中内外上下]"
"""In classical texts 所以 and 因而 are other words."""
_LONG_WINDED = "(?:[，、；].*){4}"
_HALF = (
    "just|only|merely|simply|perhaps|possibly|probably|partly|mainly|largely|mostly|primarily|"
    "presumably|likely|chiefly|solely|especially|particularly|precisely|exactly|not|is|are|was|"
    "were|be|been|it|that|this|than|more|less|so|such|and|or|but|either|neither|both|part"
)
"""Words that end no clause: `only because`, `not because`, `it is because`."""
_SAYING = "think|thinks|thought|say|says|said|believe|believes|suggest|suggests|indicate|mean|means"
"""Where somebody says something because ..., the reason may be one of either."""
_CAUSE_ZH = rf"因为|由于|谢谢|祝|{_LONG_WINDED}|{_CLASSICAL}"
_NO_TERM_ZH = "|".join(
    [
        rf"^(?:{_POINTING_ZH}|{_LINKING_ZH}|{_ADVISING})",
        "^(?:什么|另|某|广义|狭义|我|咱|所|有|也|还|以|或|即|主要|一般|通常|因|由|在|对|目前|现在|一|根据|按照)",
        "[被为和与及或也都并不只仅就即均又还才则这那]$",
        "(?:确实|一般|通常|往往|其实|主要|本身|实际上|本来|可能|应该|常常|应当|属于|首先|同样|简单)$",
        "[的了是指着它]|^第|[（(][^）)]*$",
    ]
)
_NO_TERM_EN = "|".join(
    [
        rf"(?i)^(?:{_POINTING_EN}|{_LINKING_EN}|we|you|I|there|what|here|in|for|as|one|each|most)\b",
        r"^(?:some|at|on|by|to|no|any|all|many|other)\b",
        r"\b(?:is|are|was|were|do|does|not|can|may|will|has|have|which|given|below|above)\b",
        r"\b(?:ability|that|who|must|they|it|called|here|often|also)\b|  ",
    ]
)
_NO_CAUSE_EN = "|".join(
    [
        rf"^(?:{_LINKING_EN})\b",
        r"(?i)\b(?:because|therefore|due to)\b|^(?:of|in part|which|that)\b",
    ]
)
_NO_EFFECT_EN = "|".join(
    [
        rf"(?i)^(?:{_POINTING_EN}|{_LINKING_EN})\b",
        rf"\b(?:{_SAYING}|because|therefore)\b|[—–]|\b(?:{_HALF})\W*$",
    ]
)
_WRONG = {
    ("cause", "zh"): (
        rf"^(?:{_POINTING_ZH}|{_LINKING_ZH}|{_ADVISING}|[是会有就将被因于]|相比|或云)|{_CAUSE_ZH}",
        rf"^(?:{_POINTING_ZH}|{_LINKING_ZH}|{_ADVISING}|{_NO_SUBJECT})|所以|因此|{_CAUSE_ZH}",
    ),
    ("cause", "en"): (_NO_CAUSE_EN, _NO_EFFECT_EN),
    ("paraphrase", "zh"): (rf"^(?:{_LINKING_ZH}|也)", rf"^(?:{_LINKING_ZH}|{_NO_SUBJECT}|我们)"),
    ("paraphrase", "en"): (rf"^(?:{_LINKING_EN})\b", rf"^(?:{_LINKING_EN})\b"),
    ("definition", "zh"): (
        _NO_TERM_ZH,
        "^[出向定明令]|^[^，。；,]*(?:很|非常|比较|断然|不可|最好|应当|现实)|谢谢|建议|(?:[，、；].*){6}",
    ),
    ("definition", "en"): (_NO_TERM_EN, r"  |(?i)^(?:it|this|these|the same|one of)\b"),
}
REFUSED = {
    (kind, lang): tuple(map(_in_both, parts) if lang == "zh" else parts)
    for (kind, lang), parts in _WRONG.items()
}
"""What the parts `a` and `b` of a task must not have, by kind and language: they would not be
whole, or nobody could tell what they are about. Found by reading mined tasks."""


def _opened(words: str, lang: str, name: str) -> str:
    if lang == "zh":
        return rf"^(?:{words})[，,：:]\s*(?P<{name}>.+)$"
    return rf"^(?:{words}),\s+(?P<{name}>.+)$"


def _joined(kind: str, lang: str, words: str, relation: str = "", *, name: str = "b") -> Pattern:
    return Pattern(kind, lang, _opened(words, lang, name), True, relation)


_WRITTEN = (
    _joined("relation", "zh", "因此|所以|因而|由此可见|可见", "consequence"),
    _joined("relation", "zh", "但是|然而|但|不过|可是|相反", "contrast"),
    _joined("relation", "zh", "此外|而且|另外|并且|除此之外", "addition"),
    _joined("relation", "en", "Therefore|Thus|Hence|Accordingly|Consequently", "consequence"),
    _joined("relation", "en", "However|In contrast|On the contrary|Nevertheless", "contrast"),
    _joined("relation", "en", "Moreover|Furthermore|In addition|Additionally", "addition"),
    _joined("cause", "zh", "结果|其结果是|由此"),
    Pattern("cause", "zh", r"^(?:这是|是|其原因是|原因是|主要是)因为(?P<a>.{6,})$", True),
    Pattern("cause", "zh", r"^由于(?P<a>[^，。]{6,60})，(?:因此|所以|因而|故)?，?(?P<b>.{8,80})$"),
    Pattern("cause", "zh", r"^因为(?P<a>[^。]{6,60}?)，所以，?(?P<b>.{8,80})$"),
    Pattern(
        "cause",
        "zh",
        r"^(?P<a>[^。？]{10,60}?)[，；](?:因此|所以|因而)，?\s*(?P<b>[^。？]{10,80}。)$",
    ),
    _joined("cause", "en", "As a result|As a consequence"),
    Pattern("cause", "en", r"^(?P<b>[A-Z][^;:]{25,}?) because of (?P<a>[^,;:]{10,}\.)$"),
    Pattern(
        "cause", "en", r"^(?:Because of|Due to|Owing to) (?P<a>[^,;:]{8,}), (?P<b>[^;:]{20,})$"
    ),
    Pattern("cause", "en", r"^(?P<b>[A-Z][^;:]{24,}?),? because (?P<a>[^,;:]{10,}\.)$"),
    _joined("paraphrase", "zh", "也就是说|换句话说|换言之"),
    _joined("paraphrase", "en", "In other words|Put differently|Put another way|Simply put"),
    Pattern(
        "definition",
        "zh",
        r"^(?P<a>[\p{Han}A-Za-z0-9（）()·\-]{2,20}?)，?(?:是指|指的是|系指|被?定义为)"
        r"(?P<b>[^？]{10,100})$",
    ),
    Pattern(
        "definition",
        "zh",
        r"^(?P<a>[\p{Han}A-Za-z0-9（）()·\-]{2,20}?)(?:是一种|是一类)"
        r"(?P<b>[^，。；？]{4,50}的[^，。；？的]{2,12}[，。；][^？]{0,80})$",
    ),
    Pattern(
        "definition",
        "en",
        r"^(?:An? |The )?(?P<a>[A-Za-z][A-Za-z0-9 ()'\-]{2,60}?) (?:(?:is|are) defined as"
        r"|refers? to|(?:is|are) an? (?:type|kind|form|class|group) of|(?:is|are) the terms? for)"
        r" (?P<b>.{20,300})$",
    ),
)
PATTERNS = tuple(
    pattern._replace(regex=_in_both(pattern.regex)) if pattern.lang == "zh" else pattern
    for pattern in _WRITTEN
)
