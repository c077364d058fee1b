"""Where a line was broken for the page and where it ends of itself, as patterns (Rust regex)."""

_HAN = r"\p{Han}\p{Hiragana}\p{Katakana}"

OPEN_END_HAN = f"[{_HAN}，、；》《〈「『（【〔“‘]$"
GOES_ON_HAN = f"^[{_HAN}，、。；：？！∶）》〉」』】〕”’《〈「『“‘]"
OPEN_END_LATIN = r"[\p{Latin}0-9,;]$"
GOES_ON_LATIN = r"^[\p{Latin}&&\p{Ll}]"

_NUMERAL = r"[0-9一二三四五六七八九十百千零〇甲乙丙丁戊己庚辛壬癸]{1,5}"

WHOLE_LINE = r"^\s*[#<|>=]"
"""A heading, tag, table row or quotation: nothing of the next line belongs to it."""

LIST_MARK = (
    r"^\s*(?:[-*+•·●○◆◇■□▪►#|<>=]|[①-⑳]"
    rf"|[（(【〔\[]{_NUMERAL}[）)】〕\]]|{_NUMERAL}[、.．)）:：]"
    rf"|第{_NUMERAL}[章节節回卷条條篇部编編集课課])"
)
"""The start of a list item, heading, tag or table row."""
