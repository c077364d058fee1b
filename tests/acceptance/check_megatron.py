"""Whether Megatron's own reader gives back what `write.megatron` wrote.

    python tests/acceptance/check_megatron.py --python VENV/bin/python --megatron SOURCE

The venv has torch (for the CPU) and numpy; SOURCE is a folder with Megatron-LM's `megatron/`.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from datakit.stages.write.megatron import MegatronSink
from datakit.testing import make_batch
from datakit.tokens.tokenizer import open_tokenizer

TEXTS = ["患者每日三次", "the dose of <|im_end|>", "😀" * 300, "a"] * 250


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", required=True)
    parser.add_argument("--megatron", required=True)
    parser.add_argument("--tokenizer", type=Path, help="a tokenizer, else a small one made here")
    asked = parser.parse_args()
    sys.path.append(str(Path(__file__).parents[1]))
    from tiny_tokenizer import write_tokenizer

    with tempfile.TemporaryDirectory() as name:
        path = asked.tokenizer or write_tokenizer(Path(name))
        sink = MegatronSink(tokenizer=path)
        table = sink.encode(make_batch([{"text": text} for text in TEXTS]))
        sink.write(iter([table.drop_columns("_size")]), Path(name) / "x.bin")
        script = Path(__file__).with_name("megatron_reader.py")
        done = subprocess.run(
            [asked.python, str(script), asked.megatron, f"{name}/x"],
            capture_output=True,
            text=True,
            check=True,
        )
        tokenizer = open_tokenizer(path).tokenizer
    found = json.loads(done.stdout.splitlines()[-1])
    whole = [tokenizer.encode([text], special=False).ids.tolist() for text in TEXTS]
    assert [ids[:-1] for ids in found["documents"]] == whole
    assert len({ids[-1] for ids in found["documents"]}) == 1
    assert found["ends"] == list(range(len(TEXTS) + 1))
    print(f"{len(TEXTS)} documents read back equal, {found['type']}")


if __name__ == "__main__":
    main()
