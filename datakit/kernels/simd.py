"""Compiling kernels, and the vector steps that the kernels over text are made of.

Numba does not vectorise a search for one of several bytes; the intrinsics here are the LLVM code
for it, `STEP` bytes at a time (AVX2, SSE2 or NEON as the machine has it). They read and write
whole steps: an array needs `PADDING` bytes behind its last byte.
"""

import hashlib
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

Bytes: TypeAlias = NDArray[np.uint8]
Offsets: TypeAlias = NDArray[np.int64]
Words: TypeAlias = NDArray[np.uint64]

STEP = 32
PADDING = 2 * STEP

_Function = TypeVar("_Function", bound=Callable[..., Any])
_njit: Any = njit
_intrinsic: Any = intrinsic


def kernel(function: _Function) -> _Function:
    """Compile a function that is called from Python; what was compiled is kept on disk, until
    any file of kernels changes (Numba by itself would look at the function's own file only).
    """
    dispatcher = _njit(cache=True, nogil=True)(function)
    index = dispatcher._cache._cache_file
    index._source_stamp = (index._source_stamp, _digest_sources())
    if not Path(index._index_path).exists():
        _say_once()
    compiled: _Function = dispatcher
    return compiled


def part(function: _Function) -> _Function:
    """Compile a function that only kernels call: without a way in from Python, and without counts
    of references to arrays, which in a loop over short words would be most of the time. So it may
    neither make arrays nor give one back.
    """
    wrap = _njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False)
    compiled: _Function = wrap(function)
    return compiled


@cache
def _say_once() -> None:
    """Tell a person who waits what for; logs and pipes stay clean."""
    if sys.stderr.isatty():
        message = "datakit: compiling its kernels for this machine, once; up to half a minute"
        print(message, file=sys.stderr, flush=True)  # noqa: T201


@cache
def _digest_sources() -> str:
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _plain_mask(_context: Any, data: Any, at: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, (signature.args[0], *args), _LANES)
        return _mask(builder, builder.load(pointer, align=1))

    return types.uint32(data, at), generate


def _copy_step(_context: Any, data: Any, at: Any, out: Any, to: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source = _pointer(context, builder, (signature.args[0], *args[:2]), _LANES)
        target = _pointer(context, builder, (signature.args[2], *args[2:]), _LANES)
        lanes = builder.load(source, align=1)
        builder.store(lanes, target, align=1)
        return _mask(builder, lanes)

    return types.uint32(data, at, out, to), generate


def _load_word(_context: Any, data: Any, at: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, (signature.args[0], *args), ir.IntType(64))
        word = builder.load(pointer, align=1)
        return word if sys.byteorder == "little" else builder.bswap(word)

    return types.uint64(data, at), generate


def _first_bit(_context: Any, mask: Any) -> Any:
    def generate(_target: Any, builder: Any, _signature: Any, args: Any) -> Any:
        count = builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))
        return builder.zext(count, ir.IntType(64))

    return types.int64(mask), generate


def _count_bits(_context: Any, mask: Any) -> Any:
    def generate(_target: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.zext(builder.ctpop(args[0]), ir.IntType(64))

    return types.int64(mask), generate


plain_mask: Callable[[Bytes, int], int] = _intrinsic(_plain_mask)
r"""`plain_mask(data, at)`: a uint32 whose bit i is set where `data[at + i]` is no plain byte of a
JSON string but `"`, a backslash or a control character (below 0x20)."""

copy_step: Callable[[Bytes, int, Bytes, int], int] = _intrinsic(_copy_step)
"""`copy_step(data, at, out, to)`: copy one step; gives the `plain_mask` of what was copied."""

load_word: Callable[[Bytes, int], np.uint64] = _intrinsic(_load_word)
"""`load_word(data, at)`: eight bytes as a uint64, the first the lowest."""

first_bit: Callable[[int], int] = _intrinsic(_first_bit)
"""Number of the lowest bit set in a uint32 that is not 0."""

count_bits: Callable[[int], int] = _intrinsic(_count_bits)
"""How many bits of a uint32 are set."""

_LANES = ir.VectorType(ir.IntType(8), STEP)


def _pointer(context: Any, builder: Any, place: tuple[Any, Any, Any], kind: Any) -> Any:
    """Pointer to `kind` at (array type, array, index)."""
    array = context.make_array(place[0])(context, builder, place[1])
    return builder.bitcast(builder.gep(array.data, [place[2]]), kind.as_pointer())


def _mask(builder: Any, lanes: Any) -> Any:
    def all_lanes(value: int) -> Any:
        return ir.Constant(_LANES, [value] * STEP)

    special = builder.icmp_unsigned("<", lanes, all_lanes(0x20))
    for byte in b'"\\':
        special = builder.or_(special, builder.icmp_unsigned("==", lanes, all_lanes(byte)))
    return builder.bitcast(special, ir.IntType(STEP))
