"""Run by LLaMA-Factory's own Python: what its code makes of each row of some files.

Row by row first (its converter, then its processor), as a row that stops it would hide the others;
then its whole loader, `get_dataset`, on the rows that do not stop it.
"""

import json
import sys
from pathlib import Path
from typing import Any


def main(jobs_path: str) -> None:
    for job in json.loads(Path(jobs_path).read_text("utf-8")):
        Path(job["result"]).write_text(json.dumps(run(job)), "utf-8")


def run(job: dict[str, Any]) -> dict[str, Any]:
    """What comes of each row, and what the whole loader makes of those that do not stop it."""
    from datasets import load_dataset
    from llamafactory.data.converter import get_dataset_converter
    from llamafactory.data.loader import _get_dataset_processor
    from llamafactory.data.parser import get_dataset_list
    from llamafactory.data.template import get_template_and_fix_tokenizer
    from llamafactory.hparams import DataArguments
    from transformers import AutoTokenizer

    folder = Path(job["folder"])
    data_args = DataArguments(
        dataset="rows", dataset_dir=str(folder), overwrite_cache=True, **job["settings"]
    )
    if job["stage"] == "pt" and data_args.packing is None:
        data_args.packing = True
    tokenizer = AutoTokenizer.from_pretrained(job["tokenizer"])
    template = get_template_and_fix_tokenizer(tokenizer, data_args)
    (attr,) = get_dataset_list(["rows"], str(folder))
    converter = get_dataset_converter(attr.formatting, attr, data_args)
    processor = _get_dataset_processor(data_args, job["stage"], template, tokenizer, None)
    loaded = load_dataset("json", data_files=str(folder / "rows.jsonl"), split="train")
    fates = [fate(row, converter, processor) for row in loaded]
    good = [number for number, found in enumerate(fates) if found["outcome"] != "stops"]
    return {"rows": fates, "whole": whole_run(job, good, template, tokenizer, data_args)}


def fate(row: dict[str, Any], converter: Any, processor: Any) -> dict[str, Any]:
    """What comes of one row."""
    try:
        aligned = converter(row)
        made = processor.preprocess_dataset({key: [value] for key, value in aligned.items()})
    except Exception as error:  # noqa: BLE001
        return {"outcome": "stops", "error": f"{type(error).__name__}: {error}"}
    found = numbers(made)
    return found[0] if found else {"outcome": "dropped"}


def numbers(made: Any) -> list[dict[str, Any]]:
    """Tokens that are left and those with a label, of each row made."""
    if "chosen_input_ids" in made:
        pairs = zip(made["chosen_input_ids"], made["rejected_input_ids"], strict=True)
        labels = zip(made["chosen_labels"], made["rejected_labels"], strict=True)
        return [
            {"outcome": "kept", "kept": max(map(len, ids)), "trained": sum(map(trained, each))}
            for ids, each in zip(pairs, labels, strict=True)
        ]
    labels = made.get("labels", made["input_ids"]) if "input_ids" in made else []
    tags = made.get("kto_tags") or [None] * len(labels)
    return [
        {"outcome": "kept", "kept": len(ids), "trained": trained(each), "tag": tag}
        for ids, each, tag in zip(made.get("input_ids", []), labels, tags, strict=True)
    ]


def trained(labels: list[int]) -> int:
    return sum(label != -100 for label in labels)


def whole_run(
    job: dict[str, Any], good: list[int], template: Any, tokenizer: Any, data_args: Any
) -> list[dict[str, Any]]:
    """The loader itself on the rows that do not stop it."""
    from llamafactory.data import get_dataset
    from llamafactory.hparams import ModelArguments
    from transformers import Seq2SeqTrainingArguments

    folder = Path(job["folder"])
    lines = (folder / "rows.jsonl").read_text("utf-8").splitlines()
    # The first row has all keys and must stay: the loader takes the schema from there.
    (folder / "rows.jsonl").write_text("".join(lines[n] + "\n" for n in good), "utf-8")
    arguments = Seq2SeqTrainingArguments(output_dir=str(folder / "out"), report_to=[])
    model = ModelArguments(model_name_or_path=job["tokenizer"])
    module = get_dataset(template, model, data_args, arguments, job["stage"], tokenizer)
    return numbers(module["train_dataset"].to_dict())


if __name__ == "__main__":
    main(sys.argv[1])
