"""Embeddings of texts by a static model (model2vec): a vector for each token, averaged."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from datakit.errors import MissingExtraError, SettingsError
from datakit.stages.select.vectors import MOST_DIMENSIONS, Vectors, to_length

if TYPE_CHECKING:
    from model2vec import StaticModel

FILES = ("config.json", "model.safetensors", "tokenizer.json")


def check_model(folder: Path) -> None:
    """See that a folder holds a model; nothing is loaded.

    Raises:
        SettingsError: it does not.
    """
    lacking = [name for name in FILES if not (folder / name).is_file()]
    if lacking:
        message = f"{folder} is no folder of a model2vec model: it has no {', '.join(lacking)}"
        raise SettingsError("model", message, "give the path of a local folder; none is fetched")


def embed_texts(texts: pl.Series, folder: Path) -> Vectors:
    """A vector of each text; zero where it has no token that the model knows.

    Raises:
        MissingExtraError: model2vec is not installed.
        SettingsError: the model's vectors are too long.
    """
    model = _load(folder)
    if model.dim > MOST_DIMENSIONS:
        raise SettingsError("model", f"has vectors of {model.dim} numbers, above {MOST_DIMENSIONS}")
    if not len(texts):
        return np.zeros((0, model.dim), dtype=np.int16)
    found = model.encode(texts.to_list(), max_length=None, use_multiprocessing=False)
    return to_length(np.asarray(found, dtype=np.float64))


@cache
def _load(folder: Path) -> "StaticModel":
    try:
        from model2vec import StaticModel
    except ImportError as error:
        raise MissingExtraError(
            feature="select.diverse with a model", package="model2vec", extra="embeddings"
        ) from error
    return StaticModel.from_pretrained(folder)
