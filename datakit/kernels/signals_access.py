"""Array access for the kernels that measure signals, at a third of the usual work."""

from collections.abc import Callable
from typing import Any

from numba import types
from numba.extending import intrinsic

_intrinsic: Any = intrinsic


def _peek(_context: Any, array: Any, _at: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        own = context.make_array(signature.args[0])(context, builder, args[0])
        return builder.load(builder.gep(own.data, [args[1]]))

    return array.dtype(array, types.int64), generate


def _poke(_context: Any, array: Any, _at: Any, _value: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        own = context.make_array(signature.args[0])(context, builder, args[0])
        builder.store(args[2], builder.gep(own.data, [args[1]]))
        return context.get_dummy_value()

    return types.void(array, types.int64, array.dtype), generate


peek: Callable[[Any, Any], Any] = _intrinsic(_peek)
"""`peek(array, at)` is `array[at]` for an index that is never negative: a third of the work."""

poke: Callable[[Any, Any, Any], None] = _intrinsic(_poke)
"""`poke(array, at, value)`: `array[at] = value` likewise."""
