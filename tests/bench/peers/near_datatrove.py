"""datatrove: its four MinHash steps with default bands (14 of 8 rows), by its local executor.

python near_datatrove.py INPUT OUTPUT WORK LANGUAGE THRESHOLD
"""

import os
import shutil
import sys
from pathlib import Path

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import (
    MinhashDedupCluster,
    MinhashDedupFilter,
    MinhashDedupSignature,
)
from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupBuckets
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter
from datatrove.utils.typeshelper import Languages


def main() -> None:
    source, target, work, language, _ = sys.argv[1:]
    inputs = Path(work) / "input"
    inputs.mkdir(parents=True)
    (inputs / "corpus.jsonl").symlink_to(Path(source).resolve())
    cores = len(os.sched_getaffinity(0))
    config = MinhashConfig()
    # Mixed text with the English splitter: a corpus has one language here.
    tongue = Languages.mandarin_chinese if language == "zh" else Languages.english
    reader = JsonlReader(str(inputs))
    steps = [
        (1, [reader, MinhashDedupSignature(f"{work}/signatures", config=config, language=tongue)]),
        (
            config.num_buckets,
            [MinhashDedupBuckets(f"{work}/signatures", f"{work}/buckets", config=config)],
        ),
        (1, [MinhashDedupCluster(f"{work}/buckets", f"{work}/gone", config=config)]),
        (
            1,
            [
                reader,
                MinhashDedupFilter(f"{work}/gone"),
                JsonlWriter(f"{work}/output", compression=None),
            ],
        ),
    ]
    for number, (tasks, pipeline) in enumerate(steps):
        LocalPipelineExecutor(
            pipeline, tasks=tasks, workers=min(tasks, cores), logging_dir=f"{work}/logs{number}"
        ).run()
    with Path(target).open("wb") as out:
        for part in sorted(Path(work, "output").glob("*.jsonl")):
            with part.open("rb") as lines:
                shutil.copyfileobj(lines, out)


if __name__ == "__main__":
    main()
