"""Chat templates: built-in ones against those of the models, masks, refusals, the sandbox."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datakit.errors import DatakitError
from datakit.tokens.chat_template import (
    BUILT_IN,
    ChatTemplate,
    TemplateRefusalError,
    open_template,
    plain_messages,
    read_template,
)
from datakit.tokens.tokenizer import Opened

PUBLIC = Path(__file__).parent / "public"
TOKENS = {
    "qwen": {},
    "llama3": {"bos_token": "<|begin_of_text|>"},
    "deepseek": {"bos_token": "<｜begin▁of▁sentence｜>"},
}
PUBLISHED = {"qwen": "qwen2_5", "llama3": "llama3", "deepseek": "deepseekv3"}
CALL = {"id": "1", "type": "function", "function": {"name": "f", "arguments": {"城": ["京", 1]}}}
TOOL = {"type": "function", "function": {"name": "f", "description": "述", "parameters": {}}}


def said(*contents: str, system: str | None = None) -> list[dict[str, Any]]:
    roles = ("user", "assistant")
    turns = [{"role": roles[n % 2], "content": text} for n, text in enumerate(contents)]
    return [*([{"role": "system", "content": system}] if system is not None else []), *turns]


def with_calls(*, content: str = "", system: str | None = None) -> list[dict[str, Any]]:
    call = {"role": "assistant", "content": content, "tool_calls": [CALL, CALL]}
    results = [{"role": "tool", "content": text} for text in ("一", "二")]
    return [*said("问", system=system), call, *results, {"role": "assistant", "content": "答"}]


def built_in(name: str) -> ChatTemplate:
    return ChatTemplate(read_template(name), TOKENS.get(name, {}))


def published(name: str) -> ChatTemplate:
    return ChatTemplate((PUBLIC / f"{PUBLISHED[name]}.jinja").read_text("utf-8"), TOKENS[name])


texts = st.text(max_size=12).filter(lambda text: "\ufdd0" not in text and "\ufdd1" not in text)


@pytest.mark.parametrize("name", PUBLISHED)
@given(contents=st.lists(texts, min_size=1, max_size=5), system=st.none() | texts)
@settings(max_examples=30)
def test_conversations_come_out_as_by_the_model_s_own(
    name: str, contents: list[str], system: str | None
) -> None:
    # DeepSeek's own cuts what stands before </think>, as in use, not in training.
    messages = said(*(text.replace("</think>", "") for text in contents), system=system)

    assert built_in(name).render(messages).text == published(name).render(messages).text


@pytest.mark.parametrize("content", ["", "先查"])
@pytest.mark.parametrize("system", [None, "规则"])
def test_tools_come_out_as_by_qwen_s_own(content: str, system: str | None) -> None:
    messages = with_calls(content=content, system=system)

    for tools in (None, [TOOL, TOOL]):
        found = built_in("qwen").render(messages, tools)
        assert found.text == published("qwen").render(messages, tools).text
    assert [part[-10:] for part in found.trained_texts] == ["<|im_end|>"] * 2
    assert found.trained_texts[0].startswith(content or "<tool_call>")


@pytest.mark.parametrize("content", ["", "先查"])
def test_calls_come_out_as_by_deepseek_s_own(content: str) -> None:
    messages = with_calls(content=content)
    found = built_in("deepseek").render(messages)
    # Its own asks for arguments as text.
    text = json.dumps(CALL["function"]["arguments"], ensure_ascii=False)  # type: ignore[index]
    call = {**CALL, "function": {"name": "f", "arguments": text}}
    messages[1]["tool_calls"] = [call, call]

    assert found.text == published("deepseek").render(messages).text


EXPECTED = {
    "chatml": "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nQ<|im_end|>\n"
    "<|im_start|>assistant\nA<|im_end|>\n",
    "mistral": "<s>[INST] S\n\nQ[/INST] A</s>",
    "glm4": "[gMASK]<sop><|system|>\nS<|user|>\nQ<|assistant|>\nA",
}


@pytest.mark.parametrize("name", EXPECTED)
def test_the_other_built_in_forms(name: str) -> None:
    assert built_in(name).render(said("Q", "A", system="S")).text == EXPECTED[name]


TRAINED = {
    "chatml": ["甲<|im_end|>", "乙<|im_end|>"],
    "deepseek": ["甲<｜end▁of▁sentence｜>", "乙<｜end▁of▁sentence｜>"],
    "glm4": ["\n甲", "\n乙"],
    "llama3": ["甲<|eot_id|>", "乙<|eot_id|>"],
    "mistral": [" 甲</s>", " 乙</s>"],
    "qwen": ["甲<|im_end|>", "乙<|im_end|>"],
}


@pytest.mark.parametrize("name", BUILT_IN)
def test_answers_and_their_end_are_trained(name: str) -> None:
    found = built_in(name).render(said("问", "甲", "又问", "乙", system="规则"))

    assert found.trained_texts == TRAINED[name]
    assert "\ufdd0" not in found.text


def test_answers_are_found_in_a_template_that_does_not_mark_them() -> None:
    found = published("qwen").render(said("问", "甲", "又问", "乙"))

    assert found.trained_texts == ["甲<|im_end|>\n", "乙<|im_end|>\n"]


def test_a_template_that_rewrites_earlier_turns_tells_no_answers() -> None:
    source = "{% for m in messages %}{{ m.content if loop.last else '…' }}{% endfor %}"

    assert ChatTemplate(source, {}).render(said("问", "甲", "又问", "乙")).trained is None


def test_a_thought_stands_before_its_answer() -> None:
    messages = plain_messages([{"role": "assistant", "content": "答", "reasoning": "想"}])

    assert (
        "assistant\n<think>\n想\n</think>\n\n答<|im_end|>"
        in built_in("chatml").render(messages).text
    )
    own = ChatTemplate("{{ messages[0].reasoning_content }}|{{ messages[0].content }}", {})
    assert own.render(messages).text == "想|答"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{{ raise_exception('no tools here') }}", "no tools here"),
        ("{{ messages[0].nothing.more }}", "nothing"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{% set _ = messages.append(1) %}", "unsafe"),
        ("{{ strftime_now('%Y') }}", "strftime_now"),
        ("{{ messages[0].content + 1 }}", "str"),
    ],
)
def test_what_a_template_refuses_or_must_not_do_is_a_refusal(source: str, words: str) -> None:
    with pytest.raises(TemplateRefusalError, match=words):
        ChatTemplate(source, {}).render(said("问"))


def test_built_in_templates_refuse_what_they_have_no_form_for() -> None:
    for name in ("chatml", "glm4", "llama3", "mistral"):
        with pytest.raises(TemplateRefusalError, match="no form for tools"):
            built_in(name).render(with_calls())
    with pytest.raises(TemplateRefusalError, match="must alternate"):
        built_in("mistral").render(said("问") * 2)
    with pytest.raises(TemplateRefusalError, match="no characters"):
        built_in("chatml").render(said("\ufdd0"))


def test_templates_are_found_by_name_and_path(tmp_path: Path) -> None:
    own = tmp_path / "own.jinja"
    own.write_text("{% for m in messages %}{{ m.content }}{% endfor %}")
    opened = Opened(
        tokenizer=None, chat_template="{{ eos_token }}", special_tokens={"eos_token": "E"}
    )  # type: ignore[arg-type]

    by_path, by_tokenizer = open_template(str(own), opened), open_template(None, opened)

    assert by_path is not None
    assert by_path.render(said("问")).text == "问"
    assert by_tokenizer is not None
    assert by_tokenizer.render(said("问")).text == "E"
    assert open_template(None, Opened(tokenizer=None)) is None  # type: ignore[arg-type]
    with pytest.raises(DatakitError, match="did you mean 'qwen'"):
        read_template("qwem")
    with pytest.raises(DatakitError, match="line 2"):
        ChatTemplate("\n{% for %}", {})
