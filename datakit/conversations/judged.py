"""Judgements of conversations (KTO)."""

import polars as pl

from datakit.records import LABEL, Batch


def judgements(batch: Batch) -> pl.Series:
    """Whether the last answer of each record is a good one, as `format.feedback` has told; null
    where nothing was. A column `label` of the data's own is text, and no judgement.
    """
    if batch.schema.get(LABEL) == pl.Boolean:
        return batch[LABEL]
    return pl.Series(LABEL, [None], dtype=pl.Boolean).new_from_index(0, batch.height)
