"""A preset as the text of its file."""

import json

from datakit.presets.load import Preset, Rule


def preset_toml(preset: Preset) -> str:
    """The TOML text that `parse_preset` reads back as the same preset (but for its name)."""
    lines = [
        f"title = {_text(preset.title)}",
        f"languages = [{', '.join(map(_text, preset.languages))}]",
        f"source = {_text(preset.source)}",
        f"check = {_text(preset.check)}",
        "notes = [",
        *(f"  {_text(note)}," for note in preset.notes),
        "]",
        "",
        "[rules]",
        *(f"{rule.name} = {{ {_rule(rule, preset)} }}" for rule in preset.rules),
    ]
    return "\n".join(lines) + "\n"


def _rule(rule: Rule, preset: Preset) -> str:
    threshold = int(rule.threshold) if rule.threshold.is_integer() else rule.threshold
    parts = [f"signal = {_text(rule.signal)}", f"{rule.bound} = {threshold}"]
    given = {"when": rule.when, "unit": rule.unit, "note": rule.note}
    given |= {"source": rule.source} if rule.source != preset.source else {}
    given |= {"check": rule.check} if rule.check != preset.check else {}
    return ", ".join(
        [*parts, *(f"{key} = {_text(value)}" for key, value in given.items() if value)]
    )


def _text(value: str) -> str:
    # JSON's strings are TOML's too, but for DEL, which TOML wants escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
