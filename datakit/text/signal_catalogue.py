r"""What can be measured of a text: the signals that quality rules are written on.

Kernel: `datakit.kernels.signals.measure_signals(data, offsets, groups, *, lists, cuts=None)
-> dict[str, NDArray]`, where text i is the valid UTF-8 `data[offsets[i]:offsets[i + 1]]`, `groups`
are names of `GROUPS` (only their signals are measured), and `lists` are the word lists named in
`LISTS`, as tuples of strings. A count is int64, everything else float64; one value a text. A share
or mean over nothing is 0, so an empty text is 0 in every signal. `cuts` (uint8, one a byte of
`data`): where given, a token begins at every character whose first byte is marked and behind every
space, so that a segmenter decides about the tokens; without it they are cut as said below. Signals
whose names begin with `jieba_` are those of the same name measured with jieba's cuts: the caller
adds the prefix, the kernel knows nothing of jieba.

Definitions, for all signals:

- char: a Unicode code point. space: `str.isspace`. letter: `str.isalpha`, capital: `str.isupper`.
  digit: ASCII. Han and kana as in `datakit.kernels.scripts` (its letter table).
- chunk: characters in a row that are neither space nor Han nor kana nor of category Cc or Cf.
  Characters of Cc and Cf part chunks as a space does and belong to nothing.
- token: a Han or kana character with the combining marks (categories M*) that follow; or a part of
  a chunk, cut as spaCy cuts English (`datakit.kernels.signals_marks`):
  - Marks are cut off at its two ends, each a token by itself, as long as there is one: two dots or
    more in a row (together), one of `…,:;!?¿؟¡()[]{}<>_#*&—–`, quotation marks and brackets of all
    kinds, marks of Chinese, or a character of category So; at the front also `§%=` and currency
    signs, at the end `%` behind a digit, and a dot, which stays behind a letter that stands alone
    and behind a capital that follows no other (`e.g.`, `U.S.`, `J.`).
  - What is left is one token (`HIV)-related`, `P<0.05`, `3.5`), parted only at marks inside it, a
    token each: two dots or more, `…`, a character of category So; a dot between a small letter and
    a capital; a comma between letters; `:<>=/` or up to three of one of `-–—~` behind a letter or
    digit and before a letter; `+-*^` behind a digit and before one or `-`. An apostrophe with one
    or two characters behind it begins a token (`don` + `'t`). From `://` on nothing is parted.
- word: a token with a character that is `str.isalnum` or a combining mark. mark: any other token.
  Words are compared exactly unless lower case is named (`str.lower` of ASCII, Latin-1, Greek and
  Cyrillic will do).
- line: the stretch between two `\n`, without the spaces at its end; those at its front belong to
  it. Only lines that hold something count, unless "all lines" are named (a text has one more of
  them than `\n`).
- paragraph: lines that follow each other without a blank one between them, joined by `\n`.
- end mark: a character of the list `end_marks`; closer: one of `"'”’」』）)】》〉]`.
- sentence: goes to a run of `。！？!?…` and `.`, with the closers that follow, or to the end of the
  line; it holds a letter or digit. A run of `.` alone ends a sentence only before a space, a closer
  or the end of the line, and not behind a Latin letter that stands alone (`J. Smith`).
- n-gram: n tokens that follow each other, over lines and all.
"""

from typing import Literal, NamedTuple, TypeAlias

Unit: TypeAlias = Literal["count", "chars", "share", "mean", "nats"]
_Rows: TypeAlias = tuple[tuple[str, Unit, str], ...]


class Signal(NamedTuple):
    """A number measured once a text: its name, the group it is measured with, its unit (a share
    lies between 0 and 1 but where its meaning says otherwise) and what exactly it is.
    """

    name: str
    group: str
    unit: Unit
    meaning: str


GROUPS = {
    "chars": "one look at every character",
    "lines": "lines and paragraphs, and their repetition",
    "tokens": "words and marks",
    "stops": "words of the lists of stop words",
    "ngrams": "repetition of runs of tokens",
    "word_runs": "repetition of runs of words",
    "char_ngrams": "repetition of runs of characters",
    "windows": "variety of characters",
    "phrases": "phrases of the lists, and addresses",
}

SEGMENTED = frozenset({"tokens", "stops", "ngrams", "word_runs"})
"""Groups whose signals depend on what is a word: they exist with the prefix `jieba_` too."""

LISTS = {
    "end_marks": "characters that end a sentence (each item is one)",
    "hant": "characters that only traditional Chinese has (each item is one)",
    "hans": "characters that only simplified Chinese has (each item is one)",
    "gopher_stops": "Gopher's eight stop words",
    "fineweb2_zh_stops": "FineWeb2's stop words for cmn_Hani",
    "fineweb2_yue_stops": "FineWeb2's stop words for yue_Hani",
    "stops": "datakit's stop words, Chinese and English",
    "boilerplate": "phrases of menus, notices and calls to click (lower case)",
    "readmore": "ends of lines that were cut short (lower case)",
}

_CHARS: _Rows = (
    ("chars", "chars", "all characters"),
    ("spaces", "share", "spaces / chars"),
    ("han", "share", "Han characters / chars"),
    ("letters", "share", "letters / chars"),
    ("alnum", "share", "characters that are `str.isalnum` / chars"),
    ("digits", "share", "`str.isdigit` / characters that are alnum, combining mark, `_` or space"),
    ("upper", "share", "upper-case letters (`str.isupper`) / letters"),
    ("punctuation", "share", "characters of categories P* / chars"),
    ("symbols", "share", "of categories S*, Co, Cn, or U+FFFD / chars"),
    ("garbled", "count", "U+FFFD, private use (Co), and C1 controls (U+0080 to U+009F)"),
    ("curly_brackets", "count", "`{`"),
    ("bracketed", "share", "characters between a `【` and the next `】` of the line / chars"),
    ("hash_runs", "share", "runs of `#` / chars"),
    ("ellipsis_runs", "share", "runs of `…`, and of two or more `.` / chars"),
    ("hant", "count", "characters of the list `hant`"),
    ("hant_part", "share", "of list `hant` / of lists `hant` and `hans` together"),
)
_LINES: _Rows = (
    ("lines", "count", "lines"),
    ("sentences", "count", "sentences"),
    ("newlines", "count", r"`\n`"),
    ("mean_line_chars", "mean", "chars / all lines"),
    ("max_line_chars", "chars", "of the longest line"),
    ("end_mark_lines", "share", "lines whose last character is an end mark / lines"),
    (
        "closed_lines",
        "share",
        (
            "lines that, closers left out, end in an end mark or one of `…；：;:`,"
            " or whose last character is one of `”」』` / lines"
        ),
    ),
    ("short_lines", "share", "lines of at most 30 chars / lines"),
    (
        "bullet_lines",
        "share",
        "lines whose first character that is no space is one of `•‣▶◀◦■□▪▫●○※·➢–-` / lines",
    ),
    ("ellipsis_lines", "share", "lines that end in `...` or `…` / lines"),
    ("dup_lines", "share", "lines that stood before / lines"),
    ("dup_line_chars", "share", r"chars of those / chars but `\n`"),
    ("dup_paragraphs", "share", "paragraphs that stood before / paragraphs"),
    ("dup_paragraph_chars", "share", r"chars of those / chars but `\n`"),
)
_TOKENS: _Rows = (
    ("words", "count", "words"),
    ("tokens", "count", "tokens"),
    ("mean_word_chars", "mean", "chars of words / words"),
    ("alpha_tokens", "share", "tokens with a letter / tokens"),
    ("hashes_per_token", "share", "`#` / tokens; can be more than 1"),
    (
        "ellipses_per_token",
        "share",
        "`...` (each three dots of a run) and `…` / tokens; can be more than 1",
    ),
    ("newlines_per_token", "share", r"`\n` / tokens; can be more than 1"),
)
_STOPS: _Rows = (
    ("gopher_stops", "count", "different words of the list `gopher_stops`, in lower case"),
    ("gopher_stop_hits", "count", "words, in lower case, that are on the list `gopher_stops`"),
    ("fineweb2_zh_stops", "count", "different tokens of the list `fineweb2_zh_stops`"),
    ("fineweb2_yue_stops", "count", "different tokens of the list `fineweb2_yue_stops`"),
    ("stop_words", "share", "words, in lower case, that are on the list `stops` / words"),
)
_TOP = (
    "chars of the most frequent n-gram of {n} tokens (the first of several) / chars: occurrences "
    "(at least two) times the chars of its tokens, and one for each gap between two of them where "
    "it first stands with a space there"
)
_DUP = (
    "chars (spaces left out) in repeated n-grams of {n} tokens / chars: going through the tokens, "
    "an n-gram that was entered before counts, and the next one looked at begins behind it; any "
    "other is entered, and the next one begins a token further"
)
_NGRAMS: _Rows = (
    *((f"top_{n}_gram", "share", _TOP.format(n=n)) for n in (2, 3, 4)),
    *((f"dup_{n}_grams", "share", _DUP.format(n=n)) for n in range(5, 11)),
)
_WORD_RUNS: _Rows = (
    (
        "word_rep_5",
        "share",
        (
            "5-grams of words (no marks; lower case) that occur more than once, "
            "each occurrence counted / 5-grams of words"
        ),
    ),
)
_REP = (
    "runs of {n} characters: occurrences of the k most frequent / occurrences of all; k is the "
    "least of the whole part of the square root of the number of different runs, and the number "
    "of those that occur more than once"
)
_CHAR_NGRAMS: _Rows = (
    *((f"char_rep_{n}", "share", _REP.format(n=n)) for n in (3, 10)),
    (
        "char_dup_13",
        "share",
        (
            "runs of 13 characters (spaces left out, lower case) that occur more "
            "than once, each occurrence counted / runs of 13 characters"
        ),
    ),
)
_WINDOWS: _Rows = (
    ("distinct_chars", "share", "different characters / chars"),
    ("entropy", "nats", "of the distribution of single characters, spaces and all"),
    (
        "window_distinct",
        "share",
        (
            "mean of `distinct_chars` over windows of 1,000 chars; an "
            "incomplete last window is left out unless it is the only one"
        ),
    ),
    ("window_entropy", "nats", "mean of `entropy` over the same windows"),
)
_PHRASES: _Rows = (
    ("lorem_ipsum", "count", "`lorem ipsum`, in ASCII lower case"),
    (
        "boilerplate_lines",
        "share",
        ("lines that hold, in ASCII lower case, a phrase of the list `boilerplate` / lines"),
    ),
    (
        "readmore_lines",
        "share",
        ("lines that end, in ASCII lower case, in one of the list `readmore` / lines"),
    ),
    (
        "url_chars",
        "share",
        (
            "chars of addresses / chars: `http://`, `https://` or `www.` and the "
            'visible ASCII characters behind it but `"<>`'
        ),
    ),
)


def _signals() -> tuple[Signal, ...]:
    tables = (
        _CHARS, _LINES, _TOKENS, _STOPS, _NGRAMS, _WORD_RUNS, _CHAR_NGRAMS, _WINDOWS, _PHRASES
    )  # fmt: skip
    return tuple(
        Signal(name, group, unit, meaning)
        for group, table in zip(GROUPS, tables, strict=True)
        for name, unit, meaning in table
    )


JIEBA = "jieba_"

MEASURED: tuple[Signal, ...] = _signals()
"""What the kernel measures, in order."""

SIGNALS: dict[str, Signal] = {signal.name: signal for signal in MEASURED} | {
    f"{JIEBA}{signal.name}": signal._replace(
        name=f"{JIEBA}{signal.name}",
        group=f"{JIEBA}{signal.group}",
        meaning=f"{signal.meaning}; tokens as jieba cuts them",
    )
    for signal in MEASURED
    if signal.group in SEGMENTED
}
"""All signals by name."""
