"""axolotl's own preparation of data sets on an output; what is left in the loss goes to a file.

python load_axolotl.py OUTPUT LAYOUT RESULT, in an interpreter that has axolotl. The data sets are
those of `axolotl.yaml`.
"""

import json
import os
import sys
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import yaml
from axolotl.utils.data.rl import _load_split
from axolotl.utils.data.sft import _load_raw_datasets
from axolotl.utils.dict import DictDefault
from bytes_tokenizer import bytes_tokenizer

LENGTH = 1 << 20


def main(output: str, layout: str, result: str) -> None:
    tokenizer = bytes_tokenizer()
    folder = Path(result).parent / "model"
    tokenizer.save_pretrained(folder)
    os.chdir(output)
    lines = yaml.safe_load(Path("axolotl.yaml").read_text("utf-8"))
    cfg = DictDefault(
        {
            **lines,
            "sequence_len": LENGTH,
            "tokenizer_config": str(folder),
            "base_model": str(folder),
            "train_on_inputs": False,
            "dataset_prepared_path": str(Path(result).parent / "prepared"),
            "dataset_processes": 1,
            "dataset_num_proc": 1,
            "shuffle_merged_datasets": False,
            "excess_length_strategy": "raise",
            "is_preprocess": True,
            "chat_template": "tokenizer_default",
        }
    )
    if "rl" in lines:
        rows = _load_split(cfg, "train")
    else:
        rows, _ = _load_raw_datasets(cfg, cfg.datasets, tokenizer, "train")
    with Path(result).open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(loss_of(row, layout, tokenizer), ensure_ascii=False) + "\n")
    print(json.dumps({"loader": f"axolotl {version('axolotl')}"}))


def loss_of(row: dict, layout: str, tokenizer: object) -> dict:
    if layout == "preference":
        return {"text": row["chosen"] + "\n" + row["rejected"]}
    if layout == "kto":
        return {"text": row["completion"], "label": row["label"]}
    return {"text": tokenizer.decode([token for token in row["labels"] if token != -100])}


if __name__ == "__main__":
    main(*sys.argv[1:])
