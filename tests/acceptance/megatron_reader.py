"""Run by a Python that has torch: documents of a `.bin`/`.idx` pair by Megatron's own reader."""

import json
import sys


def main(source: str, prefix: str) -> None:
    sys.path.insert(0, source)
    from megatron.core.datasets.indexed_dataset import IndexedDataset

    pair = IndexedDataset(prefix)
    ends = pair.document_indices.tolist()
    documents = [pair[number].tolist() for number in range(len(pair))]
    print(json.dumps({"documents": documents, "ends": ends, "type": pair.index.dtype.__name__}))


if __name__ == "__main__":
    main(*sys.argv[1:])
