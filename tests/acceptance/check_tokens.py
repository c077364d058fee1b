"""Whether `annotate.tokens` counts what the tokenizer's own library counts, record by record.

    python tests/acceptance/check_tokens.py --tokenizer models/qwen/tokenizer.json ...

Runs the shipped pipelines on the sample data with `annotate.tokens` at their end; then each record
of their output is counted again: by the library, one text at a time, conversations rendered by
Jinja alone with Qwen's published template.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2
import pyarrow.parquet as pq

from datakit import api
from datakit.tokens.tokenizer import find_tokenizer

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "tests" / "tokens" / "public" / "qwen2_5.jinja"


def library(path: Path) -> Callable[[str], int]:
    """How many tokens the library itself finds in a text."""
    if path.suffix == ".json":
        from tokenizers import Tokenizer

        whole = Tokenizer.from_file(str(path))
        return lambda text: len(whole.encode(text, add_special_tokens=False).ids)
    if path.suffix == ".tiktoken":
        import tiktoken
        from tiktoken.load import load_tiktoken_bpe

        from datakit.tokens.tiktoken_file import KNOWN

        ranks = load_tiktoken_bpe(str(path))
        name, pattern, special = KNOWN[len(ranks)]
        encoding = tiktoken.Encoding(
            name, pat_str=pattern, mergeable_ranks=ranks, special_tokens=special
        )
        return lambda text: len(encoding.encode(text, allowed_special="all"))
    import sentencepiece

    pieces = sentencepiece.SentencePieceProcessor(model_file=str(path))
    return lambda text: len(pieces.encode(text))


def check(name: str, tokenizer: Path, folder: Path) -> int:
    """Records of one pipeline whose counts are equal; it is an error if one is not."""
    text = (ROOT / "pipelines" / name).read_text("utf-8")
    head = text[: text.index("[output]")]
    (folder / name).write_text(
        f'{head}[[stage]]\nuse = "annotate.tokens"\ntokenizer = "{tokenizer}"\ntemplate = "qwen"\n'
        f'[output]\npath = "{folder}/out"\nformat = "records"\n',
        "utf-8",
    )
    api.run(folder / name)
    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(PUBLISHED.read_text("utf-8"))
    count, records = library(find_tokenizer(tokenizer)), 0
    for path in sorted((folder / "out").glob("[tv]*/*.jsonl")):
        side = folder / "out" / "_datakit" / "lineage" / f"{path.stem}.parquet"
        notes = pq.read_table(side)["annotations"].to_pylist()
        lines = path.read_text("utf-8").splitlines()
        for line, note in zip(lines, notes, strict=True):
            row: dict[str, Any] = json.loads(line)
            whole = row["text"] or template.render(messages=json.loads(row["messages"]))
            assert count(whole) == json.loads(note)["n_tokens"], row["id"]
            records += 1
    return records


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokenizer", type=Path, nargs="+", required=True)
    asked = parser.parse_args()
    for tokenizer in asked.tokenizer:
        for name in ("medical.toml", "medical_pretrain.toml"):
            with tempfile.TemporaryDirectory() as folder:
                records = check(name, tokenizer.resolve(), Path(folder))
            print(f"{tokenizer.name}, {name}: {records:,} records, all counts equal", flush=True)


if __name__ == "__main__":
    sys.exit(main())
