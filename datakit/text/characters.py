r"""Kinds of characters that clean text has none of, as patterns for the Rust regex engine.

Most are written with `\u{...}` escapes, which Python's `re` does not know.
"""

import unicodedata
from functools import cache

LINE_BREAK = r"\r\n?|[\x0b\x0c\u{85}\u{2028}\u{2029}]"
"""One line break that is not `\\n`."""
LINE_BREAKS = r"[\r\x0b\x0c\u{85}\u{2028}\u{2029}]"

CONTROLS = r"[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f-\u{9f}\u{fdd0}-\u{fdef}\u{fffe}\u{ffff}]"
"""C0 and C1 controls except tab, line feed and carriage return; noncharacters."""

_JOINERS = r"\u{200c}\u{200d}"
_TAGS = r"\u{e0000}-\u{e007f}"
# Soft hyphen; Arabic letter mark; zero-width space; marks of direction; word joiner and invisible
# operators; byte order mark; interlinear annotation and the object replacement character.
_INVISIBLE = (
    r"\u{ad}\u{61c}\u{200b}\u{200e}\u{200f}\u{202a}-\u{202e}\u{2060}-\u{206f}\u{feff}"
    r"\u{fff9}-\u{fffc}"
)
INVISIBLE = f"[{_INVISIBLE}{_JOINERS}{_TAGS}]"

_EMOJI = r"[\p{Extended_Pictographic}\u{fe0f}\u{1f3fb}-\u{1f3ff}]"
# The scripts of which Unicode (chapters 9, 12, 13, 16) says that joiners change what is read.
_JOINING = (
    r"[\p{Arabic}\p{Syriac}\p{Nko}\p{Mandaic}\p{Mongolian}\p{Phags_Pa}\p{Adlam}\p{Devanagari}"
    r"\p{Bengali}\p{Gurmukhi}\p{Gujarati}\p{Oriya}\p{Tamil}\p{Telugu}\p{Kannada}\p{Malayalam}"
    r"\p{Sinhala}\p{Khmer}\p{Myanmar}\p{Tibetan}\p{Balinese}\p{Javanese}"
    r"\u{64b}-\u{655}\u{670}]"
)
INVISIBLE_OR_KEPT = (
    f"({_EMOJI}(?:\\u{{200d}}{_EMOJI}+)+|{_JOINING}[{_JOINERS}]"
    rf"|\u{{1f3f4}}[\u{{e0020}}-\u{{e007f}}]+)|{INVISIBLE}"
)
"""Group 1 is an invisible character with the neighbours for whose sake it stays; a match without
group 1 is one to remove."""

WIDE = "[０-９Ａ-Ｚａ-ｚ．]"
HALF_WIDTH_KANA = r"[\u{ff61}-\u{ff9f}]"
PRIVATE_USE = r"\p{Co}"

# What Windows-1252, or Latin-1, shows for the bytes 0x80 to 0xBF: without the marks of print that
# rightly follow a letter, and these.
_RARE = "\x80-\xbf€‚ƒ„†‡ˆ‰Š‹ŒŽ˜™š›œžŸ"
_MARKS = "‘’“–—…•"
_ANY = f"[{_RARE}{_MARKS}”]"
MOJIBAKE = "|".join(
    [
        f"[ÂÎÐ]{_ANY}|Ã[{_RARE}{_MARKS}]|[Ä-ÖØ-ß][{_RARE}]",
        f"[à-ï]{_ANY}{{2}}|[ð-ô]{_ANY}{{3}}",
        "[\x80-\x9f]",
    ]
)
"""Two to four characters that may be the bytes of one UTF-8 character, or a C1 control; not ×
before a quotation mark, as in 3×“大”, which ftfy takes for Hebrew. Also a pattern for `re`."""

# NFC_Quick_Check No or Maybe (Unicode, DerivedNormalizationProps), drawn a little too wide.
NOT_NFC = (
    r"[\p{M}\u{374}\u{37e}\u{387}\u{958}-\u{95f}\u{9dc}-\u{9df}\u{a33}-\u{a36}\u{a59}-\u{a5e}"
    r"\u{b5c}\u{b5d}\u{f43}-\u{f69}\u{1161}-\u{1175}\u{11a8}-\u{11c2}\u{1f00}-\u{1fff}"
    r"\u{2000}\u{2001}\u{2126}\u{212a}\u{212b}\u{2329}\u{232a}\u{2adc}\u{f900}-\u{faff}"
    r"\u{fb1d}-\u{fb4f}\u{1d15e}-\u{1d1c0}\u{2f800}-\u{2fa1f}]"
)
"""A text without a match is in normal form C; one with a match may be."""


@cache
def letter_widths() -> dict[str, str]:
    """Full-width Latin letters and digits and their ASCII forms."""
    wide = [*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B)]
    return {chr(code): chr(code - 0xFEE0) for code in wide}


@cache
def kana_widths() -> dict[str, str]:
    """Half-width katakana, alone and with its voicing mark, and the full-width forms.

    A voicing mark on its own becomes the spacing mark, not the combining one of form KC.
    """
    half = [chr(code) for code in range(0xFF61, 0xFFA0)]
    voiced = [kana + mark for kana in half for mark in "ﾞﾟ"]
    # Pairs first: of the forms that match at one place, the first listed is taken.
    widths = {form: unicodedata.normalize("NFKC", form) for form in [*voiced, *half]}
    widths = {form: wide for form, wide in widths.items() if len(wide) == 1}
    return widths | {"ﾞ": "゛", "ﾟ": "゜"}
