"""What a tokenizer is here, and how one is opened: by a local path, or from an installed package.

Three kinds, each read by its own library (the extra `tokens`), known by what the file holds:
Hugging Face `tokenizers` JSON, tiktoken files (a base64 token and its rank a line), sentencepiece
models.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from datakit.errors import DatakitError, MissingExtraError

Ids: TypeAlias = NDArray[np.int32]
Offsets: TypeAlias = NDArray[np.int64]

PACKAGE = "package:"
FILES = ("tokenizer.json", "qwen.tiktoken", "tokenizer.tiktoken", "tokenizer.model")
CONFIG, TEMPLATE = "tokenizer_config.json", "chat_template.jinja"


@dataclass(frozen=True, slots=True)
class Encoded:
    """Token ids of several texts, one after the other; text n has those from `offsets[n]` to
    `offsets[n + 1]`.
    """

    ids: Ids
    offsets: Offsets

    @property
    def lengths(self) -> Offsets:
        """Tokens of each text."""
        return np.diff(self.offsets)


class Tokenizer(Protocol):
    """A tokenizer: texts in batches to ids. It adds no token of its own (no start, no end);
    special tokens that stand in the text are taken for what they are if `special`.
    """

    @property
    def vocabulary(self) -> int:
        """All ids lie below it."""
        ...

    def encode(self, texts: Sequence[str], *, special: bool = True) -> Encoded:
        """The ids of the texts."""
        ...

    def token_id(self, token: str) -> int | None:
        """The id of a token as it is written, special or not; None if there is none."""
        ...

    def extended(self, tokens: Sequence[str]) -> Self:
        """The same tokenizer, with these as special tokens; those it lacks get ids of their own.

        Raises:
            DatakitError: tokenizers of this kind cannot be extended.
        """
        ...


@dataclass(frozen=True, slots=True)
class Opened:
    """A tokenizer, and what a configuration beside it says: the chat template (Jinja), special
    tokens by role (`bos_token`, `eos_token` ...), as far as there is one.
    """

    tokenizer: Tokenizer
    chat_template: str | None = None
    special_tokens: Mapping[str, str] = field(default_factory=dict)


def open_tokenizer(path: Path) -> Opened:
    """Open a tokenizer file, or the one in a folder (a model's, with `tokenizer_config.json`).

    `package://NAME/FILE` names a file inside an installed package. A tokenizer is opened once a
    process.

    Raises:
        DatakitError: there is no such file, or it is none of the three kinds.
        MissingExtraError: the library for its kind is not installed.
    """
    return _open(find_tokenizer(path))


def find_tokenizer(path: Path) -> Path:
    """The tokenizer file that a path or a `package://` address means.

    Raises:
        DatakitError: there is none.
    """
    place = _in_package(str(path)) if PACKAGE in str(path) else Path(path)
    if place.is_file():
        return place
    if not place.is_dir():
        raise DatakitError(
            f"there is no tokenizer {str(path)!r}: name a file (tokenizer.json, *.tiktoken, "
            "*.model), a folder with one, or package://NAME/FILE for one that a package ships"
        )
    found = [place / name for name in FILES if (place / name).is_file()]
    found += sorted(place.glob("*.tiktoken"))
    if not found:
        raise DatakitError(f"the folder {str(path)!r} has none of: {', '.join(FILES)}")
    return found[0]


def _in_package(address: str) -> Path:
    name, _, inner = address.partition(PACKAGE)[2].lstrip("/").partition("/")
    spec = find_spec(name) if name.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise DatakitError(f"{address}: there is no installed package {name!r}")
    return Path(next(iter(spec.submodule_search_locations))) / inner


@lru_cache(maxsize=8)
def _open(path: Path) -> Opened:
    return Opened(_read(path), *_configuration(path.parent))


def _read(path: Path) -> Tokenizer:
    with path.open("rb") as file:
        start = file.read(256)
    if start.lstrip()[:1] == b"{":
        require("tokenizers", "a tokenizers JSON file")
        from datakit.tokens.hugging_face import HuggingFaceTokenizer

        return HuggingFaceTokenizer(path)
    if is_rank_line(start.split(b"\n", 1)[0]):
        require("tiktoken", "a tiktoken file")
        from datakit.tokens.tiktoken_file import TiktokenTokenizer

        return TiktokenTokenizer(path)
    require("sentencepiece", "a sentencepiece model")
    from datakit.tokens.sentencepiece_file import SentencePieceTokenizer

    return SentencePieceTokenizer(path)


def is_rank_line(line: bytes) -> bool:
    """Whether a line is one of a tiktoken file: a base64 token, a space, a number."""
    token, _, rank = line.strip().partition(b" ")
    return rank.isdigit() and len(token) % 4 == 0 and token.rstrip(b"=").isascii()


def require(package: str, feature: str) -> None:
    """See that an optional package is there.

    Raises:
        MissingExtraError: it is not; the message says how to install it.
    """
    if find_spec(package) is None:
        raise MissingExtraError(feature=feature, package=package, extra="tokens")


def _configuration(folder: Path) -> tuple[str | None, dict[str, str]]:
    template = folder / TEMPLATE
    config = _json_object(folder / CONFIG)
    told = config.get("chat_template")
    if isinstance(told, list):  # several, by name
        told = {each.get("name"): each.get("template") for each in told}.get("default")
    if template.is_file():
        told = template.read_text("utf-8")
    tokens = {
        key: value["content"] if isinstance(value, dict) else value
        for key, value in config.items()
        if key.endswith("_token") and (isinstance(value, str) or _is_token(value))
    }
    return told if isinstance(told, str) else None, tokens


def _is_token(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("content"), str)


def _json_object(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise DatakitError(f"{os.fspath(path)} is no JSON file: {error}") from error
    return content if isinstance(content, dict) else {}
