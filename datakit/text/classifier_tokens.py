"""What a fastText classifier is shown of a text, and the card that says so beside its file.

The same in training and in use, or the model judges something it has not learnt.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Self, get_args

import polars as pl

from datakit.text.segmentation import cut_words

Tokens = Literal["raw", "characters", "jieba"]

UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
"""Characters of scripts without spaces between words."""
MARKS = r"[\p{P}\p{S}]"


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """What must be known to use a model: `tokens`, `max_chars`, and the `label` that is wanted;
    `labels` are all it has, if the card says so.
    """

    tokens: Tokens
    max_chars: int
    label: str
    labels: tuple[str, ...] = ()

    def to_json(self, **more: Any) -> str:
        """The card's text, with whatever else shall stand in it."""
        return json.dumps({**asdict(self), **more}, ensure_ascii=False, indent=1) + "\n"

    @classmethod
    def beside(cls, model: Path) -> Self | None:
        """The card of a model file; None if there is none.

        Raises:
            ValueError: the file of that name is no card.
        """
        path = card_path(model)
        if not path.is_file():
            return None
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            given = {name: content[name] for name in ("tokens", "max_chars", "label")}
            card = cls(**given, labels=tuple(content.get("labels", ())))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path} is no card of a classifier: {error!r}") from None
        if card.tokens not in get_args(Tokens) or not isinstance(card.max_chars, int):
            raise ValueError(f"{path} is no card of a classifier: unknown tokens or max_chars")
        return card


def card_path(model: Path) -> Path:
    """Where the card of a model file lies: `quality.bin.json` for `quality.bin`."""
    return model.with_name(model.name + ".json")


def tokenise(texts: pl.Series, tokens: Tokens) -> pl.Series:
    """Texts as lines of tokens with spaces between them; nulls become empty.

    `raw`: as they are. Else lower case, marks apart from words, and of scripts without spaces
    (Han, kana, Thai ...) each character a token, or, with `jieba`, the words it cuts.

    >>> tokenise(pl.Series(["COVID-19患者的ECMO治疗。"]), "characters").to_list()
    ['covid - 19 患 者 的 ecmo 治 疗 。']
    >>> tokenise(pl.Series(["COVID-19患者的ECMO治疗。"]), "jieba").to_list()
    ['covid - 19 患者 的 ecmo 治疗 。']
    """
    texts = texts.fill_null("")
    if tokens == "raw":
        return texts
    if tokens == "jieba":
        lines = [" ".join(words) for words in cut_words(texts.to_list())]
        apart = pl.Series(texts.name, lines, dtype=pl.String).str.replace_all(MARKS, " $0 ")
    else:
        apart = texts.str.replace_all(f"{UNSPACED}|{MARKS}", " $0 ")
    return apart.str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars()
