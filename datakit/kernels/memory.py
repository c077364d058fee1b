"""Loads and stores at addresses, for kernels that hand many tables from part to part.

An array handed on costs seven words and two counts of references each time; an address costs one
word. Who calls such a kernel keeps the arrays alive and says how large they are. All places are
counted in values of the kind that is loaded, and need not be aligned.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_intrinsic: Any = intrinsic
_alloca: Any = cgutils.alloca_once_value

Long: TypeAlias = Any
"""A whole number in a kernel, signed, 64 bits: Numba makes no difference between Python's and
NumPy's."""

LANES = 16


def _pointer(builder: Any, address: Any, at: Any, kind: Any) -> Any:
    return builder.gep(builder.inttoptr(address, kind.as_pointer()), [at])


def _loader(kind: Any, result: Any) -> Any:
    def load(_context: Any, address: Any, at: Any) -> Any:  # noqa: ARG001
        def generate(_target: Any, builder: Any, _signature: Any, args: Any) -> Any:
            return builder.load(_pointer(builder, args[0], args[1], kind), align=1)

        return result(types.int64, types.int64), generate

    return _intrinsic(load)


def _storer(kind: Any, value_type: Any) -> Any:
    def store(_context: Any, address: Any, at: Any, value: Any) -> Any:  # noqa: ARG001
        def generate(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
            builder.store(args[2], _pointer(builder, args[0], args[1], kind), align=1)
            return context.get_dummy_value()

        return types.void(types.int64, types.int64, value_type), generate

    return _intrinsic(store)


def _add_lanes(_context: Any, total: Any, rows: Any, places: Any, count: Any) -> Any:  # noqa: ARG001
    def generate(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        lanes = ir.VectorType(ir.FloatType(), LANES)
        target = builder.inttoptr(args[0], lanes.as_pointer())
        total = _alloca(builder, builder.load(target, align=1))
        with cgutils.for_range(builder, args[3]) as loop:
            place = builder.load(_pointer(builder, args[2], loop.index, ir.IntType(64)), align=1)
            row = builder.inttoptr(builder.add(args[1], place), lanes.as_pointer())
            summed = builder.fadd(builder.load(total), builder.load(row, align=1))
            builder.store(summed, total)
        builder.store(builder.load(total), target, align=1)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64, types.int64), generate


load_byte: Callable[[Long, Long], np.uint8] = _loader(ir.IntType(8), types.uint8)
load_int: Callable[[Long, Long], np.int32] = _loader(ir.IntType(32), types.int32)
load_long: Callable[[Long, Long], int] = _loader(ir.IntType(64), types.int64)
load_ulong: Callable[[Long, Long], np.uint64] = _loader(ir.IntType(64), types.uint64)
load_float: Callable[[Long, Long], np.float32] = _loader(ir.FloatType(), types.float32)
store_byte: Callable[[Long, Long, Long], None] = _storer(ir.IntType(8), types.uint8)
store_int: Callable[[Long, Long, Long], None] = _storer(ir.IntType(32), types.int32)
store_long: Callable[[Long, Long, Long], None] = _storer(ir.IntType(64), types.int64)
store_float: Callable[[Long, Long, Any], None] = _storer(ir.FloatType(), types.float32)

add_lanes: Callable[[Long, Long, Long, Long], None] = _intrinsic(_add_lanes)
"""`add_lanes(total, rows, places, count)`: add to the `LANES` float32 values at `total` those at
`rows` plus each of the `count` byte places (int64) at `places`. Summed up in registers."""
