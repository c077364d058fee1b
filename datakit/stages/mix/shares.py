"""The arithmetic of a mixture: how much of each source, exactly."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Target:
    """What a source shall give, in the mixture's unit; `is_scarcest` if it limits the total."""

    share: Fraction
    units: int
    is_scarcest: bool


def set_targets(
    weights: Mapping[str, float],
    most: Mapping[str, int],
    budget: int | None,
) -> dict[str, Target]:
    """Each source's share of the largest total that no source is too small for.

    `most` is what a source can give at the most (available units times epochs, rounded down). The
    total is a whole number, at most `budget`; shares are rounded by largest remainder, so they add
    up to it, and none is more than its source can give.
    """
    whole = sum(_exact(weight) for weight in weights.values())
    shares = {source: _exact(weight) / whole for source, weight in weights.items()}
    bounds = {source: most[source] / share for source, share in shares.items()}
    feasible = min(bounds.values())
    total = int(feasible) if budget is None else min(int(feasible), budget)
    units = round_shares({source: share * total for source, share in shares.items()})
    is_limited = budget is None or feasible < budget
    return {
        source: Target(share, units[source], is_limited and bounds[source] == feasible)
        for source, share in shares.items()
    }


def set_counts(
    weights: Mapping[str, float],
    available: Mapping[str, int],
    *,
    max_copies: int,
    budget: int | None,
    shrinks: bool,
) -> dict[str, Target]:
    """How many records each class shall give, copies included.

    Without a `budget`, as many that the class that is largest for its share gives each record
    once. If a class is too small for its share even with `max_copies` of each record, all are
    lowered with it (`shrinks`), so that shares are exact, or it alone gives what it can.
    """
    whole = sum(_exact(weight) for weight in weights.values())
    if budget is None:
        budget = max(int(available[c] * whole / _exact(weight)) for c, weight in weights.items())
    most = {name: available[name] * max_copies for name in weights}
    if shrinks:
        return set_targets(weights, most, budget)
    shares = {name: _exact(weight) / whole for name, weight in weights.items()}
    wanted = round_shares({name: share * budget for name, share in shares.items()})
    return {
        name: Target(share, min(wanted[name], most[name]), wanted[name] > most[name])
        for name, share in shares.items()
    }


def round_shares(shares: Mapping[str, Fraction]) -> dict[str, int]:
    """Whole numbers near the shares that add up to their sum, rounded down: what is over goes to
    the largest remainders, equal ones in order of name.
    """
    rounded = {name: int(share) for name, share in shares.items()}
    over = int(sum(shares.values())) - sum(rounded.values())
    by_remainder = sorted(shares, key=lambda name: (rounded[name] - shares[name], name))
    for name in by_remainder[:over]:
        rounded[name] += 1
    return rounded


def _exact(weight: float) -> Fraction:
    # By way of the text, so that 0.7 is seven tenths and not the nearest binary fraction.
    return Fraction(str(weight))
