"""TRL's own `get_dataset` and trainers on an output; what is left in the loss goes to a file.

python load_trl.py OUTPUT LAYOUT RESULT, in an interpreter that has TRL.
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
from transformers import LlamaConfig, LlamaForCausalLM
from trl import DatasetMixtureConfig, SFTConfig, SFTTrainer, get_dataset

LENGTH = 1 << 17


def main(output: str, layout: str, result: str) -> None:
    os.chdir(output)
    mixture = yaml.safe_load(Path("trl.yaml").read_text(encoding="utf-8"))
    rows = get_dataset(DatasetMixtureConfig(**mixture))["train"]
    tokenizer = bytes_tokenizer()
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=8,
            intermediate_size=8,
            num_hidden_layers=1,
            num_attention_heads=1,
        )
    )
    # DPO and KTO load the reference model from where the model came from.
    saved = str(Path(result).parent / "model")
    model.save_pretrained(saved)
    model = LlamaForCausalLM.from_pretrained(saved)
    folder = str(Path(result).parent / "trainer")
    shared = {"output_dir": folder, "use_cpu": True, "report_to": "none", "max_length": LENGTH}
    if layout == "preference":
        from trl import DPOConfig, DPOTrainer

        trainer = DPOTrainer(
            model, args=DPOConfig(**shared), train_dataset=rows, processing_class=tokenizer
        )
        losses = [pair(row, tokenizer) for row in trainer.train_dataset]
    elif layout == "unpaired":
        losses = kto(model, shared, rows, tokenizer)
    else:
        is_chat = layout == "conversational"
        trainer = SFTTrainer(
            model,
            args=SFTConfig(**shared, assistant_only_loss=is_chat),
            train_dataset=rows,
            processing_class=tokenizer,
        )
        losses = [{"text": trained(row, tokenizer)} for row in trainer.train_dataset]
    with Path(result).open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in losses)
    print(json.dumps({"loader": f"trl {version('trl')}"}))


def trained(row: dict, tokenizer: object) -> str:
    ids = row["input_ids"]
    mask = row.get("assistant_masks") or row.get("completion_mask")
    if row.get("labels"):
        ids = [token for token in row["labels"] if token != -100]
    elif mask:
        ids = [token for token, kept in zip(ids, mask, strict=True) if kept]
    return tokenizer.decode(ids)


def pair(row: dict, tokenizer: object) -> dict:
    return {
        "text": "\n".join(tokenizer.decode(row[name]) for name in ("chosen_ids", "rejected_ids"))
    }


def kto(model: object, shared: dict, rows: object, tokenizer: object) -> list[dict]:
    try:
        from trl import KTOConfig, KTOTrainer
    except ImportError:
        from trl.experimental.kto import KTOConfig, KTOTrainer

    trainer = KTOTrainer(
        model, args=KTOConfig(**shared), train_dataset=rows, processing_class=tokenizer
    )
    names = trainer.train_dataset.column_names
    ids = next(
        n for n in ("completion_ids", "completion_input_ids", "completion_labels") if n in names
    )
    return [
        {
            "text": tokenizer.decode([t for t in row[ids] if t != -100]),
            "label": bool(row["label"]),
        }
        for row in trainer.train_dataset
    ]


if __name__ == "__main__":
    main(*sys.argv[1:])
