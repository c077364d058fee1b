"""Add measured signals of the text as columns."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from datakit.conversations.roles import check_roles
from datakit.errors import SettingsError, did_you_mean
from datakit.presets.choose import Changes, choose_rules
from datakit.presets.describe import aligned
from datakit.records import CONTENT, Batch, Columns, joined_content
from datakit.signals import columns_named, measure
from datakit.text.signal_catalogue import GROUPS, SIGNALS


@dataclass(frozen=True, kw_only=True, slots=True)
class SignalAnnotator:
    """Add signals, numbers measured of a record's text, as columns for later stages and for a look
    at thresholds.

    - `signals`: names of signals, listed below; each becomes a column of its name. Counts are whole
      numbers, everything else is a floating-point number.
    - `preset`: all signals that the rules of a preset name, or of several; `filter.quality` with
      `reuse = true` then judges by these columns and measures nothing.
    - `roles`: of conversations only these messages are measured (`["assistant"]`); else all, joined
      by line ends.

    Signals are those of the text as it is at this point: a cleaner behind does not change them.
    """

    needs: ClassVar[Columns] = frozenset({CONTENT})
    libraries: ClassVar[tuple[str, ...]] = ("jieba",)

    signals: tuple[str, ...] = ()
    preset: str | Path | tuple[str | Path, ...] = ()
    roles: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in self.signals:
            if name not in SIGNALS:
                message = f"{name!r} is no signal"
                raise SettingsError("signals", message, did_you_mean(name, SIGNALS))
        check_roles(self.roles)
        if not self.adds:
            hint = 'such as signals = ["chars", "han", "dup_10_grams"]'
            raise SettingsError("signals", "there is no signal to measure", hint)

    @property
    def adds(self) -> Columns:
        """The signals' names."""
        presets = (self.preset,) if isinstance(self.preset, str | Path) else self.preset
        rules = choose_rules([str(name) for name in presets], Changes(override={}))
        named = [name for rule in rules for name in columns_named(rule.signal, rule.when)]
        return frozenset([*self.signals, *named])

    def map(self, batch: Batch) -> Batch:
        """The batch with the signals' columns."""
        return batch.with_columns(measure(joined_content(batch, roles=self.roles), self.adds))

    @staticmethod
    def describe() -> str:
        """All signals with their meanings, for `datakit stages annotate.signals`."""
        tables = []
        for group, meaning in GROUPS.items():
            rows = [(s.name, s.unit, s.meaning) for s in SIGNALS.values() if s.group == group]
            tables.append(f"{group}: {meaning}\n{aligned(rows)}")
        segmented = [f"jieba_{s.name}" for s in SIGNALS.values() if f"jieba_{s.name}" in SIGNALS]
        tables.append("The same of words as jieba cuts them:\n  " + ", ".join(segmented))
        return "\n\n".join(["Signals, by what is looked at:", *tables])
