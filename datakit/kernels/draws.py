"""Choices that depend on one number, a purpose and a place, and on nothing else."""

import numpy as np

from datakit.kernels.simd import Words, part

_STEP, _PLACE = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD1B54A32D192ED03)
_FIRST_MIX, _SECOND_MIX = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


@part
def draw(number: np.uint64, purpose: int, place: int) -> np.uint64:
    """A number for a purpose and a place: SplitMix64's output function (Steele et al. 2014)."""
    mixed = number + _STEP * np.uint64(purpose + 1) + _PLACE * np.uint64(place + 1)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * _FIRST_MIX
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _SECOND_MIX
    return np.uint64(mixed ^ (mixed >> np.uint64(31)))


@part
def below(number: np.uint64, purpose: int, place: int, limit: int) -> int:
    """As `draw`, from 0 to below a limit."""
    return int(draw(number, purpose, place) % np.uint64(limit))


@part
def find_least(keys: Words, nth: int) -> np.uint64:
    """The nth least of the keys, from 1, which are put in another order (quickselect)."""
    low, high, wanted = 0, keys.size - 1, nth - 1
    while low < high:
        pivot = keys[(low + high) // 2]
        left, right = low, high
        while left <= right:
            while keys[left] < pivot:
                left += 1
            while keys[right] > pivot:
                right -= 1
            if left <= right:
                keys[left], keys[right] = keys[right], keys[left]
                left += 1
                right -= 1
        if wanted <= right:
            high = right
        elif wanted >= left:
            low = left
        else:
            break
    return np.uint64(keys[wanted])
