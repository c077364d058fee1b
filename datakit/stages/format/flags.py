"""What a message of the input says beside its content: reasoning, and whether and how much to
learn from it, under the names that trainers and data sets give these.
"""

import math
from typing import Any, NamedTuple

from datakit.stages.format.tool_calls import FaultyConversationError

REASONING = ("reasoning_content", "reasoning", "thinking")
TRAIN = ("train", "loss")
WEIGHT = ("weight", "loss_weight", "loss_scale")
MEDIA = ("images", "videos", "audios", "image", "video", "audio")
"""What a conversation of texts cannot hold."""
SPECIAL = (*REASONING, *TRAIN, *WEIGHT, *MEDIA)
"""Members that are looked at: `train` is axolotl's, `loss` and `loss_scale` ms-swift's, `weight`
OpenAI's and ShareGPT's, `loss_weight` LLaMA-Factory's."""


class Extras(NamedTuple):
    """The last three fields of a message."""

    reasoning: str | None = None
    train: bool | None = None
    weight: float | None = None


NONE = Extras()


def read_extras(number: int, item: dict[str, Any]) -> Extras:
    """What a message holds of `SPECIAL`; media are refused.

    A weight of 0 means not to train, a weight of 1 to train; others are kept as they are.

    Raises:
        FaultyConversationError: `wrong_type`.
    """
    if not any(key in item for key in SPECIAL):
        return NONE
    for key in MEDIA:
        if item.get(key):
            raise FaultyConversationError("wrong_type", message=number, content=key)
    reasoning = _first(item, REASONING)
    train, weight = _first(item, TRAIN), _first(item, WEIGHT)
    if not isinstance(reasoning, str | None):
        raise _wrong(number, "reasoning", reasoning)
    if not isinstance(train, bool | None):
        raise _wrong(number, "train", train)
    if weight is not None:
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not _fits(weight):
            raise _wrong(number, "weight", weight)
        if weight in (0, 1):
            train, weight = (train is not False and bool(weight)), None
    return Extras(reasoning or None, train, None if weight is None else float(weight))


def _first(item: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((item[name] for name in names if item.get(name) is not None), None)


def _fits(weight: float) -> bool:
    return math.isfinite(weight) and weight >= 0


def _wrong(number: int, member: str, value: Any) -> FaultyConversationError:
    return FaultyConversationError("wrong_type", message=number, **{member: type(value).__name__})
