"""The names that data sets give to the speakers of a conversation, and the role each stands for."""

import re
from collections.abc import Mapping

from datakit.errors import SettingsError, did_you_mean
from datakit.records import ROLES

FUNCTION_CALL = "function_call"
"""Not a role of a record: a ShareGPT turn that holds the JSON text of an assistant's calls."""

SPEAKERS = {
    "system": ("system", "developer", "系统"),
    "user": (
        *("user", "human", "prompter", "client", "patient", "customer", "question"),
        *("用户", "患者", "病人", "来访者", "求助者", "咨询者", "顾客", "客户", "问", "提问"),
    ),
    "assistant": (
        *("assistant", "gpt", "chatgpt", "bot", "model", "ai", "doctor", "answer"),
        *("counselor", "counsellor", "therapist", "agent"),
        *("助手", "助理", "医生", "大夫", "医师", "心理咨询师", "咨询师", "客服", "答", "回答"),
    ),
    "tool": ("tool", "observation", "function", "tool_response", "function_response"),
    FUNCTION_CALL: ("function_call", "tool_call"),
}

KNOWN = {name: role for role, names in SPEAKERS.items() for name in names}

# At the start of a line these are more often a heading ("Model: X200") than a speaker.
NEVER_A_PREFIX = frozenset({"model", "ai", "agent", "customer", "question", "answer", "developer"})

Names = Mapping[str, str]


def speaker_names(own: Mapping[str, str]) -> dict[str, str]:
    """The known names with a user's own on top, folded for look-up (lower case, no margins)."""
    return KNOWN | {fold(name): role for name, role in own.items()}


def fold(name: str) -> str:
    """A speaker's name as it is looked up."""
    return name.strip().lower()


def prefixes(names: Names) -> list[str]:
    """The names that open an utterance of a plain-text conversation, longest first."""
    spoken = [
        name
        for name, role in names.items()
        if role in ("system", "user", "assistant")
        and not (name in NEVER_A_PREFIX and KNOWN[name] == role)
    ]
    return sorted(spoken, key=lambda name: (-len(name), name))


def prefix_pattern(names: Names) -> str:
    """A regular expression for one of `prefixes` and its colon; group 1 is the name."""
    return f"({'|'.join(re.escape(name) for name in prefixes(names))})" + r"[ \t\u3000]*[:：]"


def check_roles(own: Mapping[str, str]) -> None:
    """Refuse names that stand for no role.

    Raises:
        SettingsError: for the key `roles`.
    """
    allowed = (*ROLES, FUNCTION_CALL)
    for name, role in own.items():
        if not name.strip():
            raise SettingsError("roles", "a speaker's name is empty")
        if role not in allowed:
            hint = did_you_mean(role, allowed)
            raise SettingsError("roles", f"{name!r} stands for {role!r}, which is no role", hint)
