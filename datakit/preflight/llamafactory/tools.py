"""Tools as LLaMA-Factory writes them: their descriptions in the system text, calls as answers."""

import json
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from datakit.preflight.llamafactory.convert import StoppedError

Call = tuple[str, Any]


def describe_tools(content: Any, form: str, prompts: dict[str, str]) -> str:
    """The text for a row's `tools`, JSON text of a list.

    Raises:
        StoppedError: it is none that the trainer can read.
    """
    try:
        tools = json.loads(content)
        if len(tools) == 0:
            return ""
        if form == "mistral":
            return f"[AVAILABLE_TOOLS] {_dumps([_wrapped(t) for t in tools])}[/AVAILABLE_TOOLS]"
        text, more = _TEXTS[form](tools)
        return prompts[form].format(tool_text=text, **more)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise StoppedError("broken_tools", f"{type(error).__name__}: {error}") from error


def write_calls(content: Any, form: str) -> str:
    """An answer that calls tools: JSON text of `{"name", "arguments"}` or of a list of such.

    Raises:
        StoppedError: it is none that the trainer can read.
    """
    try:
        read = json.loads(content)
        calls = [(c["name"], c["arguments"]) for c in (read if isinstance(read, list) else [read])]
        return _CALLS[form](calls)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        raise StoppedError("broken_tool_call", f"{type(error).__name__}: {error}") from error


def _dumps(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _wrapped(tool: Any) -> Any:
    return tool if tool.get("type") == "function" else {"type": "function", "function": tool}


def _bare(tool: Any) -> Any:
    return tool.get("function", "") if tool.get("type") == "function" else tool


def _default_text(tools: Sequence[Any]) -> tuple[str, dict[str, str]]:
    text, names = "", []
    for tool in map(_bare, tools):
        given = tool["parameters"]
        wanted = given.get("required", [])
        arguments = "".join(
            _argument(name, each, is_required=name in wanted)
            for name, each in given["properties"].items()
        )
        about = tool.get("description", "")
        text += f"> Tool Name: {tool['name']}\nTool Description: {about}\nTool Args:\n{arguments}\n"
        names.append(tool["name"])
    return text, {"tool_names": ", ".join(names)}


def _argument(name: str, about: Any, *, is_required: bool) -> str:
    kind = f"{about.get('type', '')}{', required' if is_required else ''}"
    text = f"  - {name} ({kind}): {about.get('description', '')}"
    if about.get("enum"):
        text += f", should be one of [{', '.join(about['enum'])}]"
    if about.get("items"):
        text += f", where each item should be {about['items'].get('type', '')}"
    return text + "\n"


def _glm4_text(tools: Sequence[Any]) -> tuple[str, dict[str, str]]:
    closing = "在调用上述函数时，请使用 Json 格式表示调用的参数。"
    bare = [_bare(tool) for tool in tools]
    return "".join(f"\n\n## {t['name']}\n\n{_dumps(t, 4)}\n{closing}" for t in bare), {}


def _llama3_text(tools: Sequence[Any]) -> tuple[str, dict[str, str]]:
    # The trainer writes the day on which it runs.
    today = date.today().strftime("%d %b %Y")
    return "".join(_dumps(_wrapped(t), 4) + "\n\n" for t in tools), {"date": today}


def _lines_text(tools: Sequence[Any]) -> tuple[str, dict[str, str]]:
    return "".join("\n" + _dumps(_wrapped(tool)) for tool in tools), {}


_TEXTS: dict[str, Callable[[Sequence[Any]], tuple[str, dict[str, str]]]] = {
    "default": _default_text,
    "glm4": _glm4_text,
    "glm4_moe": _lines_text,
    "llama3": _llama3_text,
    "qwen": _lines_text,
}


def _default_calls(calls: Sequence[Call]) -> str:
    return "\n".join(f"Action: {name}\nAction Input: {_dumps(given)}" for name, given in calls)


def _glm4_calls(calls: Sequence[Call]) -> str:
    if len(calls) > 1:
        raise ValueError("GLM-4 takes one call at a time")
    return f"{calls[0][0]}\n{_dumps(calls[0][1])}"


def _glm4_moe_calls(calls: Sequence[Call]) -> str:
    # Added together, so that a name that is no text stops it, as it stops the trainer.
    return "\n".join("\n<tool_call>" + name + _pairs(given) for name, given in calls)


def _pairs(given: Any) -> str:
    return "".join(
        f"\n<arg_key>{key}</arg_key>"
        f"\n<arg_value>{value if isinstance(value, str) else _dumps(value)}</arg_value>"
        for key, value in given.items()
    )


def _llama3_calls(calls: Sequence[Call]) -> str:
    objects = [{"name": name, "parameters": given} for name, given in calls]
    return _dumps(objects[0] if len(objects) == 1 else objects)


def _mistral_calls(calls: Sequence[Call]) -> str:
    return _dumps([{"name": name, "arguments": given} for name, given in calls])


def _qwen_calls(calls: Sequence[Call]) -> str:
    objects = [_dumps({"name": name, "arguments": given}) for name, given in calls]
    return "\n".join(f"<tool_call>\n{each}\n</tool_call>" for each in objects)


_CALLS: dict[str, Callable[[Sequence[Call]], str]] = {
    "default": _default_calls,
    "glm4": _glm4_calls,
    "glm4_moe": _glm4_moe_calls,
    "llama3": _llama3_calls,
    "mistral": _mistral_calls,
    "qwen": _qwen_calls,
}
