"""Presets as text, for people."""

from collections.abc import Sequence

from datakit.presets.load import CHECKS, Preset, load_preset, preset_names


def describe_presets() -> str:
    """All presets that come with datakit: their rules as tables, without notes."""
    tables = [_head(preset) + "\n" + _rules(preset) for preset in map(load_preset, preset_names())]
    keys = ", ".join(f"{mark} {meaning}" for mark, meaning in CHECKS.items())
    hint = "datakit stages filter.quality --preset NAME shows sources and notes of one."
    return "\n\n".join(["Presets:", *tables, f"Check: {keys}.\n{hint}"])


def describe_preset(name: str) -> str:
    """One preset: title, source, rules with their sources, notes.

    Raises:
        UsageError: there is no such preset.
    """
    preset = load_preset(name)
    parts = [_head(preset), f"Source: {preset.source} [{preset.check}]", _rules(preset)]
    own = {rule.source for rule in preset.rules if rule.source != preset.source}
    if own:
        lines = [
            f"  {rule.name}: {rule.source} [{rule.check}]"
            for rule in preset.rules
            if rule.source != preset.source
        ]
        parts.append("\n".join(["Other sources:", *lines]))
    notes = [*preset.notes, *(f"{rule.name}: {rule.note}" for rule in preset.rules if rule.note)]
    parts += ["\n".join(["Notes:", *(f"- {note}" for note in notes)])] if notes else []
    return "\n\n".join(parts)


def _head(preset: Preset) -> str:
    languages = f" ({', '.join(preset.languages)})" if preset.languages else ""
    return f"{preset.name}{languages}: {preset.title}"


def _rules(preset: Preset) -> str:
    rows = [("rule", "keep if", "unit", "check")]
    for rule in preset.rules:
        keeps = f"{rule.keeps} where {rule.when}" if rule.when else rule.keeps
        rows.append((rule.name, keeps, rule.unit or unit_of(rule.signal), rule.check))
    return aligned(rows)


def unit_of(signal: str) -> str:
    """The unit of a rule on one signal; empty for an expression of several."""
    from datakit.text.signal_catalogue import SIGNALS

    return SIGNALS[signal].unit if signal in SIGNALS else ""


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows as lines of columns of equal width."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  " + "  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
