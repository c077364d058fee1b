"""How many records of each stratum go to each split, in whole numbers that add up."""

from collections.abc import Mapping
from fractions import Fraction

from datakit.errors import DatakitError

Size = float | int


def count_wanted(size: Size, records: int) -> int:
    """Records that a size asks for: a whole number as it is, a fraction of all, rounded half up."""
    if isinstance(size, int):
        return size
    return int(Fraction(str(size)) * records + Fraction(1, 2))


def set_quotas(
    strata: Mapping[str, int], sizes: Mapping[str, Size], order: Mapping[str, Mapping[str, int]]
) -> dict[str, dict[str, int]]:
    """For each split, the records that each stratum gives, in proportion, by largest remainder.

    `strata` has the records of each; `order[split]` breaks ties between equal remainders. The
    quotas of a split add up to what its size asks for, those of a stratum to no more than it has.

    Raises:
        DatakitError: more records are asked for than there are.
    """
    records = sum(strata.values())
    wanted = {split: count_wanted(size, records) for split, size in sizes.items()}
    if sum(wanted.values()) > records:
        asked = " and ".join(f"{split} = {sizes[split]}" for split in sizes)
        raise DatakitError(
            f"split.random: {asked} ask for {sum(wanted.values())} records, but only {records} "
            f"reached the split; ask for fewer, or for a fraction (0.05)"
        )
    room = dict(strata)
    quotas = {}
    for split, total in wanted.items():
        quotas[split] = _share_out(total, strata, room, order[split])
        room = {stratum: left - quotas[split][stratum] for stratum, left in room.items()}
    return quotas


def _share_out(
    total: int, strata: Mapping[str, int], room: Mapping[str, int], order: Mapping[str, int]
) -> dict[str, int]:
    records = sum(strata.values())
    exact = {name: Fraction(total * size, records) for name, size in strata.items()}
    quota = {name: min(int(exact[name]), room[name]) for name in strata}
    by_remainder = sorted(strata, key=lambda name: (int(exact[name]) - exact[name], order[name]))
    over = total - sum(quota.values())
    while over:
        for name in by_remainder:
            if over and quota[name] < room[name]:
                quota[name] += 1
                over -= 1
    return quota
