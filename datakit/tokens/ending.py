"""The token that ends a document."""

from datakit.errors import SettingsError
from datakit.tokens.tokenizer import Opened

USUAL = ("<|endoftext|>", "<|end_of_text|>", "<｜end▁of▁sentence｜>", "</s>", "<eos>", "<|im_end|>")


def find_end(opened: Opened, name: str | None) -> int:
    """The id of the token `name`; where none is named, of the tokenizer's `eos_token`, else of the
    first there is of `USUAL`.

    Raises:
        SettingsError: there is no such token (of the setting `eod`).
    """
    told = opened.special_tokens.get("eos_token")
    names = [name] if name is not None else [*([told] if told else []), *USUAL]
    for each in names:
        found = opened.tokenizer.token_id(each)
        if found is not None:
            return found
    hint = 'eod = "<|endoftext|>", or another that the tokenizer has'
    raise SettingsError("eod", f"the tokenizer has none of: {', '.join(names)}", hint)
