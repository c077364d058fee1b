"""A tokenizer of single bytes, made on the spot: what it encodes it decodes again, exactly."""

from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
CHATML = (
    "{%- for message in messages %}"
    "{{- '<|im_start|>' + message.role + '\n' }}"
    "{%- if message.role == 'assistant' %}{% generation %}"
    "{%- if message.content %}{{- message.content }}{% endif %}"
    "{%- for call in message.tool_calls or [] %}"
    "{%- set function = call.function or call %}"
    "{{- '<tool_call>' + function.name + ' ' + (function.arguments if function.arguments is string"
    " else function.arguments | tojson) + '</tool_call>' }}"
    "{%- endfor %}"
    "{{- '<|im_end|>\n' }}{% endgeneration %}"
    "{%- else %}{{- message.content + '<|im_end|>\n' }}{%- endif %}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{% endif %}"
)


def bytes_tokenizer() -> PreTrainedTokenizerFast:
    """256 bytes and ChatML's tokens."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {symbol: number for number, symbol in enumerate(alphabet)}
    tokenizer = Tokenizer(models.BPE(vocab, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=["<|im_start|>"],
    )
    fast.chat_template = CHATML
    return fast
