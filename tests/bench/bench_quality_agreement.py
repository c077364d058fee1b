"""How often each rule of a preset decides as datatrove's filter of the same rule does.

    python tests/bench/bench_quality_agreement.py gopher-en corpus.jsonl [more.jsonl ...] \
        --peer /path/to/venv/bin/python

The peer's venv needs `datatrove[processing]` and, for Chinese, `jieba`; the script calls itself
there. Presets: gopher-en, fineweb-en, c4-en (with `clean.lines` before it), fineweb2-zh. Documents
are every n-th of the files, at most `--limit` of at most `--max-chars` characters. Each rule is
asked by itself. Columns: documents that fail both, only here, only there; agreement in per cent, of
all and of those with 50 words or more (shorter ones fail another rule anyway).
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

NEVER = 10**9
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


def verdicts_of_peer(texts: Sequence[str], job: dict[str, Any]) -> dict[str, list[bool]]:
    """Run in the peer's venv: for each rule, which texts fail."""
    from datatrove.data import Document
    from datatrove.pipeline import filters
    from datatrove.pipeline.filters import (
        fineweb_quality_filter,
        gopher_quality_filter,
        gopher_repetition_filter,
    )
    from datatrove.utils.word_tokenizers import load_word_tokenizer

    words: dict[str, list[str]] = {}
    tokenizer = load_word_tokenizer(job["language"])

    def split(text: str, _: str) -> list[str]:
        if text not in words:
            words[text] = tokenizer.word_tokenize(text)
        return words[text]

    for module in (fineweb_quality_filter, gopher_quality_filter, gopher_repetition_filter):
        module.split_into_words = split
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
        reasons = [judge.filter(Document(text=text, id="")) for text in texts]
        found[rule] = [r is not True and REASONS.get(rule, "") in str(r) for r in reasons]
    return found


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
    import polars as pl

    from datakit.presets.load import load_preset
    from datakit.signals import measure
    from datakit.text.word_lists import word_lists

    rules = {}
    for rule in load_preset(preset).rules:
        if (settings := peer_settings(preset, rule.name, rule.threshold)) is not None:
            rules[rule.name] = settings
    chinese = preset == "fineweb2-zh"
    stops = list(word_lists()["fineweb2_zh_stops"]) if chinese else []
    job = {"rules": rules, "language": "cmn_Hani" if chinese else "eng_Latn", "stops": stops}
    with tempfile.TemporaryDirectory() as folder:
        given, answer = Path(folder) / "job.json", Path(folder) / "answer.json"
        given.write_text(json.dumps({"texts": texts, "job": job}))
        subprocess.run([peer, __file__, "--as-peer", given, answer], check=True)
        theirs = json.loads(answer.read_text())
    ours = {rule: found for rule, found in verdicts_here(texts, preset).items() if rule in rules}
    is_long = (measure(pl.Series(texts), ["jieba_words"])["jieba_words"] >= 50).to_list()
    print(f"{preset}, {len(texts):,} documents, of these {sum(is_long):,} of 50 words or more\n")
    print("| rule | both | only here | only there | % | % of 50 words or more |")
    print("|---|---|---|---|---|---|")
    whole = {"all rules": [any(row) for row in zip(*ours.values(), strict=True)]}
    peer_whole = {"all rules": [any(row) for row in zip(*theirs.values(), strict=True)]}
    for rule in [*rules, "all rules"]:
        pairs = list(zip((ours | whole)[rule], (theirs | peer_whole)[rule], strict=True))
        long = [pair for pair, long in zip(pairs, is_long, strict=True) if long]
        counts = [str(pairs.count(pair)) for pair in ((True, True), (True, False), (False, True))]
        shares = [f"{agreement(each):.2f}" for each in (pairs, long)]
        print("| " + " | ".join([rule, *counts, *shares]) + " |")


def agreement(pairs: Sequence[tuple[bool, bool]]) -> float:
    """Per cent of pairs whose two are the same."""
    return 100 * sum(here == there for here, there in pairs) / max(1, len(pairs))


def read_texts(paths: Sequence[Path], limit: int, max_chars: int) -> list[str]:
    """Every n-th of the documents that are not too long, without spaces at the ends of lines."""
    texts = [json.loads(line)["text"] for path in paths for line in path.open(encoding="utf-8")]
    texts = ["\n".join(line.rstrip() for line in text.splitlines()) for text in texts]
    fitting = [text for text in texts if text.strip() and len(text) <= max_chars]
    return fitting[:: max(1, -(-len(fitting) // limit))]


def main(arguments: Sequence[str]) -> None:
    if arguments[:1] == ["--as-peer"]:
        given = json.loads(Path(arguments[1]).read_text())
        Path(arguments[2]).write_text(json.dumps(verdicts_of_peer(given["texts"], given["job"])))
        return
    parser = argparse.ArgumentParser(description="Agreement of rules with datatrove's.")
    parser.add_argument("preset")
    parser.add_argument("corpora", nargs="+", type=Path)
    parser.add_argument("--peer", required=True)
    parser.add_argument("--limit", type=int, default=1000)
    parser.add_argument("--max-chars", type=int, default=20_000)
    options = parser.parse_args(arguments)
    texts = read_texts(options.corpora, options.limit, options.max_chars)
    compare(options.preset, texts, options.peer)


if __name__ == "__main__":
    main(sys.argv[1:])
