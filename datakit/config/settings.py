"""From a TOML table to a stage: the table's keys are the fields of the stage's dataclass."""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_type_hints

from datakit.config.findings import Site
from datakit.config.values import fit
from datakit.config.words import toml_text, type_words, union_members
from datakit.errors import DatakitError, SettingsError, did_you_mean


class Setting(NamedTuple):
    """A setting of a stage, as the catalogue shows it; `default` is TOML text, empty for none."""

    name: str
    type: str
    default: str
    is_required: bool


@dataclass(frozen=True, slots=True)
class Given:
    """What a table's owner adds to it: `values` no user writes there, `reserved` keys that are
    not the stage's, and the folder that relative paths are taken from (None: as they stand).
    """

    values: Mapping[str, Any]
    reserved: frozenset[str] = frozenset()
    folder: Path | None = None


def setting_types(cls: type) -> dict[str, Any]:
    """The settings of a class and their annotations, in order.

    Raises:
        TypeError: `cls` is no dataclass, or an annotation cannot be resolved.
    """
    if not is_dataclass(cls):
        raise TypeError(f"{cls.__name__} is not a dataclass, so its settings are not known")
    try:
        hints = get_type_hints(cls)
    except NameError as error:
        raise TypeError(f"an annotation of {cls.__name__} cannot be resolved: {error}") from error
    return {field.name: hints[field.name] for field in _public_fields(cls)}


def required_settings(cls: type) -> list[str]:
    """The settings of a class that have no default."""
    return [field.name for field in _public_fields(cls) if _is_required(field)]


def settings_table(cls: type) -> list[Setting]:
    """The settings of a stage's class, with their types in words and their defaults."""
    types, table = setting_types(cls), []
    for field in _public_fields(cls):
        default = toml_text(_default(field)) if not _is_required(field) else ""
        words = type_words(types[field.name])
        table.append(Setting(field.name, words, default, _is_required(field)))
    return table


def build_stage(cls: type, table: Mapping[str, Any], site: Site, given: Given) -> Any:
    """An instance of `cls` with the table's settings; None if anything is wrong with them.

    Every mistake goes to the site's findings. Settings are checked against each other (by the
    class itself) only once each is right for itself.
    """
    try:
        types = setting_types(cls)
    except TypeError as error:
        site.add(None, f"{site.what}: {error}")
        return None
    own = {key: value for key, value in table.items() if key not in given.reserved}
    before = len(site.findings.problems)
    for key in required_settings(cls):
        if key not in own.keys() | given.values.keys():
            site.miss(key, own.keys() - types.keys(), f"it is {type_words(types[key])}")
    hidden = given.values.keys() - given.reserved
    for key in [key for key in own if key not in types or key in hidden]:
        known = (types.keys() | given.reserved) - hidden
        site.add_at((key,), f"{site.what}: unknown key {key!r}", did_you_mean(key, known))
    settings = _fitted({k: v for k, v in own.items() if k in types}, types, site)
    if len(site.findings.problems) > before:
        return None
    placed = {key: _place_paths(value, types[key], given.folder) for key, value in settings.items()}
    return _construct(cls, {**placed, **given.values}, site)


def _fitted(own: Mapping[str, Any], types: Mapping[str, Any], site: Site) -> dict[str, Any]:
    settings = {}
    for key, value in own.items():
        fitted = fit(value, types[key], is_size=key.endswith("_bytes"))
        for mismatch in fitted.mismatches:
            name = ".".join(str(part) for part in (key, *mismatch.path))
            site.add_at((key, *mismatch.path), f"{name}: {mismatch.message}", mismatch.hint)
        settings[key] = fitted.value
    return settings


def _construct(cls: type, settings: Mapping[str, Any], site: Site) -> Any:
    try:
        return cls(**settings)
    except SettingsError as error:
        site.add(error.key, f"{error.key}: {error.message}", error.hint)
    except DatakitError as error:
        site.add(None, f"{site.what}: {error}")
    except (ValueError, TypeError) as error:
        if cls.__module__.startswith("datakit."):
            raise
        site.add(None, f"{site.what}: {type(error).__name__}: {error}")
    return None


def _place_paths(value: Any, hint: Any, folder: Path | None) -> Any:
    """The value with every path in it placed, in tables and lists too; where a name may stand as
    well, a path is what has a suffix.
    """
    members = union_members(hint)
    if isinstance(value, Path) or (Path in members and _is_path(value)):
        return Path(place_path(str(value), folder))
    inner = [each for member in members for each in get_args(member)] or [None]
    if isinstance(value, Mapping):
        return {key: _place_paths(each, inner[-1], folder) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(_place_paths(each, inner[0], folder) for each in value)
    return value


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and Path(value).suffix != ""


def place_path(path: str, folder: Path | None) -> str:
    """A path as a pipeline file means it: `~` is the home folder, a relative path is taken from
    `folder` if there is one, an address such as `s3://…` stays.

    >>> place_path("data/*.jsonl", Path("/project")), place_path("s3://bucket/x", Path("/project"))
    ('/project/data/*.jsonl', 's3://bucket/x')
    """
    if "://" in path:
        return path
    if path == "~" or path.startswith("~/"):
        return str(Path(path).expanduser())
    return str(folder / path) if folder is not None else path


def _public_fields(cls: type) -> Iterator["Field[Any]"]:
    return (field for field in fields(cls) if field.init and not field.name.startswith("_"))


def _is_required(field: "Field[Any]") -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _default(field: "Field[Any]") -> Any:
    return field.default_factory() if field.default_factory is not MISSING else field.default
