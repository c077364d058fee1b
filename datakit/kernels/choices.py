"""Choosing between two numbers without a branch, for kernels where a guess would often be wrong."""

from collections.abc import Callable
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

_intrinsic: Any = intrinsic


def _more(_context: Any, _one: Any, _other: Any) -> Any:
    def generate(_target: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.select(builder.fcmp_ordered(">", *args), *args)

    return types.float64(types.float64, types.float64), generate


def _at_least(_context: Any, _one: Any, _other: Any) -> Any:
    def generate(_target: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.zext(builder.fcmp_ordered(">=", *args), ir.IntType(64))

    return types.int64(types.float64, types.float64), generate


def _unless_zero(_context: Any, _number: Any, _value: Any) -> Any:
    def generate(_target: Any, builder: Any, _signature: Any, args: Any) -> Any:
        is_zero = builder.icmp_signed("==", args[0], ir.Constant(ir.IntType(64), 0))
        return builder.select(is_zero, ir.Constant(ir.DoubleType(), 0.0), args[1])

    return types.float64(types.int64, types.float64), generate


more: Callable[[float, float], float] = _intrinsic(_more)
"""The larger of two float64, the second of two that are equal."""

at_least: Callable[[float, float], int] = _intrinsic(_at_least)
"""Whether the first of two float64 is as large as the second or larger, as 1 or 0."""

unless_zero: Callable[[int, float], float] = _intrinsic(_unless_zero)
"""`unless_zero(number, value)`: a float64, or 0.0 where the int64 is 0."""
