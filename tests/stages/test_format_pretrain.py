"""Pretraining text: columns and settings."""

from typing import Any

import pytest

from datakit.errors import SettingsError
from datakit.stages.format.pretrain import PretrainFormat
from datakit.testing import make_batch

TURN = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]


def test_documents_and_conversations_get_the_same_columns() -> None:
    stage = PretrainFormat(title="title")
    rows: list[dict[str, Any]] = [
        {"text": "a", "title": "t"},
        {"messages": TURN, "title": "t"},
        {"text": None, "title": "t", "messages": None},
    ]
    schemas = [stage.map(make_batch([row])).schema for row in rows]

    assert all(set(schema) == set(schemas[0]) for schema in schemas)
    assert "messages" not in schemas[1]
    assert "title" not in schemas[1]


def test_an_empty_batch_passes() -> None:
    batch = make_batch([{"text": "a", "messages": TURN}]).clear()

    assert PretrainFormat(eos="</s>").map(batch).height == 0


def test_needs_and_drops_follow_the_settings() -> None:
    assert PretrainFormat().needs == {"text|messages"}
    assert PretrainFormat(title="t").needs == {"text|messages", "t"}
    assert PretrainFormat(title="t").drops == {"messages", "t"}


@pytest.mark.parametrize("template", ["{title}", "{text} {author}", "{text"])
def test_wrong_templates_are_refused(template: str) -> None:
    with pytest.raises(SettingsError) as error:
        PretrainFormat(title="t", title_template=template)

    assert error.value.key == "title_template"
