"""Remove lines or paragraphs that stand in the corpus again and again."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from datakit.barriers import Decisions, Observation, Recall, Reduced
from datakit.conversations.roles import check_roles
from datakit.errors import SettingsError
from datakit.records import ADDRESS, CONTENT, Batch, Columns, Table
from datakit.stages.dedup.cutting import (
    LETTERS_PER_HAN,
    CutRules,
    check_share,
    decide_cuts,
    decide_some,
)
from datakit.stages.dedup.part_texts import PartTexts, take_texts
from datakit.stages.dedup.repeats import (
    find_places,
    hash_within_source,
    have_parts,
    list_most_frequent,
    observe_parts,
    reduce_parts,
    show_parts,
)

if TYPE_CHECKING:
    from datakit.kernels.line_units import Units

LEAST_LETTERS = 30
"""Default of `min_chars`; a Han character counts for `LETTERS_PER_HAN` of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LinesDedup:
    """Remove lines, or paragraphs, that stand in the corpus more than a few times.

    Menus, copyright notices and set phrases stand in many records that are otherwise all
    different. Of each line the first `keep_first` in reading order stay, all others are taken out
    of their records. `keep_first = 6` is the figure of Llama 3 (arXiv 2407.21783): what stands a
    few times is as likely quoted as boilerplate, and FineWeb (2406.17557) trained worse models
    after removing every line that stood twice. `keep_first = 1` is what CCNet (1911.00359) does.

    `unit`: `"line"`, or `"paragraph"`, a run of lines without a blank one between them. `within`:
    count over the whole `"corpus"`, or over each `"source"` by itself.

    `min_chars`: shorter lines are left alone, headings and "yes" among them. Left out, it is 30,
    with Han characters, kana and Hangul counting three each, so 10 of those. Characters are
    counted as compared: lines are the same when 128 bits of hash (two XXH64) of their folded
    forms are: with `fold_case` in lower case, with `fold_width` full-width forms of ASCII as
    ASCII, any white space as one space, with `ignore_punctuation` without punctuation, save what
    can be part of a number. `fold_digits` (off by default) takes all digits for 0, as CCNet does:
    page numbers and dates then make no difference, but nor do 5 mg and 8 mg. Lines without a
    letter or a digit (`-----`) are left alone: they part what stands around them.

    Lines in fenced code blocks and rows of tables (beginning with `|`, or with two tabs) are
    neither counted nor removed unless `in_code` or `in_tables` says so.

    Of conversations the messages of `roles` are looked into; a message is never emptied: one that
    would lose all its lines stays as it is. Of the white space around what is removed, one side
    stays.

    A record of which all would go, or more than `max_removed_share` of the characters that are no
    white space, is rejected. But a record that holds one of the first `keep_first` of a line that
    others lose is not rejected; it stays whole. So each line that was removed still stands
    `keep_first` times in what is written, unless a later stage rejects it.

    Reason: `repeated_lines` (`repeated_paragraphs`), with the number of them, the characters and
    the share. The report counts by source what was removed, and lists the lines that stand most
    often, with their `surplus`: how often they stand beyond the first `keep_first`. Fewer are
    removed where a message would be emptied or a record stays whole.
    """

    needs: ClassVar[Columns] = frozenset({CONTENT})
    adds: ClassVar[Columns] = frozenset()
    libraries: ClassVar[tuple[str, ...]] = ("polars",)
    many_rows: ClassVar[bool] = True

    unit: Literal["line", "paragraph"] = "line"
    within: Literal["corpus", "source"] = "corpus"
    keep_first: int = 6
    min_chars: int | None = None
    max_removed_share: float = 0.8
    fold_case: bool = True
    fold_width: bool = True
    fold_digits: bool = False
    ignore_punctuation: bool = True
    in_code: bool = False
    in_tables: bool = False
    roles: tuple[str, ...] = ("assistant",)

    def __post_init__(self) -> None:
        if self.keep_first < 1:
            hint = "1 keeps the first of each line; to drop a phrase altogether, clean it away"
            raise SettingsError("keep_first", f"{self.keep_first} is less than 1", hint)
        if self.min_chars is not None and self.min_chars < 1:
            raise SettingsError("min_chars", f"{self.min_chars} is less than 1")
        check_share(self.max_removed_share)
        check_roles(self.roles)

    def observe(self, batch: Batch, partitions: int) -> Observation:
        """The hashes of each line that is long enough."""
        texts = take_texts(batch, self.roles)
        units = self._find(texts)
        rows, hashes = texts.rows[units.owners], (units.hash_a, units.hash_b)
        if self.within == "source":
            hashes = hash_within_source(batch, rows, hashes)
        return observe_parts(batch, rows, hashes, partitions)

    def reduce(self, observed: Table) -> Reduced:
        """The lines that stand more than `keep_first` times."""
        return reduce_parts(observed, self.keep_first)

    def decide(self, summaries: Iterable[Table]) -> Table:
        """The lines that stand most often."""
        return list_most_frequent(summaries)

    def illustrate(self, verdict: Table, recall: Recall) -> Table:
        """The verdict with the text of each line."""
        return show_parts(verdict, recall(verdict[ADDRESS].to_list()), self._excerpts)

    def apply(self, batch: Batch, rows: Table, verdict: Table) -> Decisions:  # noqa: ARG002
        """Look at the records that have repeated parts; the others stay as they are."""
        return decide_some(batch, rows, have_parts(rows), self._cut)

    def _cut(self, batch: Batch, rows: Table) -> Decisions:
        """Cut the lines out, or reject the record."""
        texts = take_texts(batch, self.roles)
        units = self._find(texts)
        owners = texts.rows[units.owners]
        places, stay = find_places(owners, rows)
        holders = np.zeros(batch.height, dtype=np.bool_)
        holders[owners[places[stay]]] = True
        cut = np.sort(places[~stay])
        spans = (units.owners[cut], units.starts[cut], units.stops[cut])
        rules = CutRules(
            parts=f"{self.unit}s", roles=self.roles, max_removed_share=self.max_removed_share
        )
        return decide_cuts(batch, texts, spans, holders=holders, rules=rules)

    def _find(self, texts: PartTexts) -> "Units":
        from datakit.kernels.layout_marks import line_kinds
        from datakit.kernels.line_units import UnitRules, find_units
        from datakit.kernels.text_folding import fold_table

        table = fold_table(
            case=self.fold_case,
            width=self.fold_width,
            digits=self.fold_digits,
            ignore_punctuation=self.ignore_punctuation,
        )
        rules = UnitRules(
            least=LEAST_LETTERS if self.min_chars is None else self.min_chars,
            wide=LETTERS_PER_HAN if self.min_chars is None else 1,
            paragraphs=self.unit == "paragraph",
            kinds=line_kinds(code=self.in_code, tables=self.in_tables),
        )
        return find_units((texts.data, texts.offsets), table, rules)

    def _excerpts(self, record: Batch) -> list[str]:
        texts = take_texts(record, self.roles)
        units = self._find(texts)
        pairs = zip(units.starts, units.stops, strict=True)
        return [texts.data[start:stop].tobytes().decode() for start, stop in pairs]
