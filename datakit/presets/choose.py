"""The rules that a stage judges by: those of its presets, with thresholds changed or left out."""

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
    rules: list[Rule] = []
    for name in presets:
        try:
            preset = load_preset(name)
        except UsageError as error:
            raise SettingsError("preset", str(error)) from error
        if repeated := {rule.name.partition(".")[0] for rule in rules} & {preset.name}:
            raise SettingsError("preset", f"{repeated.pop()!r} is named twice")
        rules += [rule._replace(name=f"{preset.name}.{rule.name}") for rule in preset.rules]
    for key, names in (("override", changes.override), ("skip", changes.skip)):
        _check_names(key, names, rules)
    return tuple(
        rule._replace(threshold=float(_lookup(changes.override, rule.name, rule.threshold)))
        for rule in rules
        if not {rule.name, _short(rule.name)} & set(changes.skip)
    )


def _lookup(override: Mapping[str, float], name: str, default: float) -> float:
    return override.get(name, override.get(_short(name), default))


def _check_names(key: str, names: Iterable[str], rules: Sequence[Rule]) -> None:
    full = [rule.name for rule in rules]
    known = {*full, *map(_short, full)}
    for name in names:
        if name not in known:
            hint = did_you_mean(name, full if "." in name else {*map(_short, full)})
            raise SettingsError(key, f"no preset here has a rule {name!r}", hint)


def _short(name: str) -> str:
    return name.partition(".")[2]
