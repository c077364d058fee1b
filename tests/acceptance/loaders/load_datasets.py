"""`datasets.load_from_disk` on an output; the answers of each row go to a file.

python load_datasets.py OUTPUT LAYOUT RESULT
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

from datasets import load_from_disk


def main(output: str, layout: str, result: str) -> None:
    rows = load_from_disk(output)["train"]
    with Path(result).open("w", encoding="utf-8") as file:
        for row in rows:
            parts = [p for m in row["messages"] for p in (m["tool_calls"], m["content"])]
            file.write(json.dumps({"text": "\n".join(parts)}, ensure_ascii=False) + "\n")
    print(json.dumps({"loader": f"datasets {version('datasets')}", "layout": layout}))


if __name__ == "__main__":
    main(*sys.argv[1:])
