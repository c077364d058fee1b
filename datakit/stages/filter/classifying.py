"""What the stages that go by a fastText classifier share: their settings' checks and the score."""

from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from datakit.errors import DatakitError, SettingsError, did_you_mean
from datakit.kernels.fasttext_file import find_fault
from datakit.kernels.language import load_cached
from datakit.records import Batch, joined_content, utf8_buffers
from datakit.text.classifier_tokens import Card, tokenise
from datakit.text.excerpts import take_excerpts

TokensSetting = Literal["auto", "raw", "characters", "jieba"]


def complete_card(
    model: Path, label: str | None, tokens: TokensSetting, max_chars: int | None
) -> Card:
    """The settings, completed from the model's card, or, without one, those for a bare model.

    Raises:
        SettingsError: the model is none, neither settings nor card name a label, or the card knows
            no such label.
    """
    if fault := find_fault(Path(model)):
        raise SettingsError("model", f"{str(model)!r}: {fault}")
    if max_chars is not None and max_chars < 0:
        raise SettingsError("max_chars", f"{max_chars} is less than 0")
    try:
        card = Card.beside(Path(model))
    except ValueError as error:
        raise SettingsError("model", str(error)) from None
    label = label or (card.label if card else None)
    if label is None:
        hint = "name the label whose probability counts, without __label__"
        raise SettingsError("label", f"is missing, as {str(model)!r} has no card", hint)
    known = card or Card(tokens="raw", max_chars=0, label=label)
    if known.labels and label not in known.labels:
        hint = did_you_mean(label, known.labels)
        raise SettingsError("label", f"{str(model)!r} has no label {label!r}", hint)
    return Card(
        tokens=known.tokens if tokens == "auto" else tokens,
        max_chars=known.max_chars if max_chars is None else max_chars,
        label=label,
    )


def score_batch(batch: Batch, model: Path, card: Card) -> pl.Series:
    """Probability of the card's label for each record, rounded to 6 places, at most 1; 0 for one
    without a text.

    Raises:
        DatakitError: the model cannot be read, or has no such label.
    """
    lines = tokenise(take_excerpts(joined_content(batch), card.max_chars), card.tokens)
    try:
        classifier = load_cached(Path(model))
    except (ValueError, OSError) as error:
        raise DatakitError(f"the classifier {str(model)!r} cannot be read: {error}") from error
    if card.label not in classifier.labels:
        hint = did_you_mean(card.label, classifier.labels)
        raise DatakitError(f"the classifier {str(model)!r} has no label {card.label!r}; {hint}")
    scores = classifier.probability(*utf8_buffers(lines), label=card.label)
    scores[(lines.str.len_bytes() == 0).to_numpy()] = 0.0
    return pl.Series("score", np.round(np.minimum(scores, 1.0), 6))
