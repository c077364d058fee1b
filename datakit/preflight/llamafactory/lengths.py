"""What is left of a row within LLaMA-Factory's cutoff, and how much of it is trained.

What `processor/*.py` do with the lengths of questions and answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

Pair = tuple[int, int]
"""Tokens of a question (with all that stands before it) and of its answer."""


@dataclass(frozen=True, slots=True)
class Kept:
    """`tokens` in all, `kept` of them, `trained` of those; answers there are, and how many of them
    keep all their tokens (`whole`) or none (`lost`).
    """

    tokens: int
    kept: int
    trained: int
    answers: int
    whole: int
    lost: int


def share_cutoff(source: int, target: int, cutoff: int) -> Pair:
    """How many tokens of a question and of its answer fit into `cutoff`: the longer gives way, and
    where both are longer than half, in proportion (`infer_seqlen`).
    """
    if target * 2 < cutoff:
        most = cutoff
    elif source * 2 < cutoff:
        most = cutoff - source
    else:
        most = int(cutoff * (target / (source + target)))
    kept_target = min(most, target)
    return min(max(cutoff - kept_target, 0), source), kept_target


def cut_turns(
    pairs: Sequence[Pair], cutoff: int, *, ends_late: bool = False, last_only: bool = False
) -> Kept:
    """Turn after turn until the cutoff is reached; what comes later is left out.

    `last_only` (`mask_history`) begins with the last turn and trains no other. `ends_late`: an end
    token after the last answer, and the first token of each question but the first, are trained.
    """
    total = end = 1 if ends_late else 0
    kept = trained = whole = kept_answers = 0
    for turn, (source, target) in enumerate(reversed(pairs) if last_only else pairs):
        if total >= cutoff:
            break
        kept_source, kept_target = share_cutoff(source, target, cutoff - total)
        total += kept_source + kept_target
        kept += kept_source + kept_target
        if ends_late and turn:
            trained += 1
        if not last_only or turn == 0:
            trained += kept_target
        whole += kept_target == target
        kept_answers += kept_target > 0
    tokens = sum(map(sum, pairs)) + end
    return Kept(tokens, kept + end, trained + end, len(pairs), whole, len(pairs) - kept_answers)


def cut_responses(prompt: int, responses: Sequence[int], cutoff: int) -> Kept:
    """A question with the answers to be compared (or the one that is judged), cut together."""
    longest = max(responses)
    kept_prompt, most = share_cutoff(prompt, longest, cutoff)
    kept = [min(each, most) for each in responses]
    whole = sum(k == r for k, r in zip(kept, responses, strict=True))
    lost = sum(not k for k in kept)
    return Kept(prompt + longest, kept_prompt + max(kept), sum(kept), len(kept), whole, lost)
