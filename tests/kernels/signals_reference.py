"""All signals of a text, measured slowly, after the words of the catalogue."""

import itertools
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence

from datakit.kernels.scripts import HAN, KANA, LATIN, letter_table

Lists = Mapping[str, Sequence[str]]
Found = dict[str, float]
Token = tuple[str, int, bool]  # what it is, where it begins, whether it is a word

CLOSERS = "\"'”’」』）)】》〉]"
BULLETS = "•‣▶◀◦■□▪▫●○※·➢–-"


def script(c: str) -> int:
    table = letter_table()
    return int(table[ord(c)]) if ord(c) < table.size else 0


def is_combining(c: str) -> bool:
    return unicodedata.category(c)[0] == "M"


def is_solo(c: str) -> bool:
    return script(c) in (HAN, KANA)


def share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def small(text: str) -> str:
    """Lower case, as far as it is one character of the same blocks."""
    return "".join(_small(c) for c in text)


def _small(c: str) -> str:
    cased = c <= "\xff" or "\u0370" <= c < "\u0400" or "\u0400" <= c < "\u0530"
    return c.lower() if cased and len(c.lower()) == 1 and c.lower() < "\u0530" else c


def ascii_small(text: str) -> str:
    return "".join(c.lower() if c.isascii() else c for c in text)


def is_in_word(text: str, i: int) -> bool:
    """Whether a character belongs to a word, whatever stands beside it or because of that."""
    c, before, after = text[i], text[i - 1 : i], text[i + 1 : i + 2]
    if c in ".,":
        return bool(re.fullmatch(r"[0-9]", before) and re.fullmatch(r"[0-9]", after))
    return c.isalnum() or is_combining(c) or is_elision(text, i)


def is_elision(text: str, i: int) -> bool:
    before, after = text[i - 1 : i], text[i + 1 : i + 2]
    beside = (before, after)
    return text[i] in "'’" and all(c.isalpha() and not is_solo(c) for c in beside)


def begins_word(text: str, i: int, begins: Sequence[bool] | None) -> bool:
    """Whether a word begins at a character that is in one."""
    c = text[i]
    if i == 0 or not is_in_word(text, i - 1) or is_elision(text, i):
        return True
    if is_combining(c):
        return False
    back = i - 1
    while back > 0 and is_combining(text[back]) and is_in_word(text, back - 1):
        back -= 1
    before = text[back]
    if script(c) == HAN and script(before) == HAN:
        return begins is None or begins[i]
    return is_solo(c) or is_solo(before)


def tokens_of(text: str, begins: Sequence[bool] | None = None) -> list[Token]:
    found: list[Token] = []
    i = 0
    while i < len(text):
        start = i
        if is_in_word(text, i):
            i += 1
            while i < len(text) and is_in_word(text, i) and not begins_word(text, i, begins):
                i += 1
            found.append((text[start:i], start, True))
        elif text[i].isspace() or unicodedata.category(text[i]) in ("Cc", "Cf"):
            i += 1
        else:
            while i < len(text) and text[i] == text[start]:
                i += 1
            found.append((text[start:i], start, False))
    return found


def measure_chars(text: str, lists: Lists) -> Found:
    def count(has: str | object) -> int:
        return sum(map(has, text))  # type: ignore[call-overload, no-any-return]

    categories = Counter(map(unicodedata.category, text))
    kinds = Counter(category[0] for category in categories.elements())
    spaces, alnum, letters = count(str.isspace), count(str.isalnum), count(str.isalpha)
    wordlike = alnum + kinds["M"] + text.count("_") + spaces
    hant, hans = (count(lambda c, own=lists[name]: c in own) for name in ("hant", "hans"))
    brackets = re.findall(r"【([^】\n]*)】", text)
    n = len(text)
    return {
        "chars": n,
        "spaces": share(spaces, n),
        "han": share(count(lambda c: script(c) == HAN), n),
        "letters": share(letters, n),
        "alnum": share(alnum, n),
        "digits": share(count(str.isdigit), wordlike),
        "upper": share(count(lambda c: c.isupper() and c.isalpha()), letters),
        "punctuation": share(kinds["P"], n),
        "symbols": share(kinds["S"] + categories["Co"] + categories["Cn"], n),
        "garbled": text.count("\ufffd") + categories["Co"] + len(re.findall("[\x80-\x9f]", text)),
        "curly_brackets": text.count("{"),
        "bracketed": share(sum(map(len, brackets)), n),
        "hash_runs": share(len(re.findall("#+", text)), n),
        "ellipsis_runs": share(len(re.findall(r"…+|\.\.+", text)), n),
        "hant": hant,
        "hant_part": share(hant, hant + hans),
    }


def repeats(pieces: Sequence[str]) -> tuple[int, int]:
    """How many pieces stood before, and their characters but line feeds."""
    again = [piece for i, piece in enumerate(pieces) if piece in pieces[:i]]
    return len(again), sum(len(piece.replace("\n", "")) for piece in again)


def is_closed(line: str, end_marks: Sequence[str]) -> bool:
    bare = line.rstrip(CLOSERS)
    return line[-1] in "”」』" or (bare != "" and bare[-1] in [*end_marks, *"…；：;:"])


def sentences_of(line: str) -> int:
    """Sentences of a line."""
    words = [(word, start) for word, start, is_word in tokens_of(line) if is_word]
    is_initial = {start + 1: script(word) == LATIN for word, start in words if len(word) == 1}
    pieces, begin, i = [], 0, 0
    closers = re.escape(CLOSERS)
    while i < len(line):
        run = re.compile(r"[。！？!?….]+").match(line, i)
        if not run:
            i += 1
            continue
        i = run.end()
        if set(run[0]) == {"."}:
            after = line[i : i + 1]
            if after and not after.isspace() and after not in CLOSERS:
                continue
            if is_initial.get(run.start()):
                continue
        while re.match(f"[{closers}]", line[i : i + 1]):
            i += 1
        pieces.append(line[begin:i])
        begin = i
    pieces.append(line[begin:])
    return sum(any(map(str.isalnum, piece)) for piece in pieces)


def measure_lines(text: str, lists: Lists) -> Found:
    stripped = [line.strip() for line in text.split("\n")]
    lines = [line for line in stripped if line]
    paragraphs = [p for p in re.split(r"\n\n+", "\n".join(stripped).strip("\n")) if p]
    marks, solid = lists["end_marks"], len(text) - text.count("\n")
    dup_lines, dup_line_chars = repeats(lines)
    dup_paragraphs, dup_paragraph_chars = repeats(paragraphs)

    def part(has: object) -> float:
        return share(sum(map(has, lines)), len(lines))  # type: ignore[call-overload]

    return {
        "lines": len(lines),
        "sentences": sum(map(sentences_of, lines)),
        "newlines": text.count("\n"),
        "mean_line_chars": len(text) / len(stripped),
        "max_line_chars": max(map(len, lines), default=0),
        "end_mark_lines": part(lambda line: line[-1] in marks),
        "closed_lines": part(lambda line: is_closed(line, marks)),
        "short_lines": part(lambda line: len(line) <= 30),
        "bullet_lines": part(lambda line: line[0] in BULLETS),
        "ellipsis_lines": part(lambda line: line.endswith(("...", "…"))),
        "dup_lines": share(dup_lines, len(lines)),
        "dup_line_chars": share(dup_line_chars, solid),
        "dup_paragraphs": share(dup_paragraphs, len(paragraphs)),
        "dup_paragraph_chars": share(dup_paragraph_chars, solid),
    }


def measure_tokens(text: str, tokens: Sequence[Token]) -> Found:
    words = [token for token, _, is_word in tokens if is_word]
    dots = sum(len(token) // 3 for token, _, is_word in tokens if not is_word and token[0] == ".")
    n = len(tokens)
    return {
        "words": len(words),
        "tokens": n,
        "mean_word_chars": share(sum(map(len, words)), len(words)),
        "alpha_tokens": share(sum(any(map(str.isalpha, token)) for token, _, _ in tokens), n),
        "hashes_per_token": share(text.count("#"), n),
        "ellipses_per_token": share(dots + text.count("…"), n),
        "newlines_per_token": share(text.count("\n"), n),
    }


def measure_stops(tokens: Sequence[Token], lists: Lists) -> Found:
    words = [small(token) for token, _, is_word in tokens if is_word]
    exact = {token for token, _, _ in tokens}
    gopher, stops = (set(map(small, lists[name])) for name in ("gopher_stops", "stops"))
    return {
        "gopher_stops": len(gopher & set(words)),
        "gopher_stop_hits": sum(word in gopher for word in words),
        "fineweb2_zh_stops": len(exact & set(lists["fineweb2_zh_stops"])),
        "fineweb2_yue_stops": len(exact & set(lists["fineweb2_yue_stops"])),
        "stop_words": share(sum(word in stops for word in words), len(words)),
    }


def cover_most(text: str, tokens: Sequence[Token], n: int) -> int:
    sizes: dict[tuple[str, ...], int] = {}
    times: Counter[tuple[str, ...]] = Counter()
    for i in range(len(tokens) - n + 1):
        own = tokens[i : i + n]
        ngram = tuple(token for token, _, _ in own)
        times[ngram] += 1
        if ngram not in sizes:
            gaps = [
                text[start + len(token) : after]
                for (token, start, _), (_, after, _) in itertools.pairwise(own)
            ]
            spaced = sum(any(map(str.isspace, gap)) for gap in gaps)
            sizes[ngram] = sum(map(len, ngram)) + spaced
    return max((times[ngram] * sizes[ngram] for ngram in times if times[ngram] > 1), default=0)


def cover_again(tokens: Sequence[Token], n: int) -> int:
    entered, covered, i = set(), 0, 0
    while i + n <= len(tokens):
        ngram = tuple(token for token, _, _ in tokens[i : i + n])
        if ngram in entered:
            covered += sum(map(len, ngram))
            i += n
        else:
            entered.add(ngram)
            i += 1
    return covered


def runs_of(units: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(units[i : i + n]) for i in range(len(units) - n + 1))


def repeated_part(runs: Counter[tuple[str, ...]]) -> float:
    return share(sum(times for times in runs.values() if times > 1), runs.total())


def measure_ngrams(text: str, tokens: Sequence[Token]) -> Found:
    found = {f"top_{n}_gram": cover_most(text, tokens, n) for n in (2, 3, 4)}
    found |= {f"dup_{n}_grams": cover_again(tokens, n) for n in range(5, 11)}
    words = [small(token) for token, _, is_word in tokens if is_word]
    shares = {name: share(covered, len(text)) for name, covered in found.items()}
    return shares | {"word_rep_5": repeated_part(runs_of(words, 5))}


def char_rep(text: str, n: int) -> float:
    runs = runs_of(text, n)
    often = [times for times in runs.values() if times > 1]
    k = min(math.isqrt(len(runs)), len(often))
    return share(sum(sorted(often, reverse=True)[:k]), runs.total())


def measure_char_ngrams(text: str) -> Found:
    solid = [small(c) for c in text if not c.isspace()]
    found = {f"char_rep_{n}": char_rep(text, n) for n in (3, 10)}
    return found | {"char_dup_13": repeated_part(runs_of(solid, 13))}


def entropy(text: str) -> float:
    parts = [times / len(text) for times in Counter(text).values()]
    return -sum(part * math.log(part) for part in parts)


def measure_windows(text: str) -> Found:
    cut = [text[i : i + 1000] for i in range(0, len(text), 1000)]
    whole = [window for window in cut if len(window) == 1000] or cut
    return {
        "distinct_chars": share(len(set(text)), len(text)),
        "entropy": entropy(text) if text else 0.0,
        "window_distinct": share(sum(len(set(w)) / len(w) for w in whole), len(whole)),
        "window_entropy": share(sum(map(entropy, whole)), len(whole)),
    }


def measure_phrases(text: str, lists: Lists) -> Found:
    lines = [line.strip() for line in ascii_small(text).split("\n") if line.strip()]
    held = [any(phrase in line for phrase in lists["boilerplate"]) for line in lines]
    ended = [line.endswith(tuple(lists["readmore"])) for line in lines]
    addresses = re.findall(r"(?:https?://|www\.)[!#-;=?-~]*", ascii_small(text))
    return {
        "lorem_ipsum": ascii_small(text).count("lorem ipsum"),
        "boilerplate_lines": share(sum(held), len(lines)),
        "readmore_lines": share(sum(ended), len(lines)),
        "url_chars": share(sum(map(len, addresses)), len(text)),
    }


def measure(text: str, lists: Lists, begins: Sequence[bool] | None = None) -> Found:
    """Every signal of a text; `begins` says of each character whether a Han word may begin."""
    tokens = tokens_of(text, begins)
    return {
        **measure_chars(text, lists),
        **measure_lines(text, lists),
        **measure_tokens(text, tokens),
        **measure_stops(tokens, lists),
        **measure_ngrams(text, tokens),
        **measure_char_ngrams(text),
        **measure_windows(text),
        **measure_phrases(text, lists),
    }
