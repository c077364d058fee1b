"""Whether a TOML value fits the annotation of a setting, and the value as the setting wants it."""

import math
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from datakit.config.locate import KeyPath
from datakit.config.sizes import SIZE_HINT, parse_size
from datakit.config.words import (
    is_fixed_tuple,
    is_list_type,
    is_union,
    type_words,
    union_members,
    value_words,
)
from datakit.errors import did_you_mean


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A value that does not fit: where inside the setting, and why."""

    path: KeyPath
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A value as its setting wants it, and what does not fit."""

    value: Any
    mismatches: tuple[Mismatch, ...] = ()


def fit(value: Any, hint: Any, *, is_size: bool = False) -> Fitted:
    """Fit a TOML value to a type annotation: a whole number to float, a list to tuple, and so on.

    With `is_size`, a string such as `"64 KiB"` also stands for a whole number.
    """
    if is_size and isinstance(value, str) and int in union_members(hint):
        return _fit_size(value, hint)
    if get_origin(hint) is Annotated:
        return fit(value, get_args(hint)[0])
    return _fitter(hint)(value, hint)


def _fitter(hint: Any) -> Callable[[Any, Any], Fitted]:
    kind = get_origin(hint) or hint
    chosen = _fit_number if hint in (int, float) else _fit_plain
    if is_union(hint):
        chosen = _fit_union
    elif kind is Literal:
        chosen = _fit_literal
    elif isinstance(kind, type) and issubclass(kind, Mapping):
        chosen = _fit_table
    elif isinstance(kind, type) and is_list_type(kind):
        chosen = _fit_list
    return chosen


def _fit_size(value: str, hint: Any) -> Fitted:
    try:
        return Fitted(parse_size(value))
    except ValueError:
        return _wrong(value, hint, SIZE_HINT)


def _fit_union(value: Any, hint: Any) -> Fitted:
    tried = [fit(value, member) for member in union_members(hint)]
    whole = [fitted for fitted in tried if not fitted.mismatches]
    if whole:
        # A whole number is a number too: where both are allowed it stays whole.
        return next((fitted for fitted in whole if type(fitted.value) is type(value)), whole[0])
    inside = [fitted for fitted in tried if all(m.path for m in fitted.mismatches)]
    if len(inside) == 1:
        return inside[0]
    hints = [m.hint for fitted in tried for m in fitted.mismatches if m.hint]
    return _wrong(value, hint, hints[0] if hints else "")


def _fit_literal(value: Any, hint: Any) -> Fitted:
    allowed = get_args(hint)
    if any(value == choice and type(value) is type(choice) for choice in allowed):
        return Fitted(value)
    names = [choice for choice in allowed if isinstance(choice, str)]
    return _wrong(value, hint, did_you_mean(value, names) if isinstance(value, str) else "")


def _fit_list(value: Any, hint: Any) -> Fitted:
    kind, inner = get_origin(hint) or hint, get_args(hint)
    if not isinstance(value, list):
        return _wrong(value, hint)
    if is_fixed_tuple(hint) and len(value) != len(inner):
        return _wrong(value, hint, f"the list has {len(value)}")
    kinds = inner if is_fixed_tuple(hint) else [inner[0] if inner else Any] * len(value)
    fitted = [fit(item, each) for item, each in zip(value, kinds, strict=True)]
    if found := tuple(m for number, item in enumerate(fitted) for m in _below(number, item)):
        return Fitted(value, found)
    # Sets lose their order and lists can be changed; the annotation says which is wanted.
    build = kind if kind in (list, set) else frozenset if issubclass(kind, AbstractSet) else tuple
    return Fitted(build(item.value for item in fitted))


def _fit_table(value: Any, hint: Any) -> Fitted:
    inner = get_args(hint)
    if not isinstance(value, dict):
        return _wrong(value, hint)
    fitted = {key: fit(item, inner[1] if inner else Any) for key, item in value.items()}
    found = tuple(m for key, item in fitted.items() for m in _below(key, item))
    return Fitted({key: item.value for key, item in fitted.items()}, found)


def _below(key: str | int, fitted: Fitted) -> Iterator[Mismatch]:
    for mismatch in fitted.mismatches:
        yield Mismatch((key, *mismatch.path), mismatch.message, mismatch.hint)


def _fit_number(value: Any, hint: Any) -> Fitted:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _wrong(value, hint)
    if hint is float:
        is_nan = math.isnan(value)
        return _wrong(value, hint, "nan is no bound") if is_nan else Fitted(float(value))
    if isinstance(value, int):
        return Fitted(value)
    return _wrong(value, hint, f"write {int(value):_}" if value.is_integer() else "")


def _fit_plain(value: Any, hint: Any) -> Fitted:
    if hint is Any or hint is object:
        return Fitted(value)
    if hint is Path and isinstance(value, str):
        return Fitted(Path(value))
    if isinstance(hint, type) and isinstance(value, hint):
        return Fitted(value)
    return _wrong(value, hint)


def _wrong(value: Any, hint: Any, advice: str = "") -> Fitted:
    message = f"expected {type_words(hint)}, got {value_words(value)}"
    return Fitted(value, (Mismatch((), message, advice),))
