"""The bar: orjson, numpy shingle hashes of five characters, rensa's flat-hash call, numpy bands.

Nothing of it is a package, but anyone can write it in an hour; nothing is verified.

python near_flat.py INPUT OUTPUT WORK LANGUAGE THRESHOLD
"""

import sys
from itertools import islice
from pathlib import Path

import numpy as np
import orjson
from rensa import RMinHash

NUM_PERM, BANDS, BATCH, SIZE = 128, 16, 2000, 5
STEP = np.uint64(0x9E3779B97F4A7C15)


def shingle_hashes(texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Hashes of each text's runs of five characters, all in one array, and where each begins."""
    # Long enough for a shingle; the separator keeps the lengths of all texts known.
    texts = [text.ljust(SIZE) for text in texts]
    points = np.frombuffer("".join(texts).encode("utf-32-le", "replace"), dtype=np.uint32)
    lengths = np.array([len(text) for text in texts])
    windows = np.zeros(points.size - SIZE + 1, dtype=np.uint64)
    for step in range(SIZE):
        windows *= STEP
        windows += points[step : step + windows.size]
    windows ^= windows >> np.uint64(32)
    windows *= STEP
    # The last four windows of a text reach into the next.
    is_whole = np.ones(windows.size, dtype=bool)
    ends = np.cumsum(lengths)
    for step in range(1, SIZE):
        is_whole[ends[:-1] - step] = False
    offsets = np.concatenate([[0], np.cumsum(lengths - SIZE + 1)]).astype(np.uint64)
    return windows[is_whole], offsets


def band_keys(texts: list[str]) -> np.ndarray:
    """A hash of each band of each text's signature, shape (texts, bands)."""
    hashes, offsets = shingle_hashes(texts)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(hashes, offsets, NUM_PERM, 42)
    signatures = np.array(matrix.to_rows(), dtype=np.uint64).reshape(len(texts), BANDS, -1)
    keys = np.broadcast_to(np.arange(BANDS, dtype=np.uint64), signatures.shape[:2]).copy()
    for row in range(signatures.shape[2]):
        keys = (keys ^ signatures[:, :, row]) * STEP
        keys ^= keys >> np.uint64(29)
    return keys


def main() -> None:
    source, target = sys.argv[1:3]
    blocks = []
    with Path(source).open("rb") as lines:
        while batch := list(islice(lines, BATCH)):
            blocks.append(band_keys([orjson.loads(line)["text"].lower() for line in batch]))
    keys = np.concatenate(blocks)
    stays = np.ones(len(keys), dtype=bool)
    for band in range(BANDS):
        # np.unique gives the first record of each bucket; the others of it go.
        _, first = np.unique(keys[:, band], return_index=True)
        is_first = np.zeros(len(keys), dtype=bool)
        is_first[first] = True
        stays &= is_first
    with Path(source).open("rb") as lines, Path(target).open("wb") as out:
        out.writelines(line for line, stay in zip(lines, stays, strict=True) if stay)


main()
