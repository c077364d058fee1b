"""MosaicML's `StreamingDataset` on an output; the texts of each row go to a file.

python load_mds.py OUTPUT LAYOUT RESULT, in an interpreter that has mosaicml-streaming.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

# Its data sets of pictures need torchvision, whose wheel does not load beside torch for the CPU.
sys.modules["streaming.vision"] = ModuleType("streaming.vision")

from streaming import StreamingDataset  # noqa: E402


def main(output: str, layout: str, result: str) -> None:
    rows = StreamingDataset(local=f"{output}/train", batch_size=1, shuffle=False)
    with Path(result).open("w", encoding="utf-8") as file:
        for number in range(len(rows)):
            text = learnt(rows[number], layout)
            file.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
    print(json.dumps({"loader": f"mosaicml-streaming {version('mosaicml-streaming')}"}))


def learnt(row: dict, layout: str) -> str:
    """What llm-foundry would train of a row."""
    if layout == "chat":
        return "\n".join(m["content"] for m in row["messages"] if m["role"] == "assistant")
    return row["text" if layout == "text" else "completion"]


if __name__ == "__main__":
    main(*sys.argv[1:])
