"""data-juicer: `dj-process` with its filters of length, language, repetition, lines, characters.

Language is told by the model that comes with datakit, which data-juicer finds under the name of
the one that it would download. Chinese words are runs between spaces: its segmentation must be
downloaded.

python filter_datajuicer.py INPUT WORK LANGUAGE
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

MODEL = Path(__file__).parents[3] / "datakit" / "models" / "lid.176.ftz"


def main() -> None:
    source, work, language = sys.argv[1:]
    languages = ["zh", "en"] if language == "mixed" else [language]
    language = languages[0]
    process = [
        {"text_length_filter": {"min_len": 20}},
        {"language_id_score_filter": {"lang": languages, "min_score": 0.5}},
        {"average_line_length_filter": {"min_len": 10}},
        {"maximum_line_length_filter": {"min_len": 10}},
        {"alphanumeric_filter": {"tokenization": False, "min_ratio": 0.25}},
        {"special_characters_filter": {"min_ratio": 0.0, "max_ratio": 0.4}},
        {"character_repetition_filter": {"rep_len": 10, "max_ratio": 0.5}},
        {"word_repetition_filter": {"lang": language, "rep_len": 10, "max_ratio": 0.5}},
        {"words_num_filter": {"lang": language, "min_num": 10}},
    ]
    recipe = {
        "project_name": "filters",
        "dataset_path": source,
        "export_path": f"{work}/kept/kept.jsonl",
        "ds_cache_dir": f"{work}/cache",
        "np": len(os.sched_getaffinity(0)),
        "op_fusion": True,
        "process": process,
    }
    models = Path(work) / "models"
    models.mkdir()
    (models / "lid.176.bin").symlink_to(MODEL)
    # YAML reads JSON.
    path = Path(work) / "recipe.yaml"
    path.write_text(json.dumps(recipe), encoding="utf-8")
    command = shutil.which("dj-process", path=str(Path(sys.executable).parent))
    environment = os.environ | {"DATA_JUICER_EXTERNAL_MODELS_HOME": str(models)}
    subprocess.run([str(command), "--config", str(path)], check=True, env=environment)


if __name__ == "__main__":
    main()
