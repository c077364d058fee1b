"""The `[[stage]]` tables; every mistake goes to the findings."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datakit.config import model
from datakit.config.findings import Findings, Site
from datakit.config.keys import STAGE_KEYS, own_keys
from datakit.config.settings import Given, build_stage, setting_types
from datakit.errors import DatakitError, UnknownNameError, did_you_mean
from datakit.registry import stages

_NO_STAGE = ("ingest.", "write.")


@dataclass(frozen=True, slots=True)
class Shared:
    """What all stages get: the pipeline's seed, its sources' names (None: not all known), the
    folder of relative paths.
    """

    seed: int
    sources: Sequence[str] | None
    folder: Path | None


def read_stages(
    tables: Sequence[dict[str, Any]], findings: Findings, shared: Shared
) -> Iterator[model.NamedStage]:
    """The `[[stage]]` tables that are right."""
    for number, table in enumerate(tables):
        site = Site(findings, ("stage", number), "[[stage]]")
        own = own_keys(table, STAGE_KEYS, site)
        _check_only(table, own["only"], site, shared.sources)
        if own["use"] is None or not (cls := _stage_class(own["use"], site)):
            continue
        site = Site(findings, site.path, own["use"])
        given = Given({}, frozenset(STAGE_KEYS), shared.folder)
        settings = _with_seed(cls, table, shared.seed)
        if (stage := build_stage(cls, settings, site, given)) is not None:
            yield model.NamedStage(
                name=own["use"],
                index=number + 1,
                stage=stage,
                only=tuple(own["only"]) if "only" in table else None,
                line=site.line,
            )


def _stage_class(name: str, site: Site) -> type | None:
    if name.startswith(_NO_STAGE) and name in stages():
        where, short = (
            ("[[source]]", "reads") if name.startswith("ingest.") else ("[output]", "writes")
        )
        message = f"use: {name} {short} files; it is no [[stage]]"
        site.add("use", message, f'say format = "{name.partition(".")[2]}" in {where}')
        return None
    return find_class(name, "use", site)


def find_class(name: str, key: str, site: Site) -> type | None:
    """The class behind a stage's name, or None and a finding at `key`."""
    try:
        return stages()[name]
    except UnknownNameError:
        known = [each for each in stages() if not each.startswith(_NO_STAGE)]
        site.add(key, f"unknown stage {name!r}", did_you_mean(name, known))
    except DatakitError as error:
        site.add(key, str(error))
    return None


def check_kind(instance: Any, protocol: type, site: Site) -> bool:
    """Whether a user's own source or sink has what its protocol asks for; a finding if not."""
    if isinstance(instance, protocol):
        return True
    kind = protocol.__name__.lower()
    message = f"{type(instance).__name__} is no {kind}: it lacks some of the attributes of one"
    site.add("format", message, f"see {protocol.__name__} in datakit/stage.py")
    return False


def _with_seed(cls: type, table: dict[str, Any], seed: int) -> dict[str, Any]:
    try:
        has_seed = "seed" in setting_types(cls)
    except TypeError:
        return table  # reported when the stage is built
    return {"seed": seed, **table} if has_seed else table


def _check_only(
    table: dict[str, Any], only: Sequence[str], site: Site, known: Sequence[str] | None
) -> None:
    if table.get("only") == []:
        site.add("only", "only: the list is empty, so the stage would do nothing", "leave it out")
    for number, name in enumerate(only):
        if known is not None and name not in known:
            message = f"only: there is no source {name!r}"
            site.add_at(("only", number), message, did_you_mean(name, known))
