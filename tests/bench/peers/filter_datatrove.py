"""datatrove: its filters of FineWeb2's rules for Chinese, or Gopher's for English.

python filter_datatrove.py INPUT WORK LANGUAGE
"""

import os
import sys
from pathlib import Path

import fasttext
from datatrove.data import Document
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.filters import (
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
    LambdaFilter,
)
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter
from datatrove.utils.typeshelper import Languages

MODEL = Path(__file__).parents[3] / "datakit" / "models" / "lid.176.ftz"
# Thresholds of FineWeb2 for cmn_Hani (fineweb-2, configs/cmn_Hani.yml).
REPETITION = {
    "dup_line_frac": 0.287,
    "dup_para_frac": None,
    "dup_line_char_frac": None,
    "dup_para_char_frac": None,
    "top_n_grams": ((2, 0.256), (3, 0.201), (4, 0.171)),
    "dup_n_grams": ((5, 0.198), (6, 0.182), (7, 0.167), (8, 0.154), (9, 0.14), (10, 0.127)),
}
FINEWEB = {"line_punct_thr": 0.106, "short_line_thr": 999, "char_duplicates_ratio": 0.1}
QUALITY = {
    "min_avg_word_length": 1,
    "max_avg_word_length": 5,
    "max_non_alpha_words_ratio": 0.735,
    "min_stop_words": 2,
    "stop_words": ["的", "了", "是", "在", "和", "有"],
}


class Language:
    """Keeps documents of these languages, by fastText; loaded where it runs."""

    def __init__(self, languages: list[str]) -> None:
        self.labels = [f"__label__{language}" for language in languages]

    def __call__(self, document: Document) -> bool:
        if not hasattr(self, "model"):
            self.model = fasttext.load_model(str(MODEL))
        labels, scores = self.model.predict(document.text.replace("\n", " "))
        return labels[0] in self.labels and scores[0] >= 0.5

    def __getstate__(self) -> dict[str, list[str]]:
        return {"labels": self.labels}


def main() -> None:
    source, work, language = sys.argv[1:]
    inputs = Path(work) / "input"
    inputs.mkdir(parents=True)
    (inputs / "corpus.jsonl").symlink_to(Path(source).resolve())
    tongue = Languages.english if language == "en" else Languages.mandarin_chinese
    if language != "en":
        rules = [
            GopherRepetitionFilter(language=tongue, **REPETITION),
            FineWebQualityFilter(language=tongue, new_line_ratio=0.178, **FINEWEB),
            GopherQualityFilter(language=tongue, **QUALITY),
        ]
    else:
        rules = [GopherRepetitionFilter(language=tongue), GopherQualityFilter(language=tongue)]
    steps = [
        JsonlReader(str(inputs)),
        LambdaFilter(lambda document: len(document.text) >= 20),
        LambdaFilter(Language(["zh", "en"] if language == "mixed" else [language])),
        *rules,
        JsonlWriter(f"{work}/kept", compression=None),
    ]
    cores = len(os.sched_getaffinity(0))
    LocalPipelineExecutor(steps, tasks=1, workers=cores, logging_dir=f"{work}/logs").run()


if __name__ == "__main__":
    main()
