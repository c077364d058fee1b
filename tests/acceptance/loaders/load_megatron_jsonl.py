"""Megatron-LM's own `SFTDataset` on an output; what is left in the loss goes to a file.

python load_megatron_jsonl.py OUTPUT LAYOUT RESULT, in an interpreter that has megatron-core (that
of `nemo`). MEGATRON_SOURCE in the environment names a folder with Megatron-LM's `megatron/`: its
part for training is in no package.
"""

import json
import os
import sys
from importlib.metadata import version
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import numpy as np
from bytes_tokenizer import bytes_tokenizer
from megatron.core.datasets.gpt_dataset import GPTDatasetConfig
from megatron.core.datasets.utils import Split

LENGTH = 1 << 15


def from_source(name: str) -> ModuleType:
    """A file of Megatron-LM as a module, without the packages around it: they want a GPU."""
    source = os.environ.get("MEGATRON_SOURCE") or sys.exit("MEGATRON_SOURCE names no folder")
    spec = spec_from_file_location(Path(name).stem, Path(source, "megatron", name))
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(output: str, layout: str, result: str) -> None:
    reader = bytes_tokenizer()
    reader.add_special_tokens({"unk_token": "<unk>"})
    folder = Path(result).parent / "model"
    reader.save_pretrained(folder)
    sft = from_source("training/datasets/sft_dataset.py").SFTDataset
    tokenizers = from_source("core/tokenizers/text/libraries/sft_tokenizer.py")
    tokenizer = tokenizers.SFTTokenizer(str(folder), "identity")
    # Megatron wraps it in a class that has these two.
    tokenizer.unique_identifiers, tokenizer.pad = {}, tokenizer.pad_id
    config = GPTDatasetConfig(
        random_seed=1,
        sequence_length=LENGTH,
        tokenizer=tokenizer,
        reset_position_ids=False,
        reset_attention_mask=False,
        eod_mask_loss=False,
        create_attention_mask=False,
        split="1",
        context_parallel_size=1,
        path_to_cache=str(folder),
    )
    with Path(result).open("w", encoding="utf-8") as file:
        for data in sorted(Path(output, "train").glob("*.jsonl")):
            low = sft.build_low_level_dataset(str(data), config)
            places = np.arange(len(low))
            rows = sft(low, str(data), places, len(low), Split.train, config)
            for number in range(len(rows)):
                row = rows[number]
                text = reader.decode(row["labels"][row["loss_mask"] == 1].tolist())
                file.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
    print(json.dumps({"loader": f"Megatron-LM, megatron-core {version('megatron-core')}"}))


if __name__ == "__main__":
    main(*sys.argv[1:])
