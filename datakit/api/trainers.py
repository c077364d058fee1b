"""Data as trainers see it: dialects, lengths in tokens, what a trainer would drop."""

from pathlib import Path
from typing import Any

from datakit.executors.detection import detect_path
from datakit.preflight.llamafactory.trainer import Options
from datakit.preflight.preflight import PreflightReport, Question, run_preflight
from datakit.report.lengths import LengthReport, measure_lengths
from datakit.stages.format.detected import Detected


def detect(path: str | Path, *, source_format: str | None = None, records: int = 1000) -> Detected:
    """Say which dialect of conversations or instructions a file is written in.

    Args:
        path: a file, a directory or a glob, as in a `[[source]]`.
        source_format: its format, if the suffix does not tell.
        records: how many records to look at.

    Raises:
        UsageError: there is no such file or format, or its records are none that are known.
    """
    return detect_path(str(path), source_format=source_format, most=records)


def tokens(run_dir: str | Path, *, column: str = "n_tokens") -> LengthReport:
    """How long the records of a finished run are in tokens, as its pipeline counted them.

    Raises:
        UsageError: there is no finished run there, or it counted no tokens.
    """
    return measure_lengths(Path(run_dir), column)


def preflight(
    run_dir: str | Path,
    *,
    tokenizer: str | Path,
    template: str,
    trainer: str = "llamafactory",
    split: str = "train",
    dataset_info: str | Path | None = None,
    dataset: str | None = None,
    examples: int = 5,
    **settings: Any,
) -> PreflightReport:
    """Which rows of a run's output a trainer would drop, cut or not train, and why.

    Args:
        run_dir: output directory of a run; also a data file, or a folder of some.
        tokenizer: the model's tokenizer, as of `annotate.tokens`.
        template: the trainer's name for its chat template.
        trainer: `"llamafactory"` (0.9.5).
        split: the split to judge.
        dataset_info: the trainer's description of its columns; looked for beside the files, else
            told from the rows.
        dataset: which of the data sets described there.
        examples: rows to show for each reason.
        settings: the trainer's own: `cutoff`, `packing`, `mask_history`, `train_on_prompt`,
            `enable_thinking`, `default_system`.

    Raises:
        UsageError: no such trainer, template or files.
        DatakitError: the tokenizer cannot be opened.
    """
    question = Question(
        run=Path(run_dir),
        tokenizer=Path(tokenizer),
        options=Options(template=template, **settings),
        trainer=trainer,
        split=split,
        dataset_info=Path(dataset_info) if dataset_info is not None else None,
        dataset=dataset,
        examples=examples,
    )
    return run_preflight(question)
