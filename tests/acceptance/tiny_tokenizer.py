"""A tokenizer made on the spot, with the special tokens that chat templates write."""

import json
from pathlib import Path

SPECIAL = ["<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>"]
TEXTS = [
    "每日三次，饭后服用。黄芪与当归煎服，疗程七日。头痛发热。",
    "the dose of aspirin is 5 mg daily after meals; see the table below.",
    '{"name": "find_herb", "arguments": {"count": 2}} system user assistant tool_call',
]


def write_tokenizer(folder: Path, *, size: int = 600) -> Path:
    """Train a byte-level BPE tokenizer on a few texts and write it as a model's folder has it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS * 20, trainer)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config), "utf-8")
    return folder
