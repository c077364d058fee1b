"""torchtune's own dataset builders on an output; what is left in the loss goes to a file.

python load_torchtune.py OUTPUT LAYOUT RESULT, in an interpreter that has torchtune. The builder
and its arguments are those of `torchtune.yaml`.
"""

import json
import os
import sys
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import torchtune.datasets
import yaml


class Tokenizer:
    """Bytes as tokens, as a model's tokenizer of torchtune would have it."""

    max_seq_len = None

    def encode(self, text: str, add_bos: bool = True, add_eos: bool = True) -> list[int]:
        return list(text.encode())

    def tokenize_messages(self, messages: list, **_: object) -> tuple[list[int], list[bool]]:
        tokens: list[int] = []
        mask: list[bool] = []
        for message in messages:
            new = [*message.text_content.encode(), 10]
            tokens += new
            mask += [message.masked] * len(new)
        return tokens, mask

    def __call__(self, sample: dict, inference: bool = False) -> dict:
        tokens, mask = self.tokenize_messages(sample.pop("messages"))
        return {**sample, "tokens": tokens, "mask": mask}


def main(output: str, layout: str, result: str) -> None:
    os.chdir(output)
    entry = yaml.safe_load(Path("torchtune.yaml").read_text("utf-8"))["dataset"]
    builder = getattr(torchtune.datasets, entry.pop("_component_").rsplit(".", 1)[1])
    if layout in ("chat", "instruct"):
        entry["train_on_input"] = False
    rows = builder(Tokenizer(), **entry)
    names = ("chosen_labels", "rejected_labels") if layout == "preference" else ("labels",)
    with Path(result).open("w", encoding="utf-8") as file:
        for number in range(len(rows)):
            row = rows[number]
            parts = [bytes(int(t) for t in row[name] if t != -100).decode() for name in names]
            file.write(json.dumps({"text": "\n".join(parts)}, ensure_ascii=False) + "\n")
    print(json.dumps({"loader": f"torchtune {version('torchtune')}"}))


if __name__ == "__main__":
    main(*sys.argv[1:])
