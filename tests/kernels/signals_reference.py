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
ENDS = "…,:;!?¿؟¡()[]{}<>_#*&—–。？！，、；：～·।،۔؛٪'\"”“`‘´’‚„»«「」『』（）〔〕【】《》〈〉⟦⟧"
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


def is_picture(c: str) -> bool:
    return c == "…" or unicodedata.category(c) == "So"


def is_front(c: str) -> bool:
    return c in ENDS + "§%=" or is_picture(c) or unicodedata.category(c) == "Sc"


def is_break(c: str) -> bool:
    return c.isspace() or unicodedata.category(c) in ("Cc", "Cf")


def tokens_of(text: str, begins: Sequence[bool] | None = None) -> list[Token]:
    """Tokens by the catalogue's words, or where `begins` and spaces say."""
    found: list[Token] = []
    i = 0
    while i < len(text):
        start = i
        i += 1
        if is_break(text[start]):
            continue
        if begins is not None:
            while i < len(text) and not is_break(text[i]) and not begins[i]:
                i += 1
            pieces = [text[start:i]]
        elif is_solo(text[start]):
            while i < len(text) and is_combining(text[i]) and not is_solo(text[i]):
                i += 1
            pieces = [text[start:i]]
        else:
            while i < len(text) and not is_break(text[i]) and not is_solo(text[i]):
                i += 1
            pieces = part_chunk(text[start:i])
        for piece in pieces:
            is_word = any(c.isalnum() or is_combining(c) for c in piece)
            found.append((piece, start, is_word))
            start += len(piece)
    return found


def part_chunk(chunk: str) -> list[str]:
    if dots := re.match(r"\.\.+", chunk):
        return [dots[0], *part_chunk(chunk[dots.end() :])]
    if chunk and is_front(chunk[0]):
        return [chunk[0], *part_chunk(chunk[1:])]
    behind: list[str] = []
    while chunk and (mark := mark_at_end(chunk)):
        behind.insert(0, mark)
        chunk = chunk[: -len(mark)]
    return part_core(chunk) + behind if chunk else behind


def mark_at_end(chunk: str) -> str:
    if dots := re.search(r"\.+$", chunk):
        before, earlier = chunk[: dots.start()][-1:], chunk[: dots.start()][-2:-1]
        alone = before.isalpha() and earlier in ("", ".")
        capital = is_capital(before) and not is_capital(earlier)
        keeps = before == "" or alone or capital
        return "" if len(dots[0]) == 1 and keeps else dots[0]
    if re.search("[0-9]%$", chunk):
        return "%"
    return chunk[-1] if chunk[-1] in ENDS or is_picture(chunk[-1]) else ""


def is_capital(c: str) -> bool:
    return c.isupper() and c.isalpha()


def part_core(core: str) -> list[str]:
    cuts, i = {0, len(core)}, 0
    while i < len(core):
        before, c, rest = core[:i][-1:], core[i], core[i + 1 :]
        if re.match("://", core[i:]) and is_letter_or_digit(before):
            break
        size = size_of_mark(before, core[i:])
        if size:
            cuts |= {i, i + size}
        if c in "'’" and is_plain(before) and rest[:1].isalpha() and len(rest) <= 2:
            cuts.add(i)
        i += max(size, 1)
    return [core[a:b] for a, b in itertools.pairwise(sorted(cuts))]


def is_plain(c: str) -> bool:
    return c != "" and (c.isalnum() or is_combining(c))


def is_letter_or_digit(c: str) -> bool:
    return c.isalpha() or re.fullmatch("[0-9]", c) is not None


def size_of_mark(before: str, rest: str) -> int:
    """Characters of the mark at the front of `rest` that parts a core; 0 if none does."""
    if dots := re.match(r"\.\.+", rest):
        return dots.end()
    mark, after = rest[0], rest[1:2]
    is_behind = is_letter_or_digit(before)
    by_letters = {
        ".": before.isalpha() and not is_capital(before) and is_capital(after),
        ",": before.isalpha() and after.isalpha(),
    }
    parts = is_picture(mark) or by_letters.get(mark, False)
    parts |= is_behind and before.isdigit() and re.match("[-+*^][0-9-]", rest) is not None
    parts |= is_behind and mark in ":<>=/" and after.isalpha()
    if parts:
        return 1
    dashes = re.match("-{1,3}|–{1,3}|—{1,3}|~{1,3}", rest) if is_behind else None
    return dashes.end() if dashes and rest[dashes.end() :][:1].isalpha() else 0


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


def is_initial(line: str, at: int) -> bool:
    """Whether a single Latin letter stands before a place, no other character of a word beside."""
    before = re.search(r"(?:^|.)(.)$", line[:at], flags=re.DOTALL)
    if not before or script(before[1]) != LATIN:
        return False
    earlier = line[: at - 1]
    if re.search(r"['’]$", earlier) and len(earlier) > 1:
        return not (earlier[-2].isalpha() and not is_solo(earlier[-2]))
    while earlier and is_combining(earlier[-1]):
        earlier = earlier[:-1]
    if len(earlier) < at - 1:
        return bool(earlier) and is_solo(earlier[-1])
    return not earlier or not earlier[-1].isalnum() or is_solo(earlier[-1])


def sentences_of(line: str) -> int:
    """Sentences of a line."""
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
            if is_initial(line, run.start()):
                continue
        while re.match(f"[{closers}]", line[i : i + 1]):
            i += 1
        pieces.append(line[begin:i])
        begin = i
    pieces.append(line[begin:])
    return sum(any(map(str.isalnum, piece)) for piece in pieces)


def measure_lines(text: str, lists: Lists) -> Found:
    stripped = [line.strip() for line in text.split("\n")]
    kept = [line.rstrip() for line in text.split("\n")]
    lines, inked = [line for line in kept if line], [line for line in stripped if line]
    paragraphs = [p for p in re.split(r"\n\n+", "\n".join(kept).strip("\n")) if p]
    marks, solid = lists["end_marks"], len(text) - text.count("\n")
    dup_lines, dup_line_chars = repeats(lines)
    dup_paragraphs, dup_paragraph_chars = repeats(paragraphs)

    def part(has: object, own: Sequence[str] = lines) -> float:
        return share(sum(map(has, own)), len(lines))  # type: ignore[call-overload]

    return {
        "lines": len(lines),
        "sentences": sum(map(sentences_of, inked)),
        "newlines": text.count("\n"),
        "mean_line_chars": len(text) / len(stripped),
        "max_line_chars": max(map(len, lines), default=0),
        "end_mark_lines": part(lambda line: line[-1] in marks),
        "closed_lines": part(lambda line: is_closed(line, marks), inked),
        "short_lines": part(lambda line: len(line) <= 30),
        "bullet_lines": part(lambda line: line[0] in BULLETS, inked),
        "ellipsis_lines": part(lambda line: line.endswith(("...", "…"))),
        "dup_lines": share(dup_lines, len(lines)),
        "dup_line_chars": share(dup_line_chars, solid),
        "dup_paragraphs": share(dup_paragraphs, len(paragraphs)),
        "dup_paragraph_chars": share(dup_paragraph_chars, solid),
    }


def measure_tokens(text: str, tokens: Sequence[Token]) -> Found:
    words = [token for token, _, is_word in tokens if is_word]
    dots = sum(len(run) // 3 for run in re.findall(r"\.+", text))
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
    ngram, most = max(times.items(), key=lambda each: each[1], default=((), 0))
    return most * sizes[ngram] if most > 1 else 0


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
