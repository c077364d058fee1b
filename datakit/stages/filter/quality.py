"""Keep records that meet published or own rules on measured signals."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl

from datakit.conversations.roles import check_roles
from datakit.errors import SettingsError
from datakit.presets.choose import Changes, choose_rules
from datakit.presets.describe import describe_presets
from datakit.presets.load import preset_names
from datakit.records import CONTENT, Batch, Columns, Table, joined_content
from datakit.signals import measure
from datakit.stages.filter.judging import (
    Judge,
    judge,
    judge_of_own,
    judge_of_preset,
    pass_all,
)
from datakit.text.signal_catalogue import SIGNALS

NO_LANGUAGES = frozenset({"cn", "zh-Hans", "zh-Hant"})
"""What users take for values of `lang`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class QualityFilter:
    """Keep records that meet the rules of a preset, with thresholds on signals measured of their
    text.

        [[stage]]
        use = "filter.quality"
        preset = "fineweb2-zh"
        override = { too_few_words = 30 }
        skip = ["few_end_marks"]

    - `preset`: the name of a table of published rules, or a list of names, or the path of a TOML
      file in the same form (`datakit fit` writes one). What presets there are, and their rules,
      stands below.
    - `override`: other thresholds for single rules; `skip`: rules left out. Where two presets have
      a rule of the same name, both are meant, or one as `"fineweb2-zh.too_few_words"`.
    - `rules`: a table of rules of one's own: reasons, and what must be true of a record to stay,
      as an SQL expression on signals (`datakit stages annotate.signals` lists them) and on columns
      there are: `wordy = "words <= 5000 AND digits < 0.3"`. They come after those of presets.
    - `roles`: of conversations only these messages are measured (`["assistant"]`); else all, joined
      by line ends.
    - `only_lang`: judge only records whose column `lang` is one of these (`zh`, `yue`, `en` ...,
      as `filter.language` and `annotate.language` write them); all others stay.
    - `reuse`: do not measure, but take signals from columns of their name, as `annotate.signals`
      added them: thresholds can then be tried again at no cost.

    Only the groups of signals that the rules name are measured. A rule whose signal is null does
    not reject. Words are cut by jieba only for rules on signals that begin with `jieba_`.

    Reasons: `<preset>.<rule>`, or the name of one's own rule: the first one, in order, that the
    record does not meet. Values: that rule and its threshold, the signals measured, and all rules
    that the record does not meet.
    """

    adds: ClassVar[Columns] = frozenset()
    libraries: ClassVar[tuple[str, ...]] = ("polars", "jieba")

    preset: str | Path | tuple[str | Path, ...] = ()
    override: Mapping[str, float] = field(default_factory=dict)
    skip: tuple[str, ...] = ()
    rules: Mapping[str, str] = field(default_factory=dict)
    roles: tuple[str, ...] = ()
    only_lang: tuple[str, ...] = ()
    reuse: bool = False
    _judges: tuple[Judge, ...] = field(init=False, repr=False, default=())

    def __post_init__(self) -> None:
        presets = (self.preset,) if isinstance(self.preset, str | Path) else self.preset
        changes = Changes(override=self.override, skip=self.skip)
        chosen = choose_rules([str(name) for name in presets], changes)
        judges = [judge_of_preset(rule) for rule in chosen]
        judges += [judge_of_own(name, sql) for name, sql in self.rules.items()]
        if not judges:
            hint = f'preset = "datakit-zh-doc"; known: {", ".join(preset_names())}'
            raise SettingsError("preset", "there is no rule to judge by", hint)
        check_roles(self.roles)
        for lang in self.only_lang:
            if lang in NO_LANGUAGES:
                hint = "the column `lang` holds languages; write `zh`"
                raise SettingsError("only_lang", f"{lang!r} is no language", hint)
        object.__setattr__(self, "_judges", tuple(judges))

    @property
    def needs(self) -> Columns:
        """The records' content, `lang` for `only_lang`, and columns that own rules name."""
        named = {column for each in self._judges for column in each.columns}
        own = named if self.reuse else named - SIGNALS.keys()
        return frozenset({CONTENT, *own, *(["lang"] if self.only_lang else [])})

    def reject(self, batch: Batch) -> Table:
        """`reason`, `rule`, `threshold`, the signals of rules not met, and `failed`."""
        if not self.only_lang:
            return judge(self._measure(batch), self._judges, of=batch.height)
        is_judged = batch.select(pl.col("lang").is_in(self.only_lang).fill_null(value=False))
        rows = np.flatnonzero(is_judged.to_series().to_numpy())
        if not rows.size:
            return pass_all(batch.height)
        judged = batch if rows.size == batch.height else batch[rows]
        return judge(self._measure(judged), self._judges, rows=rows, of=batch.height)

    def _measure(self, batch: Batch) -> Table:
        """The columns that the rules name, signals measured unless they are to be reused."""
        named = list(dict.fromkeys(column for each in self._judges for column in each.columns))
        columns = [batch[name] for name in named if self.reuse or name not in SIGNALS]
        if not self.reuse:
            columns += measure(joined_content(batch, roles=self.roles), named).get_columns()
        return pl.DataFrame(columns) if columns else batch.select(pl.lit(0).alias("_"))

    @staticmethod
    def describe() -> str:
        """The rule tables of all presets, for `datakit stages filter.quality`."""
        return describe_presets()
