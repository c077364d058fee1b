"""LLaMA-Factory's own `get_dataset` on an output; what is left in the loss goes to a file.

python load_llamafactory.py OUTPUT LAYOUT RESULT, in an interpreter that has LLaMA-Factory.
"""

import json
import os
import sys
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

from bytes_tokenizer import bytes_tokenizer
from llamafactory.data import get_dataset, get_template_and_fix_tokenizer
from llamafactory.hparams import DataArguments, ModelArguments, TrainingArguments

STAGES = {"pretrain": "pt", "ranking": "rm", "kto": "kto"}


def main(output: str, layout: str, result: str) -> None:
    stage = STAGES.get(layout, "sft")
    tokenizer = bytes_tokenizer()
    data = DataArguments(
        template="qwen",
        dataset="dialogues",
        dataset_dir=output,
        cutoff_len=1 << 20,
        overwrite_cache=True,
        packing=False,
    )
    template = get_template_and_fix_tokenizer(tokenizer, data)
    training = TrainingArguments(output_dir=str(Path(result).parent / "trainer"), use_cpu=True)
    model = ModelArguments(model_name_or_path="none", cache_dir=str(Path(result).parent / "cache"))
    module = get_dataset(template, model, data, training, stage=stage, tokenizer=tokenizer)
    rows = module["train_dataset"]
    with Path(result).open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(loss_of(row, tokenizer, stage), ensure_ascii=False) + "\n")
    print(json.dumps({"loader": f"llamafactory {version('llamafactory')}"}))


def loss_of(row: dict, tokenizer: object, stage: str) -> dict:
    if stage == "rm":
        parts = [row["chosen_labels"], row["rejected_labels"]]
    elif stage == "pt":
        parts = [row["input_ids"]]
    else:
        parts = [row["labels"]]
    ids = [[token for token in part if token != -100] for part in parts]
    found = {"text": "\n".join(tokenizer.decode(part) for part in ids)}
    if stage == "kto":
        found["label"] = bool(row["kto_tags"])
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
