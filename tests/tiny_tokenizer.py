"""A tokenizer made on the spot: bytes, a few merges, and the special tokens of chat templates."""

import json
from pathlib import Path

SPECIAL = ["<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>"]
WORDS = ["患者", "每日", "三次", " the", " dose", " of", " aspirin", "system", "user", "assistant"]


def write_tokenizer(folder: Path) -> Path:
    """Write a byte-level BPE tokenizer as a model's folder has it; the same one each time."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    splitter = pre_tokenizers.ByteLevel(add_prefix_space=False)
    merges: dict[tuple[str, str], None] = {}
    for word in WORDS:
        ((spelt, _),) = splitter.pre_tokenize_str(word)
        for end in range(1, len(spelt)):
            merges[spelt[:end], spelt[end]] = None
    tokens = [*SPECIAL, *alphabet, *dict.fromkeys(a + b for a, b in merges)]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=list(merges), unk_token="<unk>"))
    tokenizer.pre_tokenizer = splitter
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(SPECIAL)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "unk_token": {"__type": "AddedToken", "content": "<unk>", "special": True},
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config), "utf-8")
    return folder
