"""Keep benchmarks out of the training data."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Literal, Self

import polars as pl

from datakit.conversations.roles import check_roles
from datakit.errors import DatakitError, SettingsError, did_you_mean
from datakit.records import CONTENT, SOURCE, Batch, Columns, Table, joined_content
from datakit.stage import Source
from datakit.stages.filter.benchmark_files import check_files, find_benchmark_files
from datakit.stages.filter.benchmark_items import PARTS, read_items, read_source_items
from datakit.stages.filter.contamination import BenchmarkIndex, best_hits, build_index
from datakit.stages.filter.recipes import RECIPES, Recipe, Rule

MOST_INDEXES = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class DecontaminationFilter:
    """Reject records that hold an item of a benchmark.

    `benchmarks` names each benchmark and where it lies: a file, a directory or a pattern of
    JSONL, JSON, CSV, TSV, Parquet or plain text (a line is an item), also `.gz` or `.zst`.
    Question, options and answer are found by the usual names of fields; others are told in
    `fields`, for a CSV file without a header by number:

        [stage.benchmarks]
        gsm8k = "benchmarks/gsm8k/test.jsonl"
        mmlu = "benchmarks/mmlu/*_test.csv"
        [stage.fields]
        mmlu = { question = "1", options = ["2", "3", "4", "5"] }

    `sources` names sources of the pipeline that are benchmarks as well, their records as the maps
    in front of this stage leave them (`format`, `clean`): a document is a question, of a
    conversation what the user says is the question and what the assistant says the answer. Their
    own records go when they come to this stage (reason `benchmark`).

    Compared are words, or characters for scripts without spaces; case, width, accents,
    punctuation and white space do not count. Conversations are judged over all their messages
    (`roles`: only over those of these roles). `recipe` says when an item counts as found:

    - `"by-script"`: `tulu3-8` for items in words, `char-13-coverage` for items in characters,
      each for the question alone and with its options; n-grams that more than 10 items have
      are wording of the benchmark and do not count.
    - `"tulu3-8"`: 8-grams of words that stand in the record cover 50 % of the question's words
      (Tulu 3, arXiv 2411.15124).
    - `"gpt3-13"`: any 13-gram of words of question, options and answer (GPT-3, arXiv 2005.14165;
      there the record is cut around the match, and n-grams frequent in the data do not count:
      here the record goes, and n-grams of more than 10 items do not count).
    - `"palm-8-70"`: 70 % of the 8-grams of words (PaLM, arXiv 2204.02311).
    - `"char-13-coverage"`: half of the 13-grams of characters of question and options.
      `"char-8-70"` finds more (70 % of the 8-grams), `"char-20-any"` is the surest.

    A Chinese character is a word in recipes of words, which as published do not see Chinese.
    `ngram_size`, `min_coverage` (0 to 1; 0: one n-gram is enough), `measure` (coverage of
    `"units"` or of `"ngrams"`), `parts` (`["question", "question+options+answer"]`: each passage
    is looked for by itself) and `max_items` change single figures of the recipe.

    A question shorter than an n-gram must be found whole, and one of its options, or without
    options its answer, shortly behind it; so must a question of nothing but the benchmark's
    wording. Items without either, and questions of less than 4 units, are not looked for; a
    benchmark of which nothing can be looked for is an error.

    `action = "tag"` rejects nothing and adds `contaminated_by` (benchmark), `contaminated_item`
    and `contamination` (coverage), null where nothing was found; the report counts the benchmarks
    by source.

    Memory is 100 bytes or so an n-gram of the benchmarks, in each process. The content of the
    files is part of what decides the results: a changed benchmark is looked for anew.

    Reasons: `contaminated:<benchmark>`, `benchmark`. Values: item (`<file>:<number>`), part,
    coverage, the text that matched, and all items found.
    """

    needs: ClassVar[Columns] = frozenset({CONTENT})

    benchmarks: Mapping[str, Path] = field(default_factory=dict)
    sources: frozenset[str] = frozenset()
    recipe: str = "by-script"
    fields: Mapping[str, Mapping[str, str | tuple[str, ...]]] = field(default_factory=dict)
    roles: tuple[str, ...] = ()
    ngram_size: int | None = None
    min_coverage: float | None = None
    measure: Literal["units", "ngrams"] | None = None
    parts: tuple[str, ...] | None = None
    max_items: int | None = None
    action: Literal["reject", "tag"] = "reject"
    _bound: Mapping[str, Source] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.benchmarks and not self.sources:
            hint = 'benchmarks = { gsm8k = "benchmarks/gsm8k.jsonl" }'
            raise SettingsError("benchmarks", "names no benchmark", hint)
        for name, path in self.benchmarks.items():
            if "/" in name:
                raise SettingsError("benchmarks", f"the name {name!r} has a slash in it")
            check_files(name, Path(path))
        if both := sorted(frozenset(self.sources) & self.benchmarks.keys()):
            raise SettingsError("sources", f"{both[0]!r} is a benchmark of another path as well")
        if self.recipe not in RECIPES:
            hint = did_you_mean(self.recipe, RECIPES)
            raise SettingsError("recipe", f"unknown recipe {self.recipe!r}", hint)
        check_roles(self.roles)
        _check_fields(self.fields, self.benchmarks)
        self._check_figures()

    def _check_figures(self) -> None:
        if self.ngram_size is not None and self.ngram_size < 2:
            raise SettingsError("ngram_size", f"{self.ngram_size} is less than 2")
        if self.min_coverage is not None and not 0 <= self.min_coverage <= 1:
            raise SettingsError("min_coverage", f"{self.min_coverage} is not between 0 and 1")
        if self.max_items is not None and self.max_items < 0:
            raise SettingsError("max_items", f"{self.max_items} is less than 0 (0: no limit)")
        if self.parts is not None and not self.parts:
            raise SettingsError("parts", "names nothing to look for", f"known: {', '.join(PARTS)}")
        for part in (each for parts in self.parts or () for each in parts.split("+")):
            if part not in PARTS:
                hint = did_you_mean(part, PARTS)
                raise SettingsError("parts", f"unknown part {part!r}", hint)
        if self.action not in ("reject", "tag"):
            raise SettingsError("action", f"{self.action!r} is none of 'reject', 'tag'")

    @property
    def adds(self) -> Columns:
        """The columns of a tag."""
        return frozenset(TAGS if self.action == "tag" else ())

    @property
    def tally(self) -> tuple[str, ...]:
        """What the report counts where nothing is rejected."""
        return ("contaminated_by",) if self.action == "tag" else ()

    @property
    def files(self) -> list[Path]:
        """The benchmarks' files, whose content decides the results."""
        paths = [Path(path) for path in self.benchmarks.values()]
        inputs = [Path(file.path) for source in self._bound.values() for file in source.inputs()]
        return [file for path in paths for file in find_benchmark_files(path)] + inputs

    def bind(self, sources: Mapping[str, Source]) -> Self:
        """The stage with the sources that are benchmarks."""
        return replace(self, _bound={name: sources[name] for name in sorted(self.sources)})

    def reject(self, batch: Batch) -> Table:
        """`reason` with the best covered item and all items found; or the columns of a tag."""
        texts = joined_content(batch, roles=self.roles).fill_null("")
        found = self._index().find(texts)
        rows = pl.DataFrame({"row": range(batch.height)}, {"row": pl.Int64})
        best = rows.join(best_hits(found, texts), on="row", how="left", maintain_order="left")
        none = pl.lit(None, dtype=pl.String)
        if self.action == "tag":
            return best.select(
                none.alias("reason"),
                pl.col("benchmark").alias("contaminated_by"),
                pl.col("item").alias("contaminated_item"),
                pl.col("coverage").alias("contamination"),
            )
        named = pl.concat_str(pl.lit("contaminated:"), "benchmark")
        is_benchmark = batch[SOURCE].is_in(list(self.sources))
        is_found = pl.col("benchmark").is_not_null()
        reason = pl.when(is_benchmark).then(pl.lit("benchmark")).when(is_found).then(named)
        return best.select(reason.alias("reason"), pl.exclude("row"))

    def summarise(self, rejects: Iterable[Table]) -> Table:
        """For the report: each benchmark's items, how many can be looked for and were found, and
        the records that held them; nothing of benchmarks if records are only tagged.
        """
        if self.action == "tag":
            return pl.DataFrame()
        index = self._index()
        found, records = set[str](), Counter[str]()
        for table in rejects:
            table = table.filter(pl.col("reason") != "benchmark")
            values = table["values"].str.json_decode(_SUMMARY_TYPE).struct.unnest()
            for items in values["items"]:
                found.update(items)
                records.update({name.partition("/")[0] for name in items})
        hits = Counter(name.partition("/")[0] for name in found)
        rows = [
            (name, index.counts[name], index.searchable[name], hits[name], records[name])
            for name in self._names
        ]
        return pl.DataFrame(rows, schema=_SUMMARY, orient="row")

    def _rule(self, rule: Rule | None) -> Rule | None:
        """A rule of the recipe with the figures that the settings change."""
        if rule is None:
            return None
        names = ("ngram_size", "min_coverage", "measure", "parts", "max_items")
        own = {name: getattr(self, name) for name in names}
        own["parts"] = tuple(self.parts) if self.parts is not None else None
        return replace(rule, **{name: value for name, value in own.items() if value is not None})

    @property
    def _names(self) -> list[str]:
        return [*self.benchmarks, *sorted(self.sources)]

    def _index(self) -> BenchmarkIndex:
        """The index, built once a process; files that change are read again."""
        marks = [(str(file), file.stat().st_mtime_ns) for file in self.files]
        key = repr((self, marks))
        if key not in _INDEXES:
            while len(_INDEXES) >= MOST_INDEXES:
                del _INDEXES[next(iter(_INDEXES))]
            _INDEXES[key] = self._build()
        return _INDEXES[key]

    def _build(self) -> BenchmarkIndex:
        recipe = RECIPES[self.recipe]
        recipe = Recipe(words=self._rule(recipe.words), chars=self._rule(recipe.chars))
        items = [
            item
            for name, path in self.benchmarks.items()
            for item in read_items(name, Path(path), self.fields.get(name, {}))
        ]
        items += [item for source in self._bound.values() for item in read_source_items(source)]
        index = build_index(items, recipe)
        for name in self._names:
            if not index.counts[name]:
                raise DatakitError(f"filter.decontaminate: benchmark {name!r} has no item in it")
            if not index.searchable[name]:
                raise DatakitError(
                    f"filter.decontaminate: benchmark {name!r} has no item that can be looked for: "
                    "its questions are shorter than an n-gram, and have neither options nor answer"
                )
        return index


TAGS = ("contaminated_by", "contaminated_item", "contamination")
_SUMMARY = ["benchmark", "items", "looked_for", "items_found", "records_rejected"]
_SUMMARY_TYPE = pl.Struct({"items": pl.List(pl.String)})
_INDEXES: dict[str, BenchmarkIndex] = {}


def _check_fields(fields: Mapping[str, Mapping[str, object]], known: Mapping[str, Path]) -> None:
    for name, own in fields.items():
        if name not in known:
            hint = did_you_mean(name, known)
            raise SettingsError("fields", f"there is no benchmark {name!r}", hint)
        for part in own:
            if part not in PARTS:
                raise SettingsError("fields", f"unknown part {part!r}", did_you_mean(part, PARTS))
