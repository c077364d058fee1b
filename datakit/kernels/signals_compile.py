"""What the kernels that measure signals are compiled with, beyond `simd`."""

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit, types
from numba.extending import intrinsic

_Function = TypeVar("_Function", bound=Callable[..., Any])
_njit: Any = njit
_intrinsic: Any = intrinsic


def part(function: _Function) -> _Function:
    """As `simd.part`, for functions that make no arrays: no references to arrays are counted in
    them, which in a loop over short words is most of the time.
    """
    wrap = _njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False)
    compiled: _Function = wrap(function)
    return compiled


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
