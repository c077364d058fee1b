"""data-juicer: `dj-process` with its MinHash operator; characters for Chinese, else its spaces.

python near_datajuicer.py INPUT OUTPUT WORK LANGUAGE THRESHOLD
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path


def main() -> None:
    source, target, work, language, threshold = sys.argv[1:]
    operator = {
        "tokenization": "space" if language == "en" else "character",
        "window_size": 5,
        "jaccard_threshold": float(threshold),
        # Without it the operator fails on texts shorter than a window.
        "skip_op_error": True,
    }
    recipe = {
        "project_name": "near",
        "dataset_path": source,
        "export_path": f"{work}/output/kept.jsonl",
        "ds_cache_dir": f"{work}/cache",
        "np": len(os.sched_getaffinity(0)),
        "skip_op_error": True,
        "process": [{"document_minhash_deduplicator": operator}],
    }
    # YAML reads JSON.
    path = Path(work) / "recipe.yaml"
    path.write_text(json.dumps(recipe), encoding="utf-8")
    command = shutil.which("dj-process", path=str(Path(sys.executable).parent))
    subprocess.run([str(command), "--config", str(path)], check=True)
    with Path(target).open("wb") as out, Path(f"{work}/output/kept.jsonl").open("rb") as kept:
        shutil.copyfileobj(kept, out)


if __name__ == "__main__":
    main()
