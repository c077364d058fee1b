"""Sizes as people write them: `"64 KiB"`, `"1GB"`."""

import re
from decimal import Decimal

UNITS = {
    "b": 1,
    **{f"{prefix}b": 1000**power for power, prefix in enumerate("kmgt", start=1)},
    **{f"{prefix}ib": 1024**power for power, prefix in enumerate("kmgt", start=1)},
}
_SIZE = re.compile(r"\s*(\d[\d_]*(?:\.\d+)?)\s*([a-zA-Z]+)\s*")
SIZE_HINT = 'write a number of bytes, or a size such as "64 KiB", "500 MB" or "1 GiB"'


def parse_size(text: str) -> int:
    """The bytes that `text` stands for.

    >>> parse_size("64 KiB"), parse_size("1.5GB")
    (65536, 1500000000)

    Raises:
        ValueError: `text` is no size.
    """
    match = _SIZE.fullmatch(text)
    unit = UNITS.get(match[2].lower()) if match else None
    if match is None or unit is None:
        raise ValueError(f"{text!r} is no size")
    return int(Decimal(match[1].replace("_", "")) * unit)


def show_size(size: int) -> str:
    """A size in the largest binary unit that divides it.

    >>> show_size(32 << 20), show_size(1000)
    ('32 MiB', '1000 B')
    """
    for power, unit in ((4, "TiB"), (3, "GiB"), (2, "MiB"), (1, "KiB")):
        if size and size % 1024**power == 0:
            return f"{size // 1024**power} {unit}"
    return f"{size} B"
