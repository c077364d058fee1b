"""Conversations of a batch, rendered by a chat template."""

import json
from collections.abc import Sequence
from typing import Any

import polars as pl

from datakit.errors import DatakitError
from datakit.records import MESSAGES, Batch
from datakit.tokens.chat_template import (
    ChatTemplate,
    Rendered,
    TemplateRefusalError,
    plain_messages,
)
from datakit.tokens.settings import NAME_ONE, NO_TEMPLATE

TOOLS = "tools"
RefusedOr = Rendered | TemplateRefusalError | None


def render_batch(batch: Batch, template: ChatTemplate | None) -> list[RefusedOr]:
    """Each record's conversation as one string, or why the template refuses it; None for a record
    that has no conversation.

    An answer with `train` false is no trained part.

    Raises:
        DatakitError: there are conversations, and no template.
    """
    if MESSAGES not in batch.columns:
        return [None] * batch.height
    conversations = batch[MESSAGES].to_list()
    if template is None:
        if any(messages is not None for messages in conversations):
            raise DatakitError(f"{NO_TEMPLATE}; {NAME_ONE}")
        return [None] * batch.height
    tools = batch[TOOLS].cast(pl.String).to_list() if TOOLS in batch.columns else None
    return [
        None if messages is None else _render(template, messages, tools[row] if tools else None)
        for row, messages in enumerate(conversations)
    ]


def _render(template: ChatTemplate, messages: Sequence[Any], tools: str | None) -> RefusedOr:
    try:
        plain = plain_messages(messages)
        rendered = template.render(plain, _read_tools(tools))
    except TemplateRefusalError as refusal:
        return refusal
    except (ValueError, AttributeError, TypeError) as error:
        return TemplateRefusalError(f"broken tools or tool calls: {error}")
    learnt = [m.get("train") is not False for m in plain if m["role"] == "assistant"]
    if rendered.trained is None or all(learnt) or len(learnt) != len(rendered.trained):
        return rendered
    spans = zip(rendered.trained, learnt, strict=True)
    return Rendered(rendered.text, tuple(span for span, is_learnt in spans if is_learnt))


def _read_tools(text: str | None) -> Any:
    return (json.loads(text) or None) if text and text.strip() else None
