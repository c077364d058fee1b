"""Megatron-Bridge's own data sets for fine-tuning on an output; what is in the loss goes to a file.

python load_nemo.py OUTPUT LAYOUT RESULT, in an interpreter that has megatron-core and, without what
it asks for, megatron-bridge. NeMo 2.5 had the same data sets in `nemo.collections.llm`.
"""

import importlib
import json
import os
import sys
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

from bytes_tokenizer import bytes_tokenizer

LENGTH = 1 << 20


def bridge(name: str) -> ModuleType:
    """A module of Megatron-Bridge, whose `__init__` would load models for GPUs."""
    import megatron

    package = ModuleType("megatron.bridge")
    package.__path__ = [f"{folder}/bridge" for folder in megatron.__path__]
    sys.modules.setdefault("megatron.bridge", package)
    return importlib.import_module(f"megatron.bridge.{name}")


def main(output: str, layout: str, result: str) -> None:
    from megatron.core.tokenizers import MegatronTokenizer

    folder = Path(result).parent / "model"
    reader = bytes_tokenizer()
    reader.save_pretrained(folder)
    tokenizer = MegatronTokenizer.from_pretrained(
        tokenizer_path=str(folder), metadata_path={"library": "huggingface"}
    )
    create = bridge("data.datasets.sft").create_sft_dataset
    is_chat = layout == "chat"
    with Path(result).open("w", encoding="utf-8") as file:
        for data in sorted(Path(output, "train").glob("*.jsonl")):
            rows = create(
                data,
                tokenizer,
                seq_length=LENGTH,
                chat=is_chat,
                use_hf_tokenizer_chat_template=is_chat,
                index_mapping_dir=str(folder),
            )
            for number in range(len(rows)):
                batch = rows.collate_fn([rows[number]])
                learnt = batch["labels"][0][batch["loss_mask"][0] == 1].tolist()
                text = reader.decode(learnt)
                file.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
    print(json.dumps({"loader": f"megatron-bridge {version('megatron-bridge')}"}))


if __name__ == "__main__":
    main(*sys.argv[1:])
