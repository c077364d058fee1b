"""Tokens of chat templates that are live when they stand in a text: every trainer's tokenizer
takes `<|im_end|>` written by a user for the end of the message.
"""

SPECIAL_TOKENS = (
    *("<|im_start|>", "<|im_end|>", "<|endoftext|>"),
    *("<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>", "<|eom_id|>"),
    *("<|start_header_id|>", "<|end_header_id|>", "<|python_tag|>"),
    *("[INST]", "[/INST]", "<<SYS>>", "<</SYS>>", "<s>", "</s>", "[TOOL_CALLS]"),
    *("<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜User｜>", "<｜Assistant｜>"),
    *("<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>", "<｜tool▁outputs▁begin｜>"),
    *("<|system|>", "<|user|>", "<|assistant|>", "<|observation|>", "[gMASK]", "<sop>", "<eop>"),
    *("<start_of_turn>", "<end_of_turn>", "<bos>", "<eos>"),
    *("<|start|>", "<|message|>", "<|channel|>", "<|return|>", "<|call|>", "<|end|>"),
    *("<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>"),
)
"""Of ChatML (Qwen, Yi), Llama 2 and 3, Mistral, DeepSeek, GLM, Gemma, Phi and gpt-oss; as the
models' tokenizer configurations and chat templates give them."""

MEDIA_TOKENS = ("<image>", "<video>", "<audio>")
"""Where LLaMA-Factory and ms-swift put the record's next image, video or sound."""

BREAK = "\u200b"
"""Zero-width space: put behind a token's first character, it makes plain text of the token."""


def broken_token(token: str) -> str:
    """A special token as text that looks the same and is none."""
    return token[0] + BREAK + token[1:]
