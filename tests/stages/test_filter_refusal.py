"""filter.refusal: written answers of each kind, answers that must stay, wrong settings."""

from typing import Any

import pytest

from datakit.errors import SettingsError
from datakit.stages.filter.refusal import RefusalFilter, read_rules
from datakit.testing import run_stage

GO = {
    "vendor_name": [
        "我是ChatGPT，很高兴为您服务。",
        "我叫文心一言，是百度研发的。",
        "我是一个由OpenAI训练的大型语言模型。",
        "我的名字是通义千问。",
        "您好，我是由科大讯飞研发的认知智能大模型。",
        "I am ChatGPT, a large language model.",
        "I'm Claude, made by Anthropic.",
        "I am a language model trained by Google.",
        "This assistant was developed by the team at DeepSeek.",
    ],
    "self_identification": [
        "作为一个人工智能语言模型，我没有个人情感。",
        "作为AI助手，我可以给您一些建议。",
        "作为一款智能助理，我的回答仅供参考。",
        "作为AI，我不会感到疲劳。",
        "作为一个大型语言模型，无法品尝食物。",
        "我只是一个人工智能，没有味觉。",
        "As an AI language model, I do not have feelings.",
        "as an AI, I cannot taste food",
        "As a large language model, my answers may be wrong.",
        "I'm just an AI assistant, so please check.",
        "I am an artificial intelligence and have no body.",
    ],
    "knowledge_cutoff": [
        "我的知识截止到2021年9月，之后的事情并不了解。",
        "截至我上次更新，该药尚未上市。",
        "My knowledge cutoff is September 2021.",
        "As of my last update, no vaccine was approved.",
    ],
    "refusal": [
        "抱歉，我无法回答这个问题。",
        "很抱歉，这方面我不能提供帮助。",
        "对不起，我没有权限访问您的病历。",
        "我无法提供此类信息。",
        "这个问题我不便回答。",
        "I'm sorry, but I can't assist with that request.",
        "Sorry, I cannot help you with that.",
        "Unfortunately, I am not able to open links.",
        "I cannot provide medical advice.",
        "I can’t browse the internet.",
    ],
}

STAY = [
    "语言模型是一种对文本的概率分布建模的统计模型。",
    "GPT-4由OpenAI训练，于2023年发布。",
    "作为一个人工智能专业的学生，我认为算法很重要。",
    "作为医生，我建议您尽快就诊。",
    "作为一个模型生物，果蝇被广泛研究。",
    "人工智能作为一门学科始于1956年。",
    "请及时就医，以免延误病情。",
    "建议咨询医生或药师后再服用。",
    "以上内容不能代替医生的诊断。",
    "网络问诊无法进行查体，建议到医院面诊。",
    "抱歉让您久等了，这个药一天三次。",
    "很抱歉听到您不舒服，先量一下体温。",
    "患者无法回答医生的问题，呼之不应。",
    "抱歉，孕妇不能服用此药。",
    "该药的专利截止到2021年。",
    "As an AI researcher, I study language models.",
    "I'm an assistant professor of medicine.",
    "Please consult your doctor before taking aspirin.",
    "I'm sorry to hear that you are ill.",
    "This leaflet is not a substitute for medical advice.",
    "If you can't sleep, talk to your doctor.",
    "Claude Bernard was a physiologist.",
    "Your knowledge of the training data matters.",
]


def reasons(texts: list[str], **settings: Any) -> dict[str, str]:
    rows = [{"messages": [{"role": "assistant", "content": text}]} for text in texts]
    outcome = run_stage(RefusalFilter(**settings), rows)
    return {texts[int(r["id"].split("/")[1]) - 1]: r["reason"] for r in outcome.rejects}


@pytest.mark.parametrize("reason", GO)
def test_answers_go_for_their_reason(reason: str) -> None:
    assert reasons(GO[reason]) == dict.fromkeys(GO[reason], reason)


def test_answers_that_only_look_like_it_stay() -> None:
    assert reasons(STAY) == {}


def test_every_rule_has_examples_and_hints_that_let_them_through() -> None:
    assert {rule.name for rule in read_rules()} == GO.keys()
    for rule in read_rules():
        assert all(any(hint in text for hint in rule.hints) for text in GO[rule.name])


def test_a_refusal_counts_at_the_start_of_an_answer_only() -> None:
    late = "桂枝汤主治风寒表虚证。" * 12 + "抱歉，我无法回答这个问题。"

    assert reasons([late]) == {}


def test_advice_beside_a_refusal_does_not_save_it() -> None:
    text = "抱歉，我无法回答这个问题，建议咨询医生。"

    assert reasons([text]) == {text: "refusal"}


def test_chosen_rules_alone_are_looked_for() -> None:
    texts = [texts[0] for texts in GO.values()]

    assert set(reasons(texts, rules=("refusal",)).values()) == {"refusal"}


def test_records_without_content_stay() -> None:
    rows: list[dict[str, Any]] = [{"text": None}, {"messages": []}, {"messages": None}]

    assert len(run_stage(RefusalFilter(), rows).rows) == 3


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"roles": ("bot",)}, "roles"),
        ({"roles": ()}, "roles"),
        ({"rules": ("refusals",)}, "rules"),
        ({"rules": ()}, "rules"),
        ({"extra": {"mine": ("(",)}}, "extra"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        RefusalFilter(**settings)

    assert caught.value.key == key


def test_of_a_wrong_pattern_it_is_said_what_is_wrong() -> None:
    with pytest.raises(SettingsError, match=r"mine: .* unclosed group"):
        RefusalFilter(extra={"mine": ("(",)})
