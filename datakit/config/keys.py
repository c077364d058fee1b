"""The keys of a pipeline file that are its own, not a stage's; and the `[pipeline]` table."""

from dataclasses import dataclass
from typing import Any, Literal

from datakit.config import model
from datakit.config.findings import Findings, Site
from datakit.config.sizes import show_size
from datakit.config.values import fit
from datakit.errors import did_you_mean

MOST_SEED = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Key:
    """A key that is the pipeline's own, not a stage's; None as default: required."""

    type: Any
    default: Any = None


PIPELINE_KEYS = {
    "name": Key(str, ""),
    "description": Key(str, ""),
    "seed": Key(int, model.DEFAULT_SEED),
    "shard_bytes": Key(int, model.DEFAULT_SHARD_BYTES),
}
OUTPUT_KEYS = {
    "path": Key(str),
    "format": Key(str, "jsonl"),
    "max_file_bytes": Key(int, model.DEFAULT_FILE_BYTES),
    "single_file": Key(bool, False),
    "rejects": Key(Literal["excerpt", "full"], "excerpt"),
}
SOURCE_KEYS = {"name": Key(str), "format": Key(str, "")}
STAGE_KEYS = {"use": Key(str), "only": Key(list[str], [])}


def own_keys(table: dict[str, Any], keys: dict[str, Key], site: Site) -> dict[str, Any]:
    """The values of the pipeline's own keys, defaults where a key is absent or wrong."""
    values = {}
    for name, key in keys.items():
        values[name] = key.default
        if name not in table:
            if key.default is None:
                site.miss(name, table.keys() - keys.keys())
            continue
        fitted = fit(table[name], key.type, is_size=name.endswith("_bytes"))
        for mismatch in fitted.mismatches:
            site.add_at((name, *mismatch.path), f"{name}: {mismatch.message}", mismatch.hint)
        if not fitted.mismatches:
            values[name] = fitted.value
    return values


def read_pipeline(table: dict[str, Any], findings: Findings) -> dict[str, Any]:
    """The `[pipeline]` table."""
    site = Site(findings, ("pipeline",), "[pipeline]")
    for key in [key for key in table if key not in PIPELINE_KEYS]:
        site.add_at((key,), f"[pipeline]: unknown key {key!r}", did_you_mean(key, PIPELINE_KEYS))
    values = own_keys(table, PIPELINE_KEYS, site)
    if not 0 <= values["seed"] <= MOST_SEED:
        site.add("seed", f"seed: {values['seed']} is out of range", f"0 to {MOST_SEED}")
    least, most = model.LEAST_SHARD_BYTES, model.MOST_SHARD_BYTES
    if not least <= values["shard_bytes"] <= most:
        allowed = f"{show_size(least)} to {show_size(most)}"
        site.add("shard_bytes", f"shard_bytes: {values['shard_bytes']} is out of range", allowed)
    return values
