"""The rules that a stage judges by: those of its presets, with thresholds changed or left out."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from datakit.errors import SettingsError, UsageError, did_you_mean
from datakit.presets.load import Rule, load_preset


@dataclass(frozen=True, kw_only=True, slots=True)
class Changes:
    """What a pipeline changes of presets: new thresholds, and rules left out; both by the rule's
    name, alone or as `<preset>.<rule>`.
    """

    override: Mapping[str, float]
    skip: Sequence[str] = ()


def choose_rules(presets: Sequence[str], changes: Changes) -> tuple[Rule, ...]:
    """The rules of presets, in order, named `<preset>.<rule>`.

    Raises:
        SettingsError: an unknown preset, a file that is none, or a change to no rule there is.
    """
    known: dict[str, dict[str, Rule]] = {}
    for name in presets:
        try:
            preset = load_preset(name)
        except UsageError as error:
            raise SettingsError("preset", str(error)) from error
        if preset.name in known:
            raise SettingsError("preset", f"{preset.name!r} is named twice")
        known[preset.name] = {f"{preset.name}.{rule.name}": rule for rule in preset.rules}
    short = {full: rule.name for rules in known.values() for full, rule in rules.items()}
    for key, names in (("override", changes.override), ("skip", changes.skip)):
        _check_names(key, names, short)
    for name, threshold in changes.override.items():
        if not math.isfinite(threshold):
            raise SettingsError("override", f"{name}: {threshold} is no threshold")
    return tuple(
        rule._replace(name=full, threshold=float(_lookup(changes.override, full, rule)))
        for rules in known.values()
        for full, rule in rules.items()
        if not {full, rule.name} & set(changes.skip)
    )


def _lookup(override: Mapping[str, float], full: str, rule: Rule) -> float:
    return override.get(full, override.get(rule.name, rule.threshold))


def _check_names(key: str, names: Iterable[str], short: Mapping[str, str]) -> None:
    """Look for names among the rules; `short` has each rule's own name by its full one."""
    for name in names:
        if name not in short and name not in short.values():
            hint = did_you_mean(name, short if "." in name else set(short.values()))
            raise SettingsError(key, f"no preset here has a rule {name!r}", hint)
