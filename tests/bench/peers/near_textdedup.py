"""text-dedup: its MinHash command on a JSON file, its result written as JSON Lines.

python near_textdedup.py INPUT OUTPUT WORK LANGUAGE THRESHOLD
"""

import os
import subprocess
import sys

import datasets


def main() -> None:
    source, target, work, _, threshold = sys.argv[1:]
    settings = {
        "path": "json",
        "data_files": source,
        "split": "train",
        "cache_dir": f"{work}/cache",
        "column": "text",
        "ngram": "5",
        "threshold": threshold,
        "num_proc": str(len(os.sched_getaffinity(0))),
        "output": f"{work}/output",
    }
    options = [f"--{key}={value}" for key, value in settings.items()]
    subprocess.run([sys.executable, "-m", "text_dedup.minhash", *options], check=True)
    datasets.load_from_disk(f"{work}/output").to_json(target, force_ascii=False)


if __name__ == "__main__":
    main()
