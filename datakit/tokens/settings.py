"""What is asked of a stage's settings `tokenizer` and `template` before any data is read."""

from pathlib import Path

from datakit.errors import DatakitError, SettingsError
from datakit.records import MESSAGES, Columns
from datakit.text.special_tokens import SPECIAL_TOKENS
from datakit.tokens.chat_template import ChatTemplate, TemplateRefusalError, open_template
from datakit.tokens.tokenizer import Tokenizer, find_tokenizer, open_tokenizer

PROBE = ({"role": "user", "content": "?"}, {"role": "assistant", "content": "!"})
SPELT = frozenset(
    [
        *("[INST]", "[/INST]", "<<SYS>>", "<</SYS>>"),
        *("<|system|>", "<|user|>", "<|assistant|>", "<|observation|>"),
    ]
)
"""Llama 2's and Zephyr's templates write these as ordinary text."""
MARKS = tuple(token for token in SPECIAL_TOKENS if token not in SPELT)
NO_TEMPLATE = "there are conversations, and the tokenizer brings no chat template along"
NAME_ONE = 'name one: template = "qwen", or the path of a .jinja file'


def check_tokenizer(tokenizer: Path, template: str | None) -> Path:
    """The tokenizer's file; it and the template can be opened.

    Raises:
        SettingsError: for `tokenizer` or `template`.
    """
    try:
        place = find_tokenizer(tokenizer)
        opened = open_tokenizer(place)
    except DatakitError as error:
        raise SettingsError("tokenizer", str(error)) from error
    try:
        found = open_template(template, opened)
    except DatakitError as error:
        raise SettingsError("template", str(error)) from error
    if template is not None and found is not None:
        _check_tokens(found, template, opened.tokenizer)
    return place


def _check_tokens(template: ChatTemplate, name: str, tokenizer: Tokenizer) -> None:
    """See that what ends a message for the model is one token and no row of characters."""
    try:
        written = template.render(PROBE).text
    except TemplateRefusalError:
        return
    lacking = [t for t in MARKS if t in written and not _is_one_token(t, tokenizer)]
    if lacking:
        raise SettingsError(
            "template",
            f"{name!r} writes {', '.join(lacking)}, which the tokenizer has not as special tokens, "
            "but would cut into pieces",
            "name the template of the tokenizer's own model, or leave it out if the tokenizer's "
            "folder has one; or add the tokens to the tokenizer",
        )


def _is_one_token(token: str, tokenizer: Tokenizer) -> bool:
    # A sentencepiece model puts a space before a text, and finds no control token in it.
    number = tokenizer.token_id(token)
    return number is not None and number in tokenizer.encode([token]).ids


def check_columns(have: Columns, tokenizer: Path, template: str | None) -> None:
    """See that there is a template if there are conversations.

    Raises:
        SettingsError: for `template`.
    """
    if MESSAGES in have and open_template(template, open_tokenizer(tokenizer)) is None:
        raise SettingsError("template", NO_TEMPLATE, NAME_ONE)
