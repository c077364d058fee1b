"""Write real conversations for a trainer and load them with the trainer's own loader.

python tests/acceptance/run_acceptance.py --target llamafactory --python PATH [--data FOLDER]

PATH is an interpreter that has the trainer. FOLDER holds dialmed, smile_chat and
llamafactory_formats as they are published (see `folder_inputs`); without it the sample data is
used, with `--odd` made-up conversations. For each layout: records in, written, refused by reason,
rows loaded, and how many rows lack a text that must be in the loss, or have a prompt there. The
exit code is 1 if any row is not whole.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from unicodedata import normalize

from conversations import Inputs, base_conversations
from odd_conversations import odd_conversations
from targets import NOTES, TARGETS, Target, learnt, masked, write

LOADERS = Path(__file__).parent / "loaders"
WITH_LOADER = sorted(file.stem.removeprefix("load_") for file in LOADERS.glob("load_*.py"))
COLUMNS = ["loader", "layout", "given", "refused", "on disk", "loaded"]
COLUMNS += ["without a trained text", "with a trained prompt"]


def main() -> int:
    """Run all layouts of a target."""
    options = parse()
    failures = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        records = conversations(options, folder)
        print(f"{len(records)} conversations")
        print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
        for number, target in enumerate(chosen(options)):
            failures += not try_target(target, records, folder / str(number), options.python)
    return 1 if failures else 0


def conversations(options: argparse.Namespace, folder: Path) -> list[dict]:
    """The conversations to write."""
    if options.odd:
        return odd_conversations(min(options.records, 300))
    inputs = folder_inputs(options.data) if options.data else Inputs()
    return base_conversations(inputs, folder, options.records)


def chosen(options: argparse.Namespace) -> list[Target]:
    """The layouts to try."""
    mine = [target for target in TARGETS if target.trainer == options.target]
    return [target for target in mine if options.layout in (None, target.layout)]


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--target", required=True, choices=WITH_LOADER)
    parser.add_argument("--python", default=sys.executable, help="interpreter with the trainer")
    parser.add_argument("--data", type=Path, help="folder with the published data sets")
    parser.add_argument("--odd", action="store_true", help="made-up texts that trip loaders")
    parser.add_argument("--layout", help="only this one")
    parser.add_argument("--records", type=int, default=2000)
    return parser.parse_args()


def folder_inputs(folder: Path) -> Inputs:
    """The published data sets below a folder."""

    def find(pattern: str) -> Path:
        found = sorted(folder.rglob(pattern))
        if not found:
            sys.exit(f"no {pattern} below {folder}")
        return found[0]

    return Inputs(
        consultations=find("dialmed/**/dev.txt"),
        counselling=find("smilechat_slim*.jsonl"),
        tools=find("glaive_toolcall_zh_demo.json"),
    )


def try_target(target: Target, records: list[dict], folder: Path, python: str) -> bool:
    """Write and load one layout; print its row of the table."""
    written = write(target, records, folder)
    loader, loaded = load(target, written.output, folder, python)
    pairs = list(zip(written.records, loaded, strict=False))
    missing = [record["id"] for record, row in pairs if not holds(target, record, row)]
    shown = [record["id"] for record, row in pairs if shows_prompt(target, record, row)]
    refused = ", ".join(f"{reason} {rows}" for reason, rows in written.rejected.items()) or "0"
    given = len(written.records) + sum(written.rejected.values())
    notes = [target.settings, *(note for key, note in NOTES.items() if getattr(target, key))]
    cells = [loader, ", ".join([target.layout, *filter(None, notes)]), given, refused]
    cells += [len(written.records), len(loaded), len(missing), len(shown)]
    print(f"| {' | '.join(map(str, cells))} |", flush=True)
    if missing or shown:
        print(f"first: {missing[:5]} {shown[:5]}", file=sys.stderr)
    return len(loaded) == len(written.records) > 0 and not missing and not shown


def load(target: Target, output: Path, folder: Path, python: str) -> tuple[str, list[dict]]:
    """The loader's name with its version, and the rows it has; none if it fails."""
    result = folder / "loaded.jsonl"
    script = LOADERS / f"load_{target.trainer}.py"
    done = subprocess.run(
        [python, str(script), str(output), target.layout, str(result)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HF_HOME": str(folder / "hf"), "TOKENIZERS_PARALLELISM": "false"},
    )
    if done.returncode:
        print(done.stderr[-3000:], file=sys.stderr)
        return target.trainer, []
    name = json.loads(done.stdout.splitlines()[-1])["loader"]
    with result.open(encoding="utf-8") as lines:
        return name, [json.loads(line) for line in lines]


def holds(target: Target, record: dict, row: dict) -> bool:
    """Whether a loaded row has in its loss what it should."""
    if target.kind == "feedback" and row["label"] != record["label"]:
        return False
    return beside(target, record, row) is not None


def shows_prompt(target: Target, record: dict, row: dict) -> bool:
    """Whether what else is in the loss of a row holds a text of its prompt."""
    rest = re.sub("<[^<>]*>", "", beside(target, record, row) or "")  # without tokens' names
    return any(text in rest for text in masked(target, record))


def beside(target: Target, record: dict, row: dict) -> str | None:
    """What is in the loss beside the texts that must be there; nothing if one of those is not.

    Tokenizers such as Qwen's compose characters (NFC), so both sides are compared composed.
    """
    found, rest, position = normalize("NFC", row["text"]), [], 0
    for text in learnt(target, record):
        wanted = normalize("NFC", text.strip())
        start = found.find(wanted, position)
        if start < 0:
            return None
        rest.append(found[position:start])
        position = start + len(wanted)
    return "\n".join([*rest, found[position:]])


if __name__ == "__main__":
    sys.exit(main())
