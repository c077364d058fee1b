"""How often each rule of a preset decides as datatrove's filter of the same rule does.

    python tests/bench/bench_quality_agreement.py gopher-en corpus.jsonl [more.jsonl ...] \
        --peer /path/to/venv/bin/python

The peer's venv needs `datatrove[processing]` and, for Chinese, `jieba`; the script calls itself
there. Presets: gopher-en, fineweb-en, c4-en (with `clean.lines` before it), fineweb2-zh,
fineweb2-yue. Documents are every n-th of each `source` in the files, at most `--limit` of each,
of at most `--max-chars` characters. Each rule is asked by itself.

Columns: documents that fail both, only here, only there; agreement in per cent; and agreement with
the original corrected, where a fault of it is known and not copied: an n-gram that occurs once is
no repetition; an n-gram has as many characters as it has in the text, not a space between all of
its words; blank lines are no lines; a stop word is one at the start of a sentence too.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

WORDS: dict[str, list["Placed"]] = {}
LOWER = {"on": False}
NEVER = 10**9
LANGUAGES = {
    "fineweb2-zh": ("cmn_Hani", "fineweb2_zh_stops"),
    "fineweb2-yue": ("yue_Hani", "fineweb2_yue_stops"),
}
"""The peer's name for the language, and the list of stop words; English where none is given."""
OFF_QUALITY = {
    "min_doc_words": None, "max_doc_words": None, "min_avg_word_length": None,
    "max_avg_word_length": None, "max_symbol_word_ratio": None, "max_bullet_lines_ratio": None,
    "max_ellipsis_lines_ratio": None, "max_non_alpha_words_ratio": None, "min_stop_words": None,
}  # fmt: skip
OFF_REPETITION = {
    "dup_line_frac": None, "dup_para_frac": None, "dup_line_char_frac": None,
    "dup_para_char_frac": None, "top_n_grams": (), "dup_n_grams": (),
}  # fmt: skip
OFF_FINEWEB = {
    "line_punct_thr": 0, "short_line_thr": NEVER, "char_duplicates_ratio": NEVER,
    "new_line_ratio": NEVER,
}  # fmt: skip
OFF_C4 = {"min_num_sentences": -1, "filter_lorem_ipsum": False, "filter_curly_bracket": False,
          "min_words_per_line": 5}  # fmt: skip
WHERE = {
    "too_few_words": ("quality", "min_doc_words"),
    "too_many_words": ("quality", "max_doc_words"),
    "short_words": ("quality", "min_avg_word_length"),
    "long_words": ("quality", "max_avg_word_length"),
    "many_hashes": ("quality", "max_symbol_word_ratio"),
    "many_ellipses": ("quality", "max_symbol_word_ratio"),
    "bullet_lines": ("quality", "max_bullet_lines_ratio"),
    "ellipsis_lines": ("quality", "max_ellipsis_lines_ratio"),
    "few_alpha_words": ("quality", "max_non_alpha_words_ratio"),
    "few_stop_words": ("quality", "min_stop_words"),
    "dup_lines": ("repetition", "dup_line_frac"),
    "dup_paragraphs": ("repetition", "dup_para_frac"),
    "dup_paragraph_chars": ("repetition", "dup_para_char_frac"),
    "few_end_marks": ("fineweb", "line_punct_thr"),
    "short_lines": ("fineweb", "short_line_thr"),
    "many_newlines": ("fineweb", "new_line_ratio"),
    "dup_line_chars": ("fineweb", "char_duplicates_ratio"),
}
"""Filter and setting of the peer for each rule; n-grams apart."""
C4 = {"lorem_ipsum": {"filter_lorem_ipsum": True}, "curly_brackets": {"filter_curly_bracket": True},
      "too_few_sentences": {"min_num_sentences": 3}}  # fmt: skip
OFF = {"quality": OFF_QUALITY, "repetition": OFF_REPETITION, "fineweb": OFF_FINEWEB}
REASONS = {"many_hashes": "hashes", "many_ellipses": "too_many_ellipsis"}
"""What the peer's reason holds where a setting serves two rules."""


def peer_settings(preset: str, rule: str, threshold: float) -> tuple[str, dict[str, Any]] | None:
    """The peer's filter and settings that ask this rule alone; None if it has no such rule."""
    number: Any = threshold if threshold % 1 else int(threshold)
    if preset == "c4-en":
        return ("c4", OFF_C4 | C4[rule]) if rule in C4 else None
    kind, key = WHERE.get(rule, ("repetition", ""))
    if preset == "gopher-en" and rule == "dup_line_chars":
        kind, key = "repetition", "dup_line_char_frac"
    if not key:
        which, size, _ = rule.split("_")
        key, number = f"{which}_n_grams", ((int(size), number),)
    return kind, OFF[kind] | {key: number}


def verdicts_of_peer(
    texts: Sequence[str], job: dict[str, Any], *, corrected: bool
) -> dict[str, list[bool]]:
    """Run in the peer's venv: for each rule, which texts fail."""
    from datatrove.data import Document
    from datatrove.pipeline import filters
    from datatrove.pipeline.filters import gopher_repetition_filter

    use_words_once(job["language"], is_english=job["language"].startswith("eng") and corrected)
    if corrected:
        gopher_repetition_filter.get_n_grams = spans_of_n_grams
        gopher_repetition_filter.find_top_duplicate = chars_of_most_frequent
    kinds = {
        "quality": filters.GopherQualityFilter,
        "repetition": filters.GopherRepetitionFilter,
        "fineweb": filters.FineWebQualityFilter,
        "c4": filters.C4QualityFilter,
    }
    found: dict[str, list[bool]] = {}
    for rule, (kind, settings) in job["rules"].items():
        more = {"stop_words": job["stops"]} if rule == "few_stop_words" and job["stops"] else {}
        judge = kinds[kind](language=job["language"], **settings, **more)
        given = texts
        if corrected and rule in ("bullet_lines", "ellipsis_lines"):
            given = ["\n".join(filter(str.strip, text.split("\n"))) for text in texts]
        LOWER["on"] = rule == "few_stop_words"
        reasons = [judge.filter(Document(text=text, id="")) for text in given]
        found[rule] = [r is not True and REASONS.get(rule, "") in str(r) for r in reasons]
    return found


def use_words_once(language: str, *, is_english: bool) -> None:
    """Let the peer's filters cut each text into words once; in lower case for English stop words,
    and each word with the place it has in the text.
    """
    from datatrove.pipeline.filters import (
        fineweb_quality_filter,
        gopher_quality_filter,
        gopher_repetition_filter,
    )
    from datatrove.utils.word_tokenizers import load_word_tokenizer

    tokenizer = load_word_tokenizer(language)

    def split(text: str, _: str) -> list[str]:
        if text not in WORDS:
            WORDS[text] = [*placed(text, tokenizer.word_tokenize(text))]
        return [word.lower() for word in WORDS[text]] if LOWER["on"] and is_english else WORDS[text]

    for module in (fineweb_quality_filter, gopher_quality_filter, gopher_repetition_filter):
        module.split_into_words = split


class Placed(str):
    """A word, and whether a space stands before it."""

    spaced = False


def placed(text: str, words: Sequence[str]) -> Iterator[Placed]:
    """Words with what stands before them."""
    at = 0
    for word in words:
        start = text.index(word, at)
        found = Placed(word)
        found.spaced = start > at
        at = start + len(word)
        yield found


def spans_of_n_grams(words: Sequence[Placed], n: int) -> list[tuple[str, int]]:
    """n-grams, each with the characters it has in the text."""
    parts = [words[i : i + n] for i in range(len(words) - n + 1)]
    return [(" ".join(p), sum(map(len, p)) + sum(w.spaced for w in p[1:])) for p in parts]


def chars_of_most_frequent(n_grams: Sequence[tuple[str, int]]) -> int:
    """Characters that the most frequent n-gram covers, if it occurs twice."""
    n_gram, times = Counter(n_gram for n_gram, _ in n_grams).most_common(1)[0]
    return times * dict(reversed(n_grams))[n_gram] if times > 1 else 0


def verdicts_here(texts: Sequence[str], preset: str) -> dict[str, list[bool]]:
    import polars as pl

    from datakit.presets.load import load_preset
    from datakit.stages.filter.quality import QualityFilter

    batch = pl.DataFrame({"text": texts})
    if preset == "c4-en":
        from datakit.stages.clean.lines import LineCleaner

        batch = LineCleaner(preset="c4-en").map(batch)
    names = [rule.name for rule in load_preset(preset).rules]
    found = {}
    for name in names:
        alone = QualityFilter(preset=preset, skip=tuple(n for n in names if n != name))
        found[name] = alone.reject(batch)["reason"].is_not_null().to_list()
    return found


def compare(preset: str, texts: Sequence[str], peer: str) -> None:
    from datakit.presets.load import load_preset
    from datakit.text.word_lists import word_lists

    rules = {}
    for rule in load_preset(preset).rules:
        if (settings := peer_settings(preset, rule.name, rule.threshold)) is not None:
            rules[rule.name] = settings
    language, stops = LANGUAGES.get(preset, ("eng_Latn", ""))
    words = list(word_lists()[stops]) if stops else []
    job = {"rules": rules, "language": language, "stops": words}
    with tempfile.TemporaryDirectory() as folder:
        given, answer = Path(folder) / "job.json", Path(folder) / "answer.json"
        given.write_text(json.dumps({"texts": texts, "job": job}))
        subprocess.run([peer, __file__, "--as-peer", given, answer], check=True)
        as_is, corrected = json.loads(answer.read_text())
    ours = {rule: found for rule, found in verdicts_here(texts, preset).items() if rule in rules}
    print(f"{preset}, {len(texts):,} documents\n")
    print("| rule | both | only here | only there | % | % of the corrected original |")
    print("|---|---|---|---|---|---|")
    for found in (ours, as_is, corrected):
        found["all rules"] = [any(row) for row in zip(*found.values(), strict=True)]
    for rule, here in ours.items():
        pairs = list(zip(here, as_is[rule], strict=True))
        counts = [str(pairs.count(pair)) for pair in ((True, True), (True, False), (False, True))]
        shares = [agreement(pairs), agreement([*zip(here, corrected[rule], strict=True)])]
        print("| " + " | ".join([rule, *counts, *(f"{share:.2f}" for share in shares)]) + " |")


def agreement(pairs: Sequence[tuple[bool, bool]]) -> float:
    """Per cent of pairs whose two are the same."""
    return 100 * sum(here == there for here, there in pairs) / max(1, len(pairs))


def read_texts(paths: Sequence[Path], limit: int, max_chars: int) -> list[str]:
    """Every n-th of each source's documents that are not too long, without spaces at the ends of
    lines, so that at most `limit` of each source come.
    """
    sources: dict[str, list[str]] = {}
    for path in paths:
        for line in path.open(encoding="utf-8"):
            row = json.loads(line)
            text = "\n".join(line.rstrip() for line in row["text"].splitlines())
            if text.strip() and len(text) <= max_chars:
                sources.setdefault(row.get("source", path.stem), []).append(text)
    chosen = [texts[:: max(1, -(-len(texts) // limit))] for texts in sources.values()]
    return [text for texts in chosen for text in texts]


def main(arguments: Sequence[str]) -> None:
    if arguments[:1] == ["--as-peer"]:
        given = json.loads(Path(arguments[1]).read_text())
        found = [verdicts_of_peer(**given, corrected=corrected) for corrected in (False, True)]
        Path(arguments[2]).write_text(json.dumps(found))
        return
    parser = argparse.ArgumentParser(description="Agreement of rules with datatrove's.")
    parser.add_argument("preset")
    parser.add_argument("corpora", nargs="+", type=Path)
    parser.add_argument("--peer", required=True)
    parser.add_argument("--limit", type=int, default=200)
    parser.add_argument("--max-chars", type=int, default=20_000)
    options = parser.parse_args(arguments)
    texts = read_texts(options.corpora, options.limit, options.max_chars)
    compare(options.preset, texts, options.peer)


if __name__ == "__main__":
    main(sys.argv[1:])
