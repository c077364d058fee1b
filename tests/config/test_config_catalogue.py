import re
import tomllib
from pathlib import Path
from typing import Any, Literal

import pytest
from mutations import SAMPLE
from own_stages import Everything, Plain, Unresolved

from datakit.config.catalogue import (
    FAMILIES,
    describe_stage,
    first_sentence,
    list_stages,
    markdown_table,
)
from datakit.config.formats import LAYOUTS, READERS, SINKS
from datakit.config.schema import pipeline_schema, type_schema
from datakit.config.settings import Setting, setting_types, settings_table
from datakit.errors import UsageError
from datakit.registry import BUILT_IN, Registry, stages

PIPELINES = Path(__file__).parents[2] / "pipelines"


def test_settings_are_told_in_words_with_defaults_as_toml():
    table = {setting.name: setting for setting in settings_table(Everything)}

    assert list(table)[:2] == ["count", "share"]
    assert table["count"] == Setting("count", "a whole number", "", is_required=True)
    assert table["share"] == Setting("share", "a number", "0.5", is_required=False)
    assert table["mode"].type == '"first" or "longest"'
    assert table["names"] == Setting("names", "a list of strings", "[]", is_required=False)
    assert table["cap"].type == "a number or a table of numbers"
    assert table["model"] == Setting("model", "a path", "", is_required=False)
    assert table["priority"].default == "[]"


@pytest.mark.parametrize("cls", [Plain, Unresolved])
def test_a_class_without_known_settings_says_so(cls):
    with pytest.raises(TypeError, match=cls.__name__):
        setting_types(cls)


def test_every_stage_is_listed_by_family_with_its_first_sentence():
    entries = list_stages()

    assert {entry.name for entry in entries} >= set(BUILT_IN)
    places = [FAMILIES.index(entry.name.partition(".")[0]) for entry in entries]
    assert places == sorted(places)
    for entry in entries:
        assert entry.line.endswith("."), entry
        assert "\n" not in entry.line


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_stage_is_described_with_all_its_settings(name):
    text = describe_stage(name)

    assert text.startswith(f"{name}\n\n")
    for setting in settings_table(stages()[name]):
        if setting.name != "name":
            assert re.search(rf"^  {setting.name}  ", text, re.M), setting


def test_the_name_of_a_source_and_the_seed_are_shown_as_the_pipelines():
    assert not re.search(r"^  name ", describe_stage("ingest.jsonl"), re.M)
    assert re.search(
        r"^  seed +a whole number +the pipeline's$", describe_stage("mix.weighted"), re.M
    )
    assert re.search(r"^  path +.* +required$", describe_stage("ingest.jsonl"), re.M)


@pytest.mark.parametrize("name", [name for name in BUILT_IN if name.startswith("ingest.")])
def test_readers_show_what_they_can_do_with_malformed_input(name):
    types = {setting.name: setting.type for setting in settings_table(stages()[name])}

    assert types["on_malformed"] == '"reject" or "fail"'
    assert types.get("encoding_errors", '"reject" or "replace"') == '"reject" or "replace"'


def test_an_unknown_stage_gets_a_suggestion():
    with pytest.raises(UsageError, match=r"did you mean 'filter.length'"):
        describe_stage("filter.lenght")


def test_a_stage_that_cannot_be_imported_is_listed_with_the_reason(monkeypatch):
    broken = Registry({"filter.gone": "no_such_module:X"})
    monkeypatch.setattr("datakit.config.catalogue.stages", lambda: broken)

    (entry,) = list_stages()
    assert "cannot be imported" in entry.line


def test_the_markdown_table_has_a_row_for_each_stage_and_no_loose_bar():
    lines = markdown_table().split("\n")

    assert len(lines) == len(list_stages()) + 2
    for line in lines:
        assert len(re.findall(r"(?<!\\)\|", line)) == 4


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("One. Two.", "One."),
        (
            "Read `.gz` files, i.e. packed\nones: all.\n\nMore.",
            "Read `.gz` files, i.e. packed ones: all.",
        ),
        ("No end", "No end"),
        ("", ""),
    ],
)
def test_the_first_sentence_is_cut_at_its_end(text, sentence):
    assert first_sentence(text) == sentence


def test_formats_name_stages_and_layouts_that_there_are():
    assert set(READERS.values()) | set(SINKS.values()) <= set(BUILT_IN)
    layouts = setting_types(stages()["write.jsonl"])["layout"]
    assert set(LAYOUTS) == set(layouts.__args__)


@pytest.mark.parametrize(
    ("hint", "schema"),
    [
        (int | None, {"type": "integer"}),
        (Literal["a", "b"], {"enum": ["a", "b"]}),
        (dict[str, float], {"type": "object", "additionalProperties": {"type": "number"}}),
        (
            str | list[str],
            {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
        ),
        (Any, {}),
    ],
)
def test_a_type_has_its_schema(hint, schema):
    assert type_schema(hint) == schema


KINDS = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: type(value) is int,
    "number": lambda value: type(value) in (int, float),
}


def accepts(value: Any, schema: Any, root: dict[str, Any]) -> bool:
    """The part of JSON Schema that the schema of pipelines uses, by the specification."""
    if isinstance(schema, bool):
        return schema
    kind, pattern = KINDS.get(schema.get("type")), schema.get("pattern")
    checks = [
        kind is None or kind(value),
        value in schema.get("enum", [value]),
        value == schema.get("const", value),
        pattern is None or not isinstance(value, str) or bool(re.search(pattern, value)),
        "anyOf" not in schema or any(accepts(value, each, root) for each in schema["anyOf"]),
    ]
    if "$ref" in schema:
        checks.append(accepts(value, root["definitions"][schema["$ref"].split("/")[-1]], root))
    for each in schema.get("allOf", []):
        is_meant = accepts(value, each["if"], root)
        checks.append(not is_meant or accepts(value, each["then"], root))
    return all([*checks, *_inner_checks(value, schema, root)])


def _inner_checks(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> list[bool]:
    if isinstance(value, list):
        items = [accepts(item, schema.get("items", {}), root) for item in value]
        return [*items, len(value) >= schema.get("minItems", 0)]
    if not isinstance(value, dict):
        return []
    known, other = schema.get("properties", {}), schema.get("additionalProperties", True)
    found = [accepts(item, known.get(key, other), root) for key, item in value.items()]
    return [*found, *(key in value for key in schema.get("required", []))]


@pytest.mark.parametrize("path", [None, *sorted(PIPELINES.glob("*.toml"))])
def test_the_schema_accepts_pipelines_that_check_accepts(path):
    schema = pipeline_schema()

    assert accepts(tomllib.loads(path.read_text() if path else SAMPLE), schema, schema)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("seed = 42", "sede = 42"),
        ("min_chars = 50", "min_char = 50"),
        ("min_chars = 50", 'min_chars = "50"'),
        ('"filter.length"', '"filter.lenght"'.replace(".", "")),
        ('keep = "longest"', "keep = 3"),
        ('rejects = "full"', 'rejects = "all"'),
        ('unit = "tokens"', 'unit = "token"'),
        ("weights = {", "w = {"),
        ("[output]", "[ouput]"),
        ('format = "text"', 'format = "txt"'),
        ('compression = "zst"', 'compression = "zip"'),
    ],
)
def test_the_schema_refuses_what_check_refuses(old, new):
    schema = pipeline_schema()

    assert old in SAMPLE
    assert not accepts(tomllib.loads(SAMPLE.replace(old, new)), schema, schema)
