"""Count the tokens of each record."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl

from datakit.records import (
    CONTENT,
    MESSAGES,
    REASON,
    ROLES,
    TEXT,
    VALUES,
    Batch,
    Columns,
    nest,
)
from datakit.tokens.chat_template import (
    ChatTemplate,
    TemplateRefusalError,
    open_template,
    template_files,
)
from datakit.tokens.conversations import RefusedOr, render_batch
from datakit.tokens.settings import check_columns, check_tokenizer
from datakit.tokens.tokenizer import Tokenizer, open_tokenizer

N_TOKENS, TRAINED = "n_tokens", "n_tokens_trained"


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenCounter:
    """Count each record's tokens with a tokenizer from a local file, conversations after their
    chat template.

    `tokenizer` is a file of Hugging Face's `tokenizers` (`tokenizer.json`), of tiktoken
    (`*.tiktoken`; Qwen, Llama 3, cl100k, o200k) or of sentencepiece (`*.model`), a model's folder
    with one of them, or `package://NAME/FILE`, a file that an installed package ships. It needs
    `pip install 'datakit[tokens]'`; nothing is downloaded.

    `template` makes one string of a conversation: `chatml`, `deepseek`, `glm4`, `llama3`,
    `mistral`, `qwen`, or the path of a Jinja file; left out, it is the one in the folder of the
    tokenizer. The special tokens that a named one writes must be tokens of the tokenizer. Tools
    come from the column `tools` (JSON text), where there is one. Dates are not given to a template,
    so that the same records have the same tokens tomorrow.

    Adds `n_tokens`: tokens of the document, or of the whole rendered conversation, without start
    or end tokens but those that the template writes; `mix.weighted` and `filter.length` use it.
    With `roles = true` also, for conversations, `n_tokens_system`, `n_tokens_user`,
    `n_tokens_assistant` and `n_tokens_tool` (contents alone, so that the rest is the template's)
    and `n_tokens_trained` (what a model learns: answers with their end token; null where a user's
    template neither marks them with `{% generation %}` nor keeps earlier turns as they were).

    Reason: `template_refused` (the template cannot hold the conversation; its words are in the
    values), as a trainer would stop there.
    """

    needs: ClassVar[Columns] = frozenset({CONTENT})
    libraries: ClassVar[tuple[str, ...]] = ("tokenizers", "tiktoken", "sentencepiece", "jinja2")

    tokenizer: Path
    template: str | None = None
    roles: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "tokenizer", check_tokenizer(self.tokenizer, self.template))

    @property
    def adds(self) -> Columns:
        """`n_tokens`, and those by role."""
        return frozenset({N_TOKENS, *(_role_columns() if self.roles else ())})

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that the template comes from, beside the tokenizer's own."""
        return template_files(self.template, self.tokenizer)

    def check_columns(self, have: Columns) -> None:
        """Refuse conversations without a template."""
        check_columns(have, self.tokenizer, self.template)

    def map(self, batch: Batch) -> Batch:
        """The batch with the counts, all Int64."""
        tokenizer, template = self._open()
        rendered = render_batch(batch, template)
        texts = batch[TEXT].to_list() if TEXT in batch.columns else [None] * batch.height
        wholes = [_whole(r, text) for r, text in zip(rendered, texts, strict=True)]
        counted = batch.with_columns(_counts(tokenizer, wholes).alias(N_TOKENS))
        if self.roles:
            counted = counted.with_columns(
                *_role_counts(tokenizer, batch), _trained_counts(tokenizer, rendered)
            )
        return _with_refusals(counted, rendered)

    def _open(self) -> tuple[Tokenizer, ChatTemplate | None]:
        opened = open_tokenizer(self.tokenizer)
        return opened.tokenizer, open_template(self.template, opened)


def _role_columns() -> list[str]:
    return [*(f"{N_TOKENS}_{role}" for role in ROLES), TRAINED]


def _whole(rendered: RefusedOr, text: str | None) -> str | None:
    if rendered is None:
        return text
    return None if isinstance(rendered, TemplateRefusalError) else rendered.text


def _counts(tokenizer: Tokenizer, texts: Sequence[str | None]) -> pl.Series:
    """Tokens of each text, null for null."""
    there = [text for text in texts if text is not None]
    lengths = tokenizer.encode(there).lengths
    found = np.zeros(len(texts), dtype=np.int64)
    has_text = np.fromiter((text is not None for text in texts), dtype=bool, count=len(texts))
    found[has_text] = lengths
    return pl.Series(found).zip_with(pl.Series(has_text), pl.Series([None], dtype=pl.Int64))


def _role_counts(tokenizer: Tokenizer, batch: Batch) -> list[pl.Series]:
    names = [f"{N_TOKENS}_{role}" for role in ROLES]
    if MESSAGES not in batch.columns:
        return [pl.Series(n, [None], dtype=pl.Int64).new_from_index(0, batch.height) for n in names]
    messages = batch[MESSAGES]
    flat = messages.explode(empty_as_null=False, keep_nulls=False).struct.unnest()
    lengths = pl.Series(tokenizer.encode(flat["content"].fill_null("").to_list()).lengths)
    columns = []
    for role, name in zip(ROLES, names, strict=True):
        mine = lengths * (flat["role"] == role).fill_null(False).cast(pl.Int64)
        columns.append(nest(mine, messages.list.len(), name=name).list.sum())
    return columns


def _trained_counts(tokenizer: Tokenizer, rendered: Sequence[RefusedOr]) -> pl.Series:
    parts = [
        None
        if r is None or isinstance(r, TemplateRefusalError) or r.trained is None
        else r.trained_texts
        for r in rendered
    ]
    lengths = pl.Series([None if p is None else len(p) for p in parts], dtype=pl.UInt32)
    flat = tokenizer.encode([part for each in parts if each for part in each]).lengths
    return nest(pl.Series(flat), lengths, name=TRAINED).list.sum()


def _with_refusals(batch: Batch, rendered: Sequence[RefusedOr]) -> Batch:
    said = [str(r) if isinstance(r, TemplateRefusalError) else None for r in rendered]
    if not any(said):
        return batch
    words = pl.Series("error", said, dtype=pl.String)
    table = words.to_frame().with_columns(
        pl.when(words.is_not_null()).then(pl.lit("template_refused")).alias(REASON),
        pl.when(words.is_not_null()).then(pl.struct("error").struct.json_encode()).alias(VALUES),
    )
    return batch.with_columns(table[REASON], table[VALUES])
