"""What `clean.lines` takes for a bad line: published sets of rules, and patterns (Rust regex)."""

from collections.abc import Mapping
from typing import Any

ASCII_ENDS = (".", "?", "!", '"', "'")
POLICY = (
    "terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies",
    "use cookies",
)  # fmt: skip

PRESETS: Mapping[str, Mapping[str, Any]] = {
    # Raffel et al. 2020, JMLR 21(140); mlfoundations/dclm@361714bd baselines_configs/c4.yaml. The
    # words of policies are those of tensorflow/datasets c4_utils.py.
    "c4-en": {
        "end_with": ASCII_ENDS, "never_end_with": ("...",), "min_words": 5,
        "max_word_chars": 1000, "holding": ("javascript", *POLICY), "drop_citations": True,
        "keep_blank": False,
    },
    # The same as FineWeb uses it (arXiv 2406.17557): without end marks, and with 3 words as in
    # datatrove's C4QualityFilter.
    "fineweb-en": {
        "min_words": 3, "max_word_chars": 1000, "holding": ("javascript", *POLICY),
        "drop_citations": True, "keep_blank": False,
    },
    # RefinedWeb (arXiv 2306.01116) as in mlfoundations/dclm@361714bd
    # baselines_configs/dclm_baseline_refinedweb.yaml.
    "refinedweb-en": {
        "max_upper": 0.5, "drop_numbers": True, "drop_counters": True, "min_words": 2,
        "erase": ("items in cart", "read more...", "sign-in"),
    },
    # shjwudp/c4-dataset-script@a5653e6 Chinese/filter_out_bad_lines.py.
    "chinese-c4": {
        "end_with": ("。", "！", "？", "……", "”", "："), "min_chars": 5, "drop_garbled": True,
        "keep_blank": False,
    },
}  # fmt: skip
"""Settings by name of preset."""

WORD = r"\S+"
CITATION = r"\[\d*\]|\[edit\]|\[citation needed\]"
NUMBER = r"^[\d\s.,:;/%()+-]*\d[\d\s.,:;/%()+-]*$"
COUNTED = (
    "likes?|shares?|comments?|replies|reply|retweets?|reposts?|quotes?|bookmarks?|upvotes?"
    "|downvotes?|downloads?|views?|followers?|points?"
)
COUNTER = rf"(?i)^\W*\d[\d.,]*\s?[km]?\s+(?:{COUNTED})\W*$"
_COUNTED_ZH = "(?:点?赞|评论|回复|转发|收藏|浏览|阅读|观看|下载)"
COUNTER_ZH = rf"^\W*\d[\d.,]*\s?[万千]?\s?(?:次|人|条)?\s?{_COUNTED_ZH}\W*$"
GARBLED = r"[\u{fffd}□■\p{Co}]"
ERASED_FROM_WORDS = 10
"""Only from lines of at most so many words are phrases erased."""
