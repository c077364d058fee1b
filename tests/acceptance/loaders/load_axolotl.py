"""axolotl's own `preprocess` on an output; what is left in the loss goes to a file.

python load_axolotl.py OUTPUT LAYOUT RESULT, in an interpreter that has axolotl. The data sets are
those of `axolotl.yaml`; preferences and KTO go on to axolotl's trainers, which make the tokens.
"""

import json
import os
import sys
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
os.environ.setdefault("AXOLOTL_DO_NOT_TRACK", "1")
os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")

import yaml
from axolotl.cli.config import load_cfg
from axolotl.common.datasets import load_datasets, load_preference_datasets
from bytes_tokenizer import bytes_tokenizer
from transformers import LlamaConfig, LlamaForCausalLM

LENGTH = 1 << 20


def main(output: str, layout: str, result: str) -> None:
    folder = Path(result).parent
    tokenizer = bytes_tokenizer()
    write_model(folder / "model", tokenizer)
    os.chdir(output)
    lines = yaml.safe_load(Path("axolotl.yaml").read_text("utf-8"))
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump({**lines, **settings(folder)}), "utf-8")
    cfg = load_cfg(str(config))
    load = load_preference_datasets if "rl" in lines else load_datasets
    rows = load(cfg=cfg).train_dataset
    if "rl" in lines:
        rows = tokenized(rows, lines["rl"], folder, tokenizer)
    with Path(result).open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(loss_of(row, layout, tokenizer), ensure_ascii=False) + "\n")
    print(json.dumps({"loader": f"axolotl {version('axolotl')}"}))


def settings(folder: Path) -> dict:
    """What a user adds to the lines: a model, where things go, that nothing is cut or mixed."""
    return {
        "base_model": str(folder / "model"),
        "sequence_len": LENGTH,
        "excess_length_strategy": "raise",
        "chat_template": "tokenizer_default",
        "train_on_inputs": False,
        "val_set_size": 0.0,
        "shuffle_merged_datasets": False,
        "dataset_num_proc": 1,
        "dataset_prepared_path": str(folder / "prepared"),
        "output_dir": str(folder / "trainer"),
        "micro_batch_size": 1,
        "gradient_accumulation_steps": 1,
        "num_epochs": 1,
        "learning_rate": 1e-5,
        "optimizer": "adamw_torch",
        "bf16": False,
        "is_preprocess": True,
    }


def write_model(folder: Path, tokenizer: object) -> None:
    tokenizer.save_pretrained(folder)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        max_position_embeddings=LENGTH,
    )
    LlamaForCausalLM(config).save_pretrained(folder)


def tokenized(rows: object, kind: str, folder: Path, tokenizer: object) -> object:
    """The rows as the trainer of preferences has them."""
    from axolotl.core.trainers import trl as kto
    from axolotl.core.trainers.dpo import trainer as dpo
    from axolotl.core.trainers.dpo.args import AxolotlDPOConfig
    from axolotl.core.training_args import AxolotlKTOConfig

    trainer, config = {
        "dpo": (dpo.AxolotlDPOTrainer, AxolotlDPOConfig),
        "kto": (kto.AxolotlKTOTrainer, AxolotlKTOConfig),
    }[kind]
    args = config(
        output_dir=str(folder / "trainer"), use_cpu=True, report_to="none", max_length=LENGTH
    )
    model = LlamaForCausalLM.from_pretrained(folder / "model")
    return trainer(
        model=model, args=args, train_dataset=rows, processing_class=tokenizer
    ).train_dataset


def loss_of(row: dict, layout: str, tokenizer: object) -> dict:
    names = {"preference": ("chosen_ids", "rejected_ids"), "kto": ("completion_ids",)}
    parts = [row[name] for name in names.get(layout, ("labels",))]
    text = "\n".join(tokenizer.decode([t for t in part if t != -100]) for part in parts)
    return {"text": text, **({"label": bool(row["label"])} if layout == "kto" else {})}


if __name__ == "__main__":
    main(*sys.argv[1:])
