"""The names a pipeline file can use, and where the class behind each name lives.

A module is imported when its name is first used. Users add their own by dotted path
(`use = "my_pkg.stages:DropAds"`) or through the entry point group `datakit.stages`.
"""

import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

from datakit.errors import UnknownNameError, UsageError

ENTRY_POINT_GROUP = "datakit.stages"

BUILT_IN = {
    "ingest.jsonl": "datakit.stages.ingest.jsonl:JsonlSource",
    "ingest.json": "datakit.stages.ingest.json_array:JsonArraySource",
    "ingest.csv": "datakit.stages.ingest.csv_table:CsvSource",
    "ingest.parquet": "datakit.stages.ingest.parquet:ParquetSource",
    "ingest.text": "datakit.stages.ingest.plain_text:TextSource",
    "ingest.datasets": "datakit.stages.ingest.hf_datasets:DatasetsSource",
    "clean.unicode": "datakit.stages.clean.unicode:UnicodeCleaner",
    "clean.whitespace": "datakit.stages.clean.whitespace:WhitespaceCleaner",
    "clean.html": "datakit.stages.clean.html:HtmlCleaner",
    "clean.lines": "datakit.stages.clean.lines:LineCleaner",
    "clean.script": "datakit.stages.clean.script:ScriptConverter",
    "clean.pii": "datakit.stages.clean.pii:PiiCleaner",
    "clean.conversation": "datakit.stages.clean.conversation:ConversationCleaner",
    "annotate.language": "datakit.stages.annotate.language:LanguageAnnotation",
    "annotate.signals": "datakit.stages.annotate.signals:SignalAnnotator",
    "annotate.tokens": "datakit.stages.annotate.tokens:TokenCounter",
    "annotate.weight": "datakit.stages.annotate.weight:WeightAnnotator",
    "filter.conversation": "datakit.stages.filter.conversation:ConversationFilter",
    "filter.length": "datakit.stages.filter.length:LengthFilter",
    "filter.language": "datakit.stages.filter.language:LanguageFilter",
    "filter.quality": "datakit.stages.filter.quality:QualityFilter",
    "filter.classifier": "datakit.stages.filter.classifier:ClassifierFilter",
    "filter.classifier_top": "datakit.stages.filter.classifier_top:ClassifierTop",
    "filter.rules": "datakit.stages.filter.rules:RulesFilter",
    "filter.refusal": "datakit.stages.filter.refusal:RefusalFilter",
    "filter.pii": "datakit.stages.filter.pii:PiiFilter",
    "filter.words": "datakit.stages.filter.words:WordsFilter",
    "filter.urls": "datakit.stages.filter.urls:UrlFilter",
    "filter.decontaminate": "datakit.stages.filter.decontaminate:DecontaminationFilter",
    "dedup.exact": "datakit.stages.dedup.exact:ExactDedup",
    "dedup.minhash": "datakit.stages.dedup.minhash:MinHashDedup",
    "dedup.lines": "datakit.stages.dedup.lines:LinesDedup",
    "dedup.substring": "datakit.stages.dedup.substring:SubstringDedup",
    "select.dsir": "datakit.stages.select.dsir:DsirSelection",
    "select.diverse": "datakit.stages.select.diverse:DiverseSelection",
    "select.per_prompt": "datakit.stages.select.per_prompt:PerPromptSelection",
    "mix.weighted": "datakit.stages.mix.weighted:WeightedMix",
    "mix.balance": "datakit.stages.mix.balance:BalancedMix",
    "mix.by_weight": "datakit.stages.mix.by_weight:WeightMix",
    "format.instruct": "datakit.stages.format.instruct:InstructFormat",
    "format.chat": "datakit.stages.format.chat:ChatFormat",
    "format.preference": "datakit.stages.format.preference:PreferenceFormat",
    "format.feedback": "datakit.stages.format.feedback:FeedbackFormat",
    "format.classify": "datakit.stages.format.classify:ClassifyFormat",
    "format.tagging": "datakit.stages.format.tagging:TaggingFormat",
    "format.pretrain": "datakit.stages.format.pretrain:PretrainFormat",
    "format.chunk": "datakit.stages.format.chunk:ChunkFormat",
    "format.reading": "datakit.stages.format.reading:ReadingFormat",
    "format.self_supervised": "datakit.stages.format.self_supervised:SelfSupervisedFormat",
    "format.split_turns": "datakit.stages.format.split_turns:SplitTurnsFormat",
    "format.merge_turns": "datakit.stages.format.merge_turns:MergeTurnsFormat",
    "augment.eda": "datakit.stages.augment.eda:EdaAugment",
    "split.random": "datakit.stages.split.random:RandomSplit",
    "write.jsonl": "datakit.stages.write.jsonl:JsonlSink",
    "write.parquet": "datakit.stages.write.parquet:ParquetSink",
    "write.llamafactory": "datakit.stages.write.llamafactory:LlamaFactorySink",
    "write.trl": "datakit.stages.write.trl:TrlSink",
    "write.axolotl": "datakit.stages.write.axolotl:AxolotlSink",
    "write.swift": "datakit.stages.write.swift:SwiftSink",
    "write.openai": "datakit.stages.write.openai:OpenAiSink",
    "write.torchtune": "datakit.stages.write.torchtune:TorchtuneSink",
    "write.nemo": "datakit.stages.write.nemo:NemoSink",
    "write.megatron_jsonl": "datakit.stages.write.megatron_jsonl:MegatronJsonlSink",
    "write.mds": "datakit.stages.write.mds:MdsSink",
    "write.datasets": "datakit.stages.write.arrow_dataset:ArrowDatasetSink",
    "write.megatron": "datakit.stages.write.megatron:MegatronSink",
    "write.packed": "datakit.stages.write.packed:PackedSink",
}


class Registry(Mapping[str, type]):
    """Stage names and their classes; a class is imported when it is asked for."""

    def __init__(self, targets: Mapping[str, str]) -> None:
        self._targets = dict(targets)

    def __getitem__(self, name: str) -> type:
        target = self._targets.get(name, name if ":" in name else "")
        if not target:
            raise UnknownNameError("stage", name, known=self._targets)
        return _load(name, target)

    def __contains__(self, name: object) -> bool:
        return name in self._targets

    def __iter__(self) -> Iterator[str]:
        return iter(self._targets)

    def __len__(self) -> int:
        return len(self._targets)


def _load(name: str, target: str) -> type:
    module, _, attribute = target.partition(":")
    is_path = ":" in name
    # Users' modules lie where they work; what is installed goes before them.
    if is_path and (here := str(Path.cwd())) not in sys.path:
        sys.path.append(here)
    try:
        found = getattr(import_module(module), attribute)
    except Exception as error:  # whatever a user's module does when it is imported
        what = str(error) if isinstance(error, ImportError) else f"{type(error).__name__}: {error}"
        where = " (modules are looked for on Python's path, then in the current folder)"
        raise UsageError(
            f"stage {name!r} cannot be imported from {target!r}: {what}{where if is_path else ''}"
        ) from error
    if not isinstance(found, type):
        raise UsageError(f"stage {name!r}: {target!r} is not a class")
    return found


@cache
def stages() -> Registry:
    """All known stages: datakit's own, and those of installed packages."""
    installed = {point.name: point.value for point in entry_points(group=ENTRY_POINT_GROUP)}
    return Registry({**installed, **BUILT_IN})
