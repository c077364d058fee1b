"""Which fields of an input record become columns: the settings that all readers share."""

from collections.abc import Mapping
from dataclasses import dataclass

from datakit.errors import SettingsError
from datakit.records import (
    FILE,
    ID,
    LINE,
    MESSAGES,
    META,
    NESTED,
    RESERVED,
    SOURCE,
    TEXT,
    Columns,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldMapping:
    r"""Which input fields become which columns.

    `text`: the field whose content is the document, or a list of fields to be joined by `join`
    (null, missing and empty ones are left out). `fields`: further fields, as a list of names or
    as `{ column = "field" }`; a string gives its content, any other value its JSON text. `id`:
    the field that holds the record's id; without it, or where it is null, missing or empty, the
    id is `<source>/<file>:<line>`. Without `text` and `fields`, `text` is the field `text`.

    A field is named as it stands; `a.b` is also member `b` of the object `a` where there is no
    field of just that name. Mapped fields leave `meta`; an object that a path leads into stays.
    Of repeated keys the last counts.
    """

    text: str | list[str] | None = None
    fields: list[str] | dict[str, str] | None = None
    id: str | None = None
    join: str = "\n\n"

    def __post_init__(self) -> None:
        if self.text is not None and not all(self.text_paths):
            raise SettingsError("text", "an empty field name")
        if self.text is not None and not self.text_paths:
            raise SettingsError("text", "an empty list", "leave `text` out, or name a field")
        if len(set(self.text_paths)) < len(self.text_paths):
            raise SettingsError("text", "a field is named twice")
        if self.id == "":
            raise SettingsError("id", "an empty field name")
        self._check_fields()

    def _check_fields(self) -> None:
        if self.fields is not None and not self.fields:
            raise SettingsError("fields", "names no field", "leave `fields` out, or name some")
        if isinstance(self.fields, list) and len(set(self.fields)) < len(self.fields):
            raise SettingsError("fields", "a field is named twice")
        for column, path in self.columns.items():
            if not column or not path:
                raise SettingsError("fields", "an empty name")
            if column in RESERVED or column.startswith("_"):
                raise SettingsError(
                    "fields", f"{column!r} is a name that datakit uses itself", _hint(column, path)
                )

    @property
    def text_paths(self) -> tuple[str, ...]:
        """The fields that make up `text`."""
        if self.text is None:
            return (TEXT,) if self.fields is None else ()
        return (self.text,) if isinstance(self.text, str) else tuple(self.text)

    @property
    def columns(self) -> Mapping[str, str]:
        """The columns beside `text`, and the field of each."""
        if isinstance(self.fields, dict):
            return self.fields
        return {name: name for name in self.fields or ()}

    @property
    def inputs(self) -> tuple[str, ...]:
        """Every field or path that is mapped, once."""
        ids = () if self.id is None else (self.id,)
        return tuple(dict.fromkeys((*self.text_paths, *self.columns.values(), *ids)))

    @property
    def adds(self) -> Columns:
        """The columns of a batch, without those that mark rejects."""
        text = (TEXT,) if self.text_paths else ()
        nested = (NESTED,) if self.columns else ()
        return frozenset((ID, SOURCE, *text, *self.columns, META, *nested, FILE, LINE))


def _hint(column: str, path: str) -> str:
    """What to write instead of a reserved name."""
    if column in (ID, TEXT):
        return f'write {column} = "{path}" in place of it'
    other = "conversation" if column == MESSAGES else f"input_{column.strip('_')}"
    return f'give the column another name: fields = {{ {other} = "{path}" }}'
