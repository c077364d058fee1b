"""Keep records by the address they come from."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Literal

import polars as pl

from datakit.errors import SettingsError
from datakit.records import META, Batch, Columns, Table
from datakit.text.lists import read_list

_SCHEME = re.compile(r"^(?:[A-Za-z][A-Za-z0-9+.-]*:)?//")
_HOST = re.compile(r"([^/?#]*)(.*)", re.DOTALL)


@dataclass(frozen=True, kw_only=True, slots=True)
class UrlFilter:
    """Keep records whose address is not on a list, or with `action = "keep"` only those that are.

    The list is `entries`, or the `files` of which every line is an entry (blank lines and lines
    that begin with `#` are none), or both. An entry is a domain (`example.com`: the domain and all
    below it) or the beginning of an address (`example.com/ads/`); a scheme and a leading `www.` do
    not count. There are no wildcards. Public lists such as UT1's `domains` and `urls` files can be
    used as they are.

    `field` is where the address stands: a column, or a field of the input record that was not
    mapped (a member of `meta`); `a.b` is also member `b` of the object `a`. `unknown` says what
    becomes of a record without one.

    Reasons: `listed_url`, `unlisted_url` (under `action = "keep"`), `no_url`. Values: `url`, and
    the `entry` that met it. The report shows how many records of each source have a listed address,
    another, or none: none at all, and `field` is misspelt.
    """

    tally: ClassVar[tuple[str, ...]] = ("address",)
    adds: ClassVar[Columns] = frozenset()

    entries: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    field: str = "url"
    action: Literal["reject", "keep"] = "reject"
    unknown: Literal["keep", "reject"] = "keep"

    def __post_init__(self) -> None:
        for path in self.files:
            if not Path(path).is_file():
                raise SettingsError("files", f"there is no file {str(path)!r}")
            try:
                listed = read_list(Path(path))
            except (OSError, UnicodeDecodeError) as error:
                raise SettingsError("files", f"{path} cannot be read as UTF-8: {error}") from error
            _check_wildcards("files", listed)
        for key, allowed in (("action", ("reject", "keep")), ("unknown", ("keep", "reject"))):
            if getattr(self, key) not in allowed:
                message = f"{getattr(self, key)!r} is none of {allowed[0]!r}, {allowed[1]!r}"
                raise SettingsError(key, message)
        _check_wildcards("entries", self.entries)
        if not self._list():
            key, where = ("files", " on any line") if self.files else ("entries", "")
            hint = 'entries = ["example.com"] or files = ["domains.txt"]'
            raise SettingsError(key, f"there is no entry{where}", hint)

    @property
    def needs(self) -> Columns:
        """The address's column, or else `meta`."""
        return frozenset({f"{self.field}|{META}"})

    def reject(self, batch: Batch) -> Table:
        """`reason`, `url`, the list's `entry`, and whether the `address` is listed."""
        urls = self._urls(batch)
        distinct = urls.drop_nulls().unique().to_list()
        met = {url: _find_entry(url, self._list()) for url in distinct}
        entry = urls.to_frame().select(
            pl.col("url").replace_strict(met, default=None, return_dtype=pl.String).alias("entry")
        )
        is_listed = pl.col("entry").is_not_null()
        is_keeping = self.action == "keep"
        goes = ~is_listed if is_keeping else is_listed
        name = "unlisted_url" if is_keeping else "listed_url"
        none = pl.lit("no_url" if self.unknown == "reject" else None, dtype=pl.String)
        reason = pl.when(pl.col("url").is_null()).then(none).when(goes).then(pl.lit(name))
        listed = pl.when(is_listed).then(pl.lit("listed")).otherwise(pl.lit("unlisted"))
        address = pl.when(pl.col("url").is_null()).then(pl.lit("none")).otherwise(listed)
        found = entry.with_columns(urls)
        return found.select(reason.alias("reason"), "url", "entry", address.alias("address"))

    def _urls(self, batch: Batch) -> pl.Series:
        if self.field in batch.columns:
            column = batch[self.field].cast(pl.String)
        else:
            column = _read_member(batch[META], [self.field])
            if "." in self.field:
                column = column.fill_null(_read_member(batch[META], self.field.split(".")))
        url = column.str.strip_chars().alias("url")
        return url.set(url == "", None)

    def _list(self) -> frozenset[str]:
        marks = tuple(Path(path).stat().st_mtime_ns for path in self.files)
        return _read_entries(tuple(self.entries), tuple(map(str, self.files)), marks)


def _read_member(objects: pl.Series, path: Sequence[str]) -> pl.Series:
    quoted = (name.replace("'", "\\'") for name in path)
    return objects.str.json_path_match("$" + "".join(f"['{name}']" for name in quoted))


def _check_wildcards(key: str, entries: Iterable[str]) -> None:
    """Raise SettingsError for an entry that has one; a star inside a path may be part of it."""
    for entry in (entry for entry in entries if "*" in entry):
        host, path = _HOST.match(_bare(entry)).groups()  # type: ignore[union-attr]
        if "*" in host or path.endswith("*"):
            hint = "a domain covers all below it, the beginning of an address all that begins so"
            raise SettingsError(key, f"{entry!r}: entries have no wildcards", hint)


@lru_cache(maxsize=8)
def _read_entries(
    entries: tuple[str, ...], paths: tuple[str, ...], _marks: tuple[int, ...]
) -> frozenset[str]:
    """All entries in the form they are compared in; a file that changed is read again."""
    listed = (entry for path in paths for entry in read_list(Path(path)))
    return frozenset(bare for entry in (*entries, *listed) if (bare := _bare(entry)))


def _bare(url: str) -> str:
    """An address as it is compared: without scheme, user, `www.`, port, and slash at its end; the
    host in lower case.
    """
    address = _SCHEME.sub("", url.strip())
    host, path = _HOST.match(address).groups()  # type: ignore[union-attr]  # matches anything
    host = host.rpartition("@")[2].partition(":")[0].lower().removeprefix("www.").rstrip(".")
    return f"{host}{path}".rstrip("/")


def _find_entry(url: str, entries: frozenset[str]) -> str | None:
    """The entry that an address lies below: a domain or one above it, with as much of the path."""
    host, path = _HOST.match(_bare(url)).groups()  # type: ignore[union-attr]
    for domain in _and_above(host):
        for beginning in _beginnings(path):
            if domain + beginning in entries:
                return domain + beginning
    return None


def _and_above(host: str) -> Iterator[str]:
    labels = host.split(".")
    return (".".join(labels[at:]) for at in range(len(labels)))


def _beginnings(path: str) -> Iterator[str]:
    """Nothing, then the path up to each slash, up to its query, and whole."""
    yield ""
    yield from (path[: match.start()] for match in re.finditer(r"(?<!^)[/?#]", path))
    yield path
