"""Judge the rows of a run by a trainer's rules, and say what came of it."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from datakit.errors import UsageError, did_you_mean
from datakit.preflight.files import BATCH_ROWS, RowBatch, find_files, read_rows
from datakit.preflight.llamafactory.dataset import DatasetInfo, find_entry, guess_entry
from datakit.preflight.llamafactory.trainer import LlamaFactory, Options
from datakit.preflight.verdict import OUTCOMES, WORDS, RowVerdict, Tally
from datakit.tokens.tokenizer import open_tokenizer

TRAINERS = ("llamafactory",)
DATASET_INFO = "dataset_info.json"
COMPRESSED = (".gz", ".zst")


@dataclass(frozen=True, kw_only=True, slots=True)
class PreflightReport:
    """What a trainer would do: rows by outcome, reasons, tokens, and the rows themselves (the
    first ones of each reason). `problems` concern the files as a whole.
    """

    trainer: str
    declared: str
    stage: str
    rows: int
    outcomes: dict[str, int]
    reasons: dict[str, int]
    tokens: int
    kept: int
    trained: int
    problems: list[str] = field(default_factory=list)
    examples: list[RowVerdict] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether the trainer takes every row as it is."""
        return not self.problems and self.outcomes.get("kept", 0) == self.rows

    def to_json(self) -> str:
        """The report as JSON text."""
        return json.dumps({**asdict(self), "clean": self.is_clean}, ensure_ascii=False, indent=1)

    def render(self) -> str:
        """The report as text for a terminal."""
        lines = [f"{self.trainer}, {self.stage}: {self.rows:,} rows, columns by {self.declared}"]
        lines += [f"  ! {problem}" for problem in self.problems]
        for outcome in OUTCOMES:
            if count := self.outcomes.get(outcome):
                lines.append(f"  {count:>9,} {WORDS[outcome]}")
                lines += [
                    f"            {rows:,} {name.partition(' ')[2]}"
                    for name, rows in self.reasons.items()
                    if name.startswith(f"{outcome} ")
                ]
        share = f" ({self.trained / self.tokens:.1%} of all)" if self.tokens else ""
        lines.append(
            f"  {self.tokens:,} tokens, {self.kept:,} within the cutoff, "
            f"{self.trained:,} trained{share}"
        )
        lines += [f"  {_shown(row)}" for row in self.examples]
        return "\n".join(lines)


def _shown(row: RowVerdict) -> str:
    verdict = row.verdict
    tokens = f"; {verdict.kept:,} of {verdict.tokens:,} tokens" if verdict.tokens else ""
    name = f" {row.record_id}" if row.record_id else ""
    detail = f": {verdict.detail}" if verdict.detail else ""
    return f"{row.file}:{row.row}{name} {verdict.outcome}, {verdict.reason}{detail}{tokens}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What to judge and by what: the run (or a file, or a folder of files), the split, the
    tokenizer, the trainer's settings, and where it is told of the columns.
    """

    run: Path
    tokenizer: Path
    options: Options
    trainer: str = "llamafactory"
    split: str = "train"
    dataset_info: Path | None = None
    dataset: str | None = None
    examples: int = 5


@dataclass(frozen=True, slots=True)
class Prepared:
    """A question with its files found, their columns declared and the tokenizer opened."""

    files: list[Path]
    info: DatasetInfo
    trainer: LlamaFactory
    problems: list[str]


def run_preflight(question: Question) -> PreflightReport:
    """Judge every row, a thousand at a time.

    Raises:
        UsageError: no such trainer, template or files.
    """
    prepared = prepare(question)
    tally = Tally(question.examples)
    tails = Tails(prepared.trainer.block) if prepared.trainer.block else None
    for row in judge_rows(question.run, prepared):
        tally.add(row)
        if tails:
            tails.add(row.verdict.tokens)
    lost = tails.lost if tails else 0
    reasons = sorted(tally.reasons.items(), key=lambda item: (-item[1], item[0]))
    return PreflightReport(
        trainer=question.trainer,
        declared=prepared.info.told_by,
        stage=prepared.info.stage,
        rows=sum(tally.outcomes.values()),
        outcomes={name: tally.outcomes[name] for name in OUTCOMES if tally.outcomes[name]},
        reasons={" ".join(key): rows for key, rows in reasons},
        tokens=tally.tokens,
        kept=tally.kept - lost,
        trained=tally.trained - lost,
        problems=[*prepared.problems, *([_tail_words(lost)] if lost else [])],
        examples=tally.examples,
    )


def prepare(question: Question) -> Prepared:
    """Find what a question is about.

    Raises:
        UsageError: no such trainer, template or files.
    """
    if question.trainer not in TRAINERS:
        hint = did_you_mean(question.trainer, TRAINERS)
        raise UsageError(f"no rules for the trainer {question.trainer!r}; {hint}")
    files = find_files(question.run, question.split)
    first = next(iter(read_rows(files, question.run)), None)
    if first is None:
        raise UsageError(f"{files[0]} has no rows")
    info = _declared(question, files[0].parent, first)
    trainer = LlamaFactory(info, question.options, open_tokenizer(question.tokenizer))
    missing = trainer.missing_columns({key for row in first.rows for key in row})
    problems = [f"no column {name!r}: the trainer ends with a KeyError" for name in missing]
    problems += [
        f"{path.name}: the trainer reads no compressed files"
        for path in files
        if path.name.endswith(COMPRESSED)
    ]
    return Prepared(files, info, trainer, problems)


def judge_rows(run: Path, prepared: Prepared) -> Iterator[RowVerdict]:
    """A verdict for each row, in order."""
    for batch in read_rows(prepared.files, run):
        for number, verdict in enumerate(prepared.trainer.judge(batch.rows)):
            row = batch.first + number
            yield RowVerdict(batch.file, row, batch.ids[number], verdict)


def _declared(question: Question, folder: Path, first: RowBatch) -> DatasetInfo:
    if question.dataset_info is not None:
        return find_entry(question.dataset_info, question.dataset)
    for place in (question.run / DATASET_INFO, folder / DATASET_INFO, folder.parent / DATASET_INFO):
        if place.is_file():
            return find_entry(place, question.dataset)
    return guess_entry({key: None for row in first.rows for key in row})


class Tails:
    """Packed pretraining cuts the tokens of every 1,000 rows into blocks and leaves the rest."""

    def __init__(self, block: int) -> None:
        self._block, self._rows, self._tokens, self._lost = block, 0, 0, 0

    def add(self, tokens: int) -> None:
        """Count one row."""
        self._rows, self._tokens = self._rows + 1, self._tokens + tokens
        if self._rows % BATCH_ROWS == 0:
            self._lost, self._tokens = self.lost, 0

    @property
    def lost(self) -> int:
        """Tokens that are in no block."""
        return self._lost + self._tokens % self._block


def _tail_words(lost: int) -> str:
    return f"{lost:,} tokens fill no block: packing leaves out the rest of every 1,000 rows"
