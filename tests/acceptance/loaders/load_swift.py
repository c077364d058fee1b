"""ms-swift's own `load_dataset` and template on an output; what is left in the loss goes to a file.

python load_swift.py OUTPUT LAYOUT RESULT, in an interpreter that has ms-swift. The data sets are
those of `swift.yaml`.
"""

import json
import os
import sys
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import yaml
from bytes_tokenizer import bytes_tokenizer
from swift.dataset import load_dataset
from swift.model import get_processor
from swift.template import get_template
from transformers import Qwen2Config

MODES = {"preference": "rlhf", "kto": "kto"}
LENGTH = 1 << 20


def main(output: str, layout: str, result: str) -> None:
    folder = Path(result).parent / "model"
    tokenizer = bytes_tokenizer()
    tokenizer.save_pretrained(folder)
    Qwen2Config(vocab_size=len(tokenizer), max_position_embeddings=LENGTH).save_pretrained(folder)
    os.chdir(output)
    lines = yaml.safe_load(Path("swift.yaml").read_text("utf-8"))
    rows, _ = load_dataset(lines["dataset"], strict=True, load_from_cache_file=False)
    template = get_template(
        get_processor(str(folder), model_type="qwen2"),
        max_length=LENGTH,
        template_type="chatml",
        agent_template="hermes",
        use_chat_template=lines.get("use_chat_template", True),
        loss_scale="default",
    )
    template.set_mode(MODES.get(layout, "train"))
    with Path(result).open("w", encoding="utf-8") as file:
        for row in rows:
            found = loss_of(template.encode(dict(row)), layout, tokenizer)
            file.write(json.dumps(found, ensure_ascii=False) + "\n")
    print(json.dumps({"loader": f"ms-swift {version('ms-swift')}"}))


def loss_of(encoded: dict, layout: str, tokenizer: object) -> dict:
    names = {"preference": ("chosen_labels", "rejected_labels"), "kto": ("chosen_labels",)}
    parts = [encoded[name] for name in names.get(layout, ("labels",))]
    if layout == "pretrain":
        # The first token follows nothing, so its label is -100; bytes of a sign stay together.
        parts = [[*encoded["input_ids"][:1], *parts[0][1:]]]
    text = "\n".join(tokenizer.decode([t for t in part if t != -100]) for part in parts)
    return {"text": text, **({"label": bool(encoded["label"])} if layout == "kto" else {})}


if __name__ == "__main__":
    main(*sys.argv[1:])
