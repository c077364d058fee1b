"""What is asked of a stage's settings `tokenizer` and `template` before any data is read."""

from pathlib import Path

from datakit.errors import DatakitError, SettingsError
from datakit.records import MESSAGES, Columns
from datakit.tokens.chat_template import open_template
from datakit.tokens.tokenizer import find_tokenizer, open_tokenizer

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
        open_template(template, opened)
    except DatakitError as error:
        raise SettingsError("template", str(error)) from error
    return place


def check_columns(have: Columns, tokenizer: Path, template: str | None) -> None:
    """See that there is a template if there are conversations.

    Raises:
        SettingsError: for `template`.
    """
    if MESSAGES in have and open_template(template, open_tokenizer(tokenizer)) is None:
        raise SettingsError("template", NO_TEMPLATE, NAME_ONE)
