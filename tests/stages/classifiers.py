"""A small classifier for tests: texts on medicine are positive, texts on the weather are not."""

import json
import random
from pathlib import Path

from datakit import api
from datakit.report.training import TrainingReport

POSITIVE = [
    "患者",
    "发热",
    "咳嗽",
    "舌红",
    "苔黄",
    "脉数",
    "服药",
    "fever",
    "cough",
    "patient",
    "dose",
]
NEGATIVE = [
    "天气",
    "晴朗",
    "下雨",
    "气温",
    "刮风",
    "多云",
    "出门",
    "sunny",
    "rain",
    "wind",
    "clouds",
]


def make_texts(words: list[str], count: int, seed: int) -> list[str]:
    chance = random.Random(seed)
    return ["，".join(chance.choices(words, k=chance.randint(5, 12))) + "。" for _ in range(count)]


def write_side(path: Path, texts: list[str], field: str = "text") -> str:
    lines = [json.dumps({field: text}, ensure_ascii=False) for text in texts]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def train_small(folder: Path, name: str = "model.bin", **settings: object) -> TrainingReport:
    """Train on 300 texts of each side; the model and its card lie in `folder`."""
    positive = write_side(folder / "positive.jsonl", make_texts(POSITIVE, 300, 1))
    negative = write_side(folder / "negative.jsonl", make_texts(NEGATIVE, 300, 2))
    chosen = {"dim": 8, "buckets": 500, "epochs": 20, "min_count": 1, **settings}
    return api.train_classifier(folder / name, positive=[positive], negative=[negative], **chosen)
