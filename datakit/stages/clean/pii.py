"""Put placeholders for personal information."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

import numpy as np
import orjson
import polars as pl
from numpy.typing import NDArray

from datakit.errors import SettingsError, did_you_mean
from datakit.records import CONTENT, SPOKEN, Batch, Columns, Rewrite, map_fields
from datakit.stages.clean.call_values import Change, rewrite_arguments
from datakit.text.pii import KINDS, Found, find_pii, hint_pattern

PII, N_PII = "pii", "n_pii"

Pieces: TypeAlias = list[tuple[int, str]]
"""What was found: (number of the text, kind)."""
Mask: TypeAlias = Callable[[pl.Series], tuple[pl.Series, Pieces]]


@dataclass(frozen=True, kw_only=True, slots=True)
class PiiCleaner:
    """Put a placeholder such as `<MOBILE>` for personal information, and count what was found.

    `kinds` chooses among (all by default):

    - `id_card`: resident ID with region, date and check digit; without a right check digit, or in
      the old form of 15 digits, only behind 身份证 and the like;
    - `bank_card`: card numbers by prefix and Luhn check, others behind 卡号 or 账号; `iban`;
    - `credit_code`: unified social credit code with its check character;
    - `mobile` and `landline` of mainland China, `phone`: numbers with another country's code, and
      North American ones in brackets or behind their word; `ssn` behind its word;
    - `passport`, `permit` (Hong Kong, Macao, Taiwan) and `patient_id` (住院号, 门诊号, 病案号,
      医保卡号 ...) behind their words; `plate`;
    - `email`; `ip`: public addresses of seven digits or more;
    - `wechat` and `qq` behind their words.

    A number behind the name of another kind of number (编号, 批号, 订单号, 病例号, PMID, DOI ...)
    stays, and so do approval numbers of drugs, ICD codes, laboratory values and doses, hotlines
    (400, 800, 120), and mail addresses of example.com. Names and postal addresses are not looked
    for: that takes a model.

    `placeholder` is what is put, with `{KIND}` or `{kind}` for the kind; `placeholders` sets
    single ones, likewise: `{ email = "[邮箱]", ip = "[{KIND}]" }`.

    In a conversation the contents and the reasoning of all messages are looked through, the
    rejected answer, and the values in the arguments of tool calls, each with its key before it as
    its word (`{"qq": 12345678}`). The arguments stay JSON: a number that is found becomes a string.
    Ids, lists of tools and `meta` are left alone.

    Adds `n_pii`, the number of pieces in a record, and `pii`, their number by kind as the JSON text
    of an object (null where there is none); a second such stage adds to the counts of the first. To
    reject records with many, put `filter.pii` behind.
    On 507 written cases with 248 pieces, 112 of the cases medical figures that are none, it finds
    all and one too many; real texts are harder. Full-width digits are known; other odd forms of
    text are put right by `clean.unicode` before.
    """

    needs: ClassVar[Columns] = frozenset({CONTENT})
    adds: ClassVar[Columns] = frozenset({PII, N_PII})

    kinds: tuple[str, ...] = KINDS
    placeholder: str = "<{KIND}>"
    placeholders: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.kinds:
            raise SettingsError("kinds", "names nothing to look for", f"known: {', '.join(KINDS)}")
        for key, kinds in (("kinds", self.kinds), ("placeholders", self.placeholders)):
            for kind in kinds:
                if kind not in KINDS:
                    hint = did_you_mean(kind, KINDS)
                    raise SettingsError(key, f"unknown kind {kind!r}", hint)
        _check_placeholder("placeholder", self.placeholder)
        for placeholder in self.placeholders.values():
            _check_placeholder("placeholders", placeholder)

    def map(self, batch: Batch) -> Batch:
        """The batch with placeholders, and `pii` and `n_pii`."""
        counts = _found_before(batch)

        def count(mask: Mask) -> Rewrite:
            def rewrite(texts: pl.Series, owners: NDArray[np.int64]) -> pl.Series:
                masked, pieces = mask(texts)
                for row, kind in pieces:
                    counts.setdefault(int(owners[row]), Counter())[kind] += 1
                return masked

            return rewrite

        rewrites = dict.fromkeys(SPOKEN, count(self._mask))
        masked = map_fields(batch, {**rewrites, "tool_calls": count(self._mask_calls)})
        kinds = [orjson.dumps(count).decode() for count in counts.values()]
        totals = [count.total() for count in counts.values()]
        no_kind = pl.Series(PII, [None], dtype=pl.String)
        no_piece = pl.Series(N_PII, [0], dtype=pl.UInt32)
        return masked.with_columns(
            no_kind.new_from_index(0, batch.height).scatter(list(counts), kinds),
            no_piece.new_from_index(0, batch.height).scatter(list(counts), totals),
        )

    def edits(self, batch: Batch, changed: Batch) -> Mapping[str, int]:
        """How many pieces of each kind were found."""
        return _total(changed) - _total(batch)

    def _mask(self, texts: pl.Series) -> tuple[pl.Series, Pieces]:
        """The texts with placeholders, and what was found. Only lines with something like personal
        information are looked at in Python.
        """
        hint, text, pieces = hint_pattern(self.kinds), pl.col("text"), Pieces()
        rows = texts.str.contains(hint).fill_null(False).arg_true()
        lines = pl.DataFrame({"row": rows, "text": texts.gather(rows).str.split("\n")})
        lines = lines.explode("text").with_row_index("line")
        masked = []
        hinted = lines.filter(text.str.contains(hint))
        for row, line in hinted.select("row", "text").iter_rows():
            here = find_pii(line, self.kinds)
            pieces += [(row, piece.kind) for piece in here]
            masked.append(self._replace(line, here))
        if not pieces:
            return texts, pieces
        changed = lines["text"].scatter(hinted["line"], pl.Series(masked, dtype=pl.String))
        glued = lines.with_columns(changed).group_by("row", maintain_order=True)
        return texts.scatter(rows, glued.agg(text.str.join("\n"))["text"]), pieces

    def _mask_calls(self, texts: pl.Series) -> tuple[pl.Series, Pieces]:
        """Tool calls with placeholders in their arguments, and what was found."""
        # An escape may stand for a sign that the hint asks for.
        hint, pieces = rf"\\u|{hint_pattern(self.kinds)}", Pieces()
        rows = texts.str.contains(hint).fill_null(False).arg_true()

        def mask_in(row: int) -> Change:
            def mask(key: str, value: str) -> str:
                before = f"{key}: "
                found = find_pii(before + value, self.kinds)
                here = [piece for piece in found if piece.start >= len(before)]
                pieces.extend((row, piece.kind) for piece in here)
                return self._replace(before + value, here).removeprefix(before)

            return mask

        masked = [rewrite_arguments(texts[row], mask_in(row)) for row in rows]
        return texts.scatter(rows, pl.Series(masked, dtype=pl.String)), pieces

    def _replace(self, line: str, found: Iterable[Found]) -> str:
        parts, at = [], 0
        for start, end, kind in found:
            placeholder = self.placeholders.get(kind, self.placeholder)
            named = placeholder.replace("{KIND}", kind.upper()).replace("{kind}", kind)
            parts += [line[at:start], named]
            at = end
        return "".join([*parts, line[at:]])


def _is_counted(batch: Batch) -> bool:
    """Whether such a stage has been before; columns of the data's own of these names are text."""
    return batch.schema.get(N_PII) == pl.UInt32 and batch.schema.get(PII) == pl.String


def _found_before(batch: Batch) -> dict[int, Counter[str]]:
    """By row, what `pii` counts; nothing where no such stage has been yet."""
    if not _is_counted(batch):
        return {}
    rows = batch[PII].is_not_null().arg_true()
    return {row: Counter(orjson.loads(batch[PII][row])) for row in rows}


def _total(batch: Batch) -> Counter[str]:
    """What `pii` counts in all records."""
    total: Counter[str] = Counter()
    if _is_counted(batch):
        for kinds, records in batch[PII].drop_nulls().value_counts().iter_rows():
            for kind, count in orjson.loads(kinds).items():
                total[kind] += count * records
    return total


def _check_placeholder(key: str, placeholder: str) -> None:
    for name in re.findall(r"\{\w*\}", placeholder):
        if name not in ("{KIND}", "{kind}"):
            raise SettingsError(key, f"{name} stands for nothing", 'placeholder = "<{KIND}>"')
