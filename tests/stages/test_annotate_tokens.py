"""annotate.tokens: the library's counts, roles, refusals, and what its results depend on."""

from pathlib import Path
from typing import Any

import pytest

from datakit.errors import DatakitError, SettingsError
from datakit.executors.digests import digest_of, stage_identity
from datakit.stages.annotate.tokens import TokenCounter
from datakit.stages.write.packed import PackedSink
from datakit.testing import run_stage

CHAT = [
    {"role": "system", "content": "规则"},
    {"role": "user", "content": "患者每日三次?"},
    {"role": "assistant", "content": "the dose"},
    {"role": "user", "content": ""},
    {"role": "assistant", "content": "是"},
]
CALL = [
    {"role": "user", "content": "查"},
    {"role": "assistant", "content": "", "tool_calls": '[{"function": {"name": "f"}}]'},
]


def count(tiny: Path, text: str) -> int:
    from tokenizers import Tokenizer

    return len(Tokenizer.from_file(str(tiny / "tokenizer.json")).encode(text))


def annotated(tiny: Path, row: dict[str, Any], **settings: Any) -> dict[str, Any]:
    (found,) = run_stage(TokenCounter(tokenizer=tiny, **settings), [row]).rows
    return found


@pytest.mark.parametrize("text", ["", "患者每日三次", "the dose </s> of\n\n aspirin 😀"])
def test_a_document_has_the_tokens_that_the_library_gives(tiny: Path, text: str) -> None:
    assert annotated(tiny, {"text": text})["n_tokens"] == count(tiny, text)


def test_a_conversation_is_counted_as_its_template_writes_it(tiny: Path) -> None:
    row = annotated(tiny, {"messages": CHAT}, template="chatml", roles=True)

    whole = "".join(f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in CHAT)
    assert row["n_tokens"] == count(tiny, whole)
    assert row["n_tokens_system"] == count(tiny, "规则")
    assert row["n_tokens_user"] == count(tiny, "患者每日三次?")
    assert row["n_tokens_assistant"] == count(tiny, "the dose") + count(tiny, "是")
    assert row["n_tokens_tool"] == 0
    assert row["n_tokens_trained"] == row["n_tokens_assistant"] + 2


def test_both_kinds_in_one_batch(tiny: Path) -> None:
    rows = [{"text": "the dose"}, {"messages": CHAT}, {"text": None}]

    found = run_stage(TokenCounter(tokenizer=tiny, template="qwen", roles=True), rows).rows

    assert found[0]["n_tokens"] == count(tiny, "the dose")
    assert found[0]["n_tokens_user"] is None
    assert found[0]["n_tokens_trained"] is None
    assert found[1]["n_tokens_trained"] > 0
    assert found[2]["n_tokens"] is None


def test_roles_without_any_conversation_are_null(tiny: Path) -> None:
    row = annotated(tiny, {"text": "the dose"}, roles=True)

    assert row["n_tokens_assistant"] is None
    assert row["n_tokens_trained"] is None


def test_tools_are_counted_with_the_template_that_shows_them(tiny: Path) -> None:
    plain, shown = (
        annotated(tiny, {"messages": CHAT, "tools": tools}, template="qwen")["n_tokens"]
        for tools in ("", '[{"name": "f"}]')
    )

    assert shown > plain + 50


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"messages": CALL}, "no form for tools"),
        ({"messages": [CHAT[1], {**CALL[1], "tool_calls": "{"}]}, "broken tools or tool calls"),
        ({"messages": CHAT, "tools": "[["}, "broken tools or tool calls"),
    ],
)
def test_what_the_template_cannot_hold_is_rejected_with_its_words(
    tiny: Path, row: dict[str, Any], words: str
) -> None:
    stage = TokenCounter(tokenizer=tiny, template="chatml", roles=True)

    outcome = run_stage(stage, [{"text": "a"}, row])

    assert outcome.reasons == ["template_refused"]
    assert words in outcome.rejects[0]["values"]["error"]
    assert len(outcome.rows) == 1


def test_conversations_without_a_template_are_an_error(tiny: Path) -> None:
    with pytest.raises(DatakitError, match=r'name one: template = "qwen"'):
        run_stage(TokenCounter(tokenizer=tiny), [{"messages": CHAT}])


def test_that_there_is_no_template_is_said_before_a_run(tiny: Path) -> None:
    TokenCounter(tokenizer=tiny).check_columns(frozenset({"text"}))
    TokenCounter(tokenizer=tiny, template="qwen").check_columns(frozenset({"messages"}))

    with pytest.raises(SettingsError, match="brings no chat template along") as caught:
        TokenCounter(tokenizer=tiny).check_columns(frozenset({"messages"}))
    assert (caught.value.key, caught.value.hint[:8]) == ("template", "name one")


def test_an_answer_that_is_not_to_be_learnt_is_not_counted_as_trained(tiny: Path) -> None:
    import polars as pl

    from datakit.testing import make_batch
    from datakit.tokens.chat_template import open_template
    from datakit.tokens.conversations import render_batch
    from datakit.tokens.tokenizer import open_tokenizer

    conversation = [{**m, "train": m["content"] == "是"} for m in CHAT]
    batch = make_batch([{"text": None}]).with_columns(pl.Series("messages", [conversation]))

    (found,) = render_batch(batch, open_template("chatml", open_tokenizer(tiny)))

    assert found.trained_texts == ["是<|im_end|>"]  # type: ignore[union-attr]


def test_results_depend_on_the_template_s_text(tiny: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.jinja"
    digests = []
    for source in ("{{ messages[0].content }}", "{{ messages[1].content }}"):
        own.write_text(source)
        digests.append(digest_of(stage_identity(TokenCounter(tokenizer=tiny, template=str(own)))))

    assert digests[0] != digests[1]


@pytest.mark.parametrize(
    ("settings", "key", "message"),
    [
        ({"tokenizer": Path("nowhere")}, "tokenizer", "no tokenizer 'nowhere'"),
        ({"template": "qwem"}, "template", "did you mean 'qwen'"),
    ],
)
def test_what_is_not_there_is_said_before_a_run(
    tiny: Path, settings: dict[str, Any], key: str, message: str
) -> None:
    with pytest.raises(SettingsError, match=message) as caught:
        TokenCounter(**{"tokenizer": tiny, **settings})

    assert caught.value.key == key


@pytest.mark.parametrize(
    ("template", "lacking"),
    [
        ("llama3", "<|eot_id|>, <|start_header_id|>, <|end_header_id|>"),
        ("deepseek", "<｜end▁of▁sentence｜>|<｜User｜>"),
        ("glm4", r"\[gMASK\], <sop>"),
    ],
)
def test_a_template_whose_tokens_the_tokenizer_lacks_is_refused(
    tiny: Path, template: str, lacking: str
) -> None:
    for stage in (TokenCounter, PackedSink):
        with pytest.raises(SettingsError, match=lacking) as caught:
            stage(tokenizer=tiny, template=template)
        assert caught.value.key == "template"
        assert "add the tokens to the tokenizer" in caught.value.hint


@pytest.mark.parametrize("template", ["chatml", "qwen", "mistral"])
def test_a_template_whose_tokens_the_tokenizer_has_is_taken(tiny: Path, template: str) -> None:
    TokenCounter(tokenizer=tiny, template=template)


def test_tokens_that_templates_spell_out_need_not_be_special(tiny: Path, tmp_path: Path) -> None:
    for name, source in (("zephyr", "<|user|>\n{{ messages[0].content }}"), ("own", "<|eot_id|>")):
        (tmp_path / f"{name}.jinja").write_text(source)
    TokenCounter(tokenizer=tiny, template=str(tmp_path / "zephyr.jinja"))

    with pytest.raises(SettingsError, match="eot_id"):
        TokenCounter(tokenizer=tiny, template=str(tmp_path / "own.jinja"))


def test_a_broken_tokenizer_file_is_said_of_the_tokenizer(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")

    with pytest.raises(SettingsError, match="is no tokenizers file") as caught:
        TokenCounter(tokenizer=tmp_path, template="qwen")

    assert caught.value.key == "tokenizer"
