"""Remove long passages that stand in an earlier record, or earlier in the same one."""

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
    Flags,
    Spans,
    check_share,
    decide_cuts,
    decide_some,
    join_parts,
)
from datakit.stages.dedup.part_texts import PartTexts, Places, take_texts
from datakit.stages.dedup.repeats import (
    find_places,
    have_parts,
    list_most_frequent,
    observe_parts,
    reduce_parts,
    show_parts,
)

if TYPE_CHECKING:
    from datakit.kernels.line_units import Units
    from datakit.kernels.windows import Windows

LEAST_LETTERS = 200
"""Default of `min_chars`; a Han character counts for `LETTERS_PER_HAN` of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SubstringDedup:
    """Remove passages that stand word for word in an earlier record, or earlier in the same one.

    For quotations, licences, abstracts and re-used paragraphs in records that are otherwise
    different. The idea is that of Lee et al. (arXiv 2107.06499), without a suffix array: passages
    are looked at as runs of whole pieces, and what travels between workers is 128 bits of hash
    (two XXH64) for each run that is just long enough, about one a piece. Of equal runs the first
    in reading order stays.

    `edges` says where a passage may begin and end. `"sentence"`: pieces are sentences, so that
    whole sentences go and whole sentences are left. `"word"`: pieces are runs of some 4 words, or
    10 Han characters, of at most 40 letters, or 20 Han characters, cut at places that the text
    itself picks; a passage is then found some 20 characters (10 of Han), at most some 60 (30),
    from where it really begins and ends, never within a word or a character, at twice the cost.
    So a passage that is hardly longer than `min_chars` may be missed. The end of a line always
    ends a piece. White space between pieces does not count.

    `min_chars`: the least length, in characters. Left out, it is 200, with Han characters, kana
    and Hangul counting three each, so 67 of those: about 50 tokens, the figure of Lee et al., in
    English and in Chinese. Any shared run of pieces of that length is found and nothing shorter
    is looked for.

    Fenced code blocks and rows of tables (beginning with `|`, or with two tabs) are no part of a
    passage unless `in_code` or `in_tables` says so. Of conversations the messages of `roles` are
    looked into; a passage never reaches from one message into the next, and a message that would
    lose all its text stays as it is.

    What others lose is never removed where it stands first, even if it is part of another
    passage: so each removed character lies in a passage of at least `min_chars` that an earlier
    place keeps whole. Equal hashes are the evidence; that any two of n different passages have
    the same is a chance of n² in 2¹²⁹ (10⁻¹⁹ for ten billion). A passage that overlaps its own
    repetition (a text of one phrase over and over) keeps its first `min_chars` and loses the rest.

    A record of which all would go, or more than `max_removed_share` of the characters that are no
    white space, is rejected. But a record that holds the first of a passage that others lose is
    not rejected; it stays whole.

    Reason: `repeated_passages`, with the number of them, the characters and the share. The report
    counts by source what was removed, and lists the passages that stand most often, with their
    `surplus`: how often they stand beyond the first. Fewer are removed where a message would be
    emptied or a record stays whole.
    """

    needs: ClassVar[Columns] = frozenset({CONTENT})
    adds: ClassVar[Columns] = frozenset()
    libraries: ClassVar[tuple[str, ...]] = ("polars",)
    many_rows: ClassVar[bool] = True

    min_chars: int | None = None
    edges: Literal["sentence", "word"] = "sentence"
    max_removed_share: float = 0.8
    in_code: bool = False
    in_tables: bool = False
    roles: tuple[str, ...] = ("assistant",)

    def __post_init__(self) -> None:
        if self.min_chars is not None and self.min_chars < 10:
            hint = "so few characters repeat by chance in any text"
            raise SettingsError("min_chars", f"{self.min_chars} is less than 10", hint)
        check_share(self.max_removed_share)
        check_roles(self.roles)

    def observe(self, batch: Batch, partitions: int) -> Observation:
        """The hashes of each run of pieces that is just long enough."""
        texts = take_texts(batch, self.roles)
        _, windows = self._find(texts)
        hashes = windows.hash_a, windows.hash_b
        return observe_parts(batch, texts.rows[windows.owners], hashes, partitions)

    def reduce(self, observed: Table) -> Reduced:
        """The runs that stand more than once."""
        return reduce_parts(observed, 1)

    def decide(self, summaries: Iterable[Table]) -> Table:
        """The runs that stand most often."""
        return list_most_frequent(summaries, one_a_record=True)

    def illustrate(self, verdict: Table, recall: Recall) -> Table:
        """The verdict with the text of each run."""
        return show_parts(verdict, recall(verdict[ADDRESS].to_list()), self._excerpts)

    def apply(self, batch: Batch, rows: Table, verdict: Table) -> Decisions:  # noqa: ARG002
        """Look at the records that have repeated parts; the others stay as they are."""
        return decide_some(batch, rows, have_parts(rows), self._cut)

    def _cut(self, batch: Batch, rows: Table) -> Decisions:
        """Cut the passages out, or reject the record."""
        texts = take_texts(batch, self.roles)
        pieces, windows = self._find(texts)
        owners = texts.rows[windows.owners]
        places, stay = find_places(owners, rows)
        holders = np.zeros(batch.height, dtype=np.bool_)
        holders[owners[places[stay]]] = True
        spans = _repeated(pieces, windows, (places[~stay], places[stay]))
        rules = CutRules(
            parts="passages", roles=self.roles, max_removed_share=self.max_removed_share
        )
        joined = join_parts(texts, spans)[:3]
        return decide_cuts(batch, texts, joined, holders=holders, rules=rules)

    def _find(self, texts: PartTexts) -> "tuple[Units, Windows]":
        from datakit.kernels.layout_marks import line_kinds
        from datakit.kernels.text_pieces import SENTENCES, WORDS, find_pieces
        from datakit.kernels.windows import find_windows

        pieces, weights = find_pieces(
            (texts.data, texts.offsets),
            edges=SENTENCES if self.edges == "sentence" else WORDS,
            wide=LETTERS_PER_HAN if self.min_chars is None else 1,
            kinds=line_kinds(code=self.in_code, tables=self.in_tables),
        )
        least = LEAST_LETTERS if self.min_chars is None else self.min_chars
        return pieces, find_windows(pieces, weights, least)

    def _excerpts(self, record: Batch) -> list[str]:
        texts = take_texts(record, self.roles)
        pieces, windows = self._find(texts)
        starts, stops = pieces.starts[windows.first], pieces.stops[windows.last]
        pairs = zip(starts, stops, strict=True)
        return [texts.data[start:stop].tobytes().decode() for start, stop in pairs]


def _repeated(pieces: "Units", windows: "Windows", places: tuple[Places, Places]) -> Spans:
    """The pieces in a run that goes, but in none that stays."""
    goes, stays = (_covered(windows, chosen, pieces.owners.size) for chosen in places)
    cut = np.flatnonzero(goes & ~stays)
    return pieces.owners[cut], pieces.starts[cut], pieces.stops[cut]


def _covered(windows: "Windows", chosen: Places, count: int) -> Flags:
    """Which pieces lie in one of the chosen windows."""
    steps = np.zeros(count + 1, dtype=np.int64)
    np.add.at(steps, windows.first[chosen], 1)
    np.subtract.at(steps, windows.last[chosen] + 1, 1)
    return np.cumsum(steps[:-1]) > 0
