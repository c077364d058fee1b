"""Chat templates: how a conversation becomes the one string a model reads, and which parts of it
are trained.

A template is Jinja, as models bring it along (`chat_template`); it runs in a sandbox with what
`transformers` gives it, but for the date (`strftime_now`), since the same records must give the
same bytes tomorrow. Built in are those of `templates/`, each with its source.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from datakit.errors import DatakitError, did_you_mean
from datakit.tokens.tokenizer import CONFIG, TEMPLATE, Opened, require

BUILT_IN = ("chatml", "deepseek", "glm4", "llama3", "mistral", "qwen")
Message = Mapping[str, Any]
Span = tuple[int, int]


class TemplateRefusalError(Exception):
    """The template cannot hold a conversation: by its own word, or for want of something."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A conversation as one string. `trained`: where the parts that a model learns begin and end
    (characters), one for each assistant message, in order; None where the template does not say
    and it cannot be found out.
    """

    text: str
    trained: tuple[Span, ...] | None

    @property
    def trained_texts(self) -> list[str]:
        """The parts that a model learns."""
        return [self.text[start:stop] for start, stop in self.trained or ()]


class ChatTemplate:
    """A compiled template.

    Raises:
        DatakitError: it is no Jinja template.
    """

    def __init__(self, source: str, special_tokens: Mapping[str, str]) -> None:
        self._template = _compile(source)
        self._tokens = dict(special_tokens)
        self._takes_reasoning = "reasoning_content" in source
        self._marks_answers = re.search(r"\{%-?\s*generation\s*-?%\}", source) is not None

    def render(self, messages: Sequence[Message], tools: Any = None) -> Rendered:
        """The conversation as a model reads it in training: whole, without an opening for a next
        answer. What an answer's `reasoning_content` holds stands before it as `<think>`, if the
        template does not say otherwise.

        Raises:
            TemplateRefusalError: the template cannot hold it.
        """
        if not self._takes_reasoning:
            messages = [_with_thought(message) for message in messages]
        if self._marks_answers:
            return _unmark(self._text(_unmarked(messages), tools))
        whole = self._text(messages, tools)
        try:
            spans = list(self._spans(messages, tools, whole))
        except TemplateRefusalError:
            return Rendered(whole, None)
        is_found = all(span is not None for span in spans)
        return Rendered(whole, tuple(s for s in spans if s) if is_found else None)

    def _spans(self, messages: Sequence[Message], tools: Any, whole: str) -> Iterator[Span | None]:
        """By rendering the beginnings: what an answer adds to what stands before it."""
        for place, message in enumerate(messages):
            if message["role"] == "assistant":
                before = self._text(messages[:place], tools, opened=True) if place else ""
                after = self._text(messages[: place + 1], tools)
                fits = whole.startswith(after) and after.startswith(before)
                yield (len(before), len(after)) if fits else None

    def _text(self, messages: Sequence[Message], tools: Any, *, opened: bool = False) -> str:
        from jinja2 import TemplateError

        names = {"messages": messages, "tools": tools, "add_generation_prompt": opened}
        try:
            return str(self._template.render(**names, **self._tokens))
        except (TemplateError, TypeError, AttributeError, KeyError, ValueError) as error:
            raise TemplateRefusalError(str(error)) from error


def open_template(name: str | None, opened: Opened) -> ChatTemplate | None:
    """A built-in template, one from a file, or (None) the tokenizer's own; None if it has none.

    Raises:
        DatakitError: there is no such template.
        MissingExtraError: Jinja is not installed.
    """
    source = opened.chat_template if name is None else read_template(name)
    if source is None:
        return None
    require("jinja2", "a chat template")
    return ChatTemplate(source, opened.special_tokens)


def read_template(name: str) -> str:
    """The Jinja text of a built-in template or of a file.

    Raises:
        DatakitError: there is no such template.
    """
    if name in BUILT_IN:
        return (files("datakit.tokens") / "templates" / f"{name}.jinja").read_text("utf-8")
    if Path(name).is_file():
        return Path(name).read_text("utf-8")
    hint = did_you_mean(name, BUILT_IN)
    raise DatakitError(f"no chat template {name!r}, neither built in nor a file; {hint}")


def template_files(name: str | None, tokenizer: Path) -> tuple[Path, ...]:
    """The files that `open_template` reads for a tokenizer's file; none for a built-in template."""
    beside = [tokenizer.parent / CONFIG, tokenizer.parent / TEMPLATE]
    named = [] if name is None or name in BUILT_IN else [Path(name)]
    return tuple(path for path in [*beside, *named] if path.is_file())


def plain_messages(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Messages of a record as templates expect them: without nulls, tool calls and their
    arguments as objects, content a string.
    """
    return [_plain(message) for message in messages]


def _plain(message: Mapping[str, Any]) -> dict[str, Any]:
    plain = {key: value for key, value in message.items() if value is not None}
    plain["content"] = plain.get("content", "")
    if reasoning := plain.pop("reasoning", None):
        plain["reasoning_content"] = reasoning
    if calls := plain.pop("tool_calls", None):
        plain["tool_calls"] = [_plain_call(call) for call in json.loads(calls)]
    return plain


def _plain_call(call: dict[str, Any]) -> dict[str, Any]:
    function = dict(call.get("function") or {})
    arguments = function.get("arguments")
    if isinstance(arguments, str):
        try:
            function["arguments"] = json.loads(arguments)
        except ValueError:
            function["arguments"] = arguments
    return {**call, "function": function}


def _with_thought(message: Message) -> Message:
    if not (thought := message.get("reasoning_content")):
        return message
    return {**message, "content": f"<think>\n{thought}\n</think>\n\n{message['content']}"}


def _unmarked(messages: Sequence[Message]) -> Sequence[Message]:
    if _holds_mark(messages):
        raise TemplateRefusalError("a message holds U+FDD0 or U+FDD1, which are no characters")
    return messages


def _holds_mark(value: Any) -> bool:
    from datakit.tokens.generation import MARKS

    if isinstance(value, str):
        return MARKS[0] in value or MARKS[1] in value
    if isinstance(value, Mapping):
        return any(map(_holds_mark, value.values()))
    return isinstance(value, Sequence) and any(map(_holds_mark, value))


def _unmark(marked: str) -> Rendered:
    from datakit.tokens.generation import MARKS

    pieces, spans, length = [], [], 0
    head, *rest = marked.split(MARKS[0])
    pieces.append(head)
    length += len(head)
    for piece in rest:
        trained, _, after = piece.partition(MARKS[1])
        spans.append((length, length + len(trained)))
        pieces += [trained, after]
        length += len(trained) + len(after)
    return Rendered("".join(pieces), tuple(spans))


@lru_cache(maxsize=16)
def _compile(source: str) -> Any:
    from jinja2 import TemplateSyntaxError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    from datakit.tokens.generation import Generation

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=[Generation, "jinja2.ext.loopcontrols"],
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _refuse
    try:
        return environment.from_string(source)
    except TemplateSyntaxError as error:
        raise DatakitError(f"the chat template, line {error.lineno}: {error.message}") from error


def _to_json(value: Any, ensure_ascii: bool = False, indent: int | None = None) -> str:
    # As `transformers` has it; Jinja's own would escape for HTML.
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent)


def _refuse(message: str) -> None:
    raise TemplateRefusalError(message)
