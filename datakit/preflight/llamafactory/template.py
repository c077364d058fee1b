"""How LLaMA-Factory makes tokens of a conversation: piece by piece, each text by itself.

What `template.py` and `formatter.py` do. A message becomes pieces; a piece is a text, tokenised
apart from its neighbours, or one token.
"""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from datakit.errors import UsageError, did_you_mean
from datakit.preflight.llamafactory.convert import (
    ASSISTANT,
    FUNCTION,
    OBSERVATION,
    USER,
    Aligned,
    Said,
    StoppedError,
)
from datakit.preflight.llamafactory.tools import describe_tools, write_calls

CALL_WORDS = ("<tool_call>", "</tool_call>")
ONE_TOKEN = None
Piece = str | None
"""A text to be tokenised by itself, or one token (`ONE_TOKEN`)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Template:
    """One of LLaMA-Factory's templates; the fields are those of `templates.toml`."""

    name: str
    user: tuple[str, ...]
    assistant: tuple[str, ...]
    system: tuple[str, ...]
    function: tuple[str, ...]
    observation: tuple[str, ...]
    prefix: tuple[str, ...]
    tools: str
    default_system: str
    stop: tuple[str, ...]
    replaces_eos: bool
    ends_late: bool
    kind: str
    thought: tuple[str, str]
    tool_prompts: dict[str, str]
    has_bos: bool = True

    def pieces(self, said: Sequence[Said], aligned: Aligned) -> list[list[Piece]]:
        """The pieces of each message, of which the first opens the conversation.

        Raises:
            StoppedError: a message is none that the trainer can write.
        """
        return [self._message(place, each, aligned) for place, each in enumerate(said)]

    def _message(self, place: int, said: Said, aligned: Aligned) -> list[Piece]:
        pieces: list[Piece] = []
        system = ""
        if place == 0:
            pieces += self._fill(self.prefix, "")
            text = aligned.system or self.default_system
            if text or aligned.tools:
                system = self._system_text(text, aligned.tools)
                if self.kind != "llama2":
                    pieces += self._fill(self.system, system)
                    system = ""
                else:
                    system = str(self._fill(self.system, system)[0])
        return pieces + self._spoken(said, place, system)

    def _system_text(self, text: Any, tools: Any) -> str:
        described = describe_tools(tools, self.tools, self.tool_prompts) if tools else ""
        if not isinstance(text, str):
            raise StoppedError("not_a_text", "the system text is no text")
        return text + described

    def _spoken(self, said: Said, place: int, system: str) -> list[Piece]:
        content = said.content
        if said.role == FUNCTION:
            return self._fill(self.function, self._calls(content))
        if not isinstance(content, str):
            raise StoppedError("not_a_text", f"message {place + 1} is {content!r}")
        if said.role == USER:
            # A trap of the trainer's: this stands for the number of the turn, wherever it comes.
            # (Its llama2 kind gives no number.)
            turn = None if self.kind == "llama2" else str(place // 2)
            return self._fill(self.user, system + content, turn)
        if said.role == ASSISTANT:
            return self._fill(self.assistant, content)
        if said.role == OBSERVATION:
            return self._fill(self.observation, content)
        raise StoppedError("unknown_role", said.role)

    def _calls(self, content: Any) -> str:
        if not isinstance(content, str):
            raise StoppedError("not_a_text", f"a tool call is {content!r}")
        if self.kind == "llama2":
            return write_calls(content, self.tools)
        if inside := _between(CALL_WORDS, content):
            rest = content.replace(inside[0], "")
            return rest + write_calls(inside[1], self.tools)
        thought = _between(self.thought, content)
        if not thought:
            return write_calls(content, self.tools)
        return thought[0] + write_calls(content.replace(thought[0], ""), self.tools)

    def _fill(self, form: Sequence[str], content: str, turn: str | None = None) -> list[Piece]:
        pieces: list[Piece] = []
        for piece in form:
            if piece.startswith("@"):
                pieces += [] if piece == "@bos" and not self.has_bos else [ONE_TOKEN]
                continue
            text = piece.replace("{{content}}", content, 1)
            pieces.append(text if turn is None else text.replace("{{idx}}", turn, 1))
        return pieces

    def without_thought(self, content: str) -> str:
        """An answer without its thoughts."""
        start, stop = map(re.escape, self.thought)
        return re.sub(f"{start}(.*?){stop}", "", content, flags=re.DOTALL).lstrip("\n")

    @property
    def thought_text(self) -> str:
        """A thought with nothing in it."""
        return "".join(self.thought)

    def has_thought(self, content: str) -> bool:
        """Whether one of the marks of a thought stands in an answer."""
        return any(mark.strip() in content for mark in self.thought)


def load_template(name: str) -> Template:
    """A template by LLaMA-Factory's name for it.

    Raises:
        UsageError: there is none here.
    """
    content = _content()
    if name not in content["template"]:
        hint = did_you_mean(name, content["template"])
        raise UsageError(f"no template {name!r} of LLaMA-Factory's here; {hint}")
    defaults, given = dict(content["defaults"]), content["template"][name]
    late = defaults.pop("assistant_ends_late")
    if given.get("ends_late"):
        defaults["assistant"] = late
    filled = {**defaults, **given}
    filled.setdefault("function", filled["assistant"])
    filled.setdefault("observation", filled["user"])
    plain: dict[str, Any] = {
        key: tuple(v) if isinstance(v, list) else v for key, v in filled.items()
    }
    return Template(name=name, tool_prompts=content["tool_prompts"], **plain)


def with_default_system(template: Template, text: str | None) -> Template:
    """The template with another text where a row has no system text."""
    return template if text is None else replace(template, default_system=text)


@cache
def _content() -> dict[str, Any]:
    folder = files("datakit.preflight.llamafactory")
    return tomllib.loads((folder / "templates.toml").read_text("utf-8"))


def _between(words: tuple[str, str], content: str) -> tuple[str, str] | None:
    found = re.search(f"{re.escape(words[0])}(.*?){re.escape(words[1])}", content, re.DOTALL)
    return (found.group(0), found.group(1)) if found else None
