"""Conversations as the text of a chat template, for loaders that take nothing but texts."""

from typing import NamedTuple

import polars as pl


class Template(NamedTuple):
    """How a message begins and ends, and what opens the answer."""

    begin: str
    opens: str
    closes: str
    after: str


TEMPLATES = {
    "chatml": Template("", "<|im_start|>{}\n", "<|im_end|>", "\n"),
    "llama3": Template(
        "<|begin_of_text|>", "<|start_header_id|>{}<|end_header_id|>\n\n", "<|eot_id|>", ""
    ),
}
"""ChatML as in Qwen's tokenizer_config.json, Llama 3 as in Meta's model card."""


def render_prompt(messages: pl.Series, template: Template) -> pl.Series:
    """All messages but the last, and the opening of the answer."""
    column = pl.col(messages.name)
    message = pl.element().struct
    said = pl.format(template.opens, message.field("role")) + message.field("content")
    said = said + template.closes + template.after
    before = column.list.head(column.list.len() - 1).list.eval(said).list.join("")
    opening = template.opens.replace("{}", "assistant")
    text = pl.lit(template.begin) + before + opening
    return messages.to_frame().select(text.alias("prompt")).to_series()


def render_answer(messages: pl.Series, template: Template) -> pl.Series:
    """The content of the last message and its end."""
    content = pl.col(messages.name).list.last().struct.field("content")
    return messages.to_frame().select(content + template.closes).to_series()
