"""XXH64 of every string of a column.

Source: the XXH64 part of the xxHash specification, https://github.com/Cyan4973/xxHash (doc/
xxhash_spec.md). Numba is loaded on the first call.
"""

import numpy as np
from numpy.typing import NDArray

from datakit.kernels.json_lines import Bytes


def hash_values(data: Bytes, offsets: NDArray[np.int64], seed: int = 0) -> NDArray[np.uint64]:
    """The hash of each value `data[offsets[i]:offsets[i + 1]]`, as `xxhash.xxh64_intdigest`.

    The two buffers of an Arrow LargeString or LargeBinary array; a null counts as empty there.
    """
    from datakit.kernels import xxh64

    hashes = np.empty(offsets.size - 1, dtype=np.uint64)
    frozen = data.view(), offsets.view()
    for array in frozen:
        array.flags.writeable = False  # so that both kinds of array are compiled for once
    xxh64.hash_all(*frozen, np.uint64(seed), hashes)
    return hashes
