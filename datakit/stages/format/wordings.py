"""How an instruction and its input become one prompt."""

from collections.abc import Sequence
from string import Formatter

import polars as pl

from datakit.errors import SettingsError
from datakit.records import hash_strings

ALPACA_WITH_INPUT = (
    "Below is an instruction that describes a task, paired with an input that provides further "
    "context. Write a response that appropriately completes the request.\n\n"
    "### Instruction:\n{instruction}\n\n### Input:\n{input}\n\n### Response:"
)
ALPACA = (
    "Below is an instruction that describes a task. Write a response that appropriately "
    "completes the request.\n\n### Instruction:\n{instruction}\n\n### Response:"
)

WORDINGS = {
    "plain": ("{instruction}\n{input}", "{instruction}"),
    "zh": ("{instruction}\n\n补充信息：{input}", "{instruction}"),
    "en": ("{instruction}\n\nInput: {input}", "{instruction}"),
    "zh_context": (
        "请阅读下面的内容，然后回答问题。\n\n{input}\n\n问题：{instruction}",
        "{instruction}",
    ),
    "en_context": (
        "Read the following text, then answer the question.\n\n{input}\n\nQuestion: {instruction}",
        "{instruction}",
    ),
    "alpaca": (ALPACA_WITH_INPUT, ALPACA),
}
"""Templates for records with an input and for those without. `plain` is LLaMA-Factory's way
(`data/converter.py`), `alpaca` the prompts of tatsu-lab/stanford_alpaca (`train.py`)."""

INSTRUCTION, INPUT = "instruction", "input"


def check_template(template: str, key: str, *, needed: str, allowed: Sequence[str]) -> None:
    """Refuse a template without the placeholder `needed`, or with an unknown one.

    Raises:
        SettingsError: for the setting `key`.
    """
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        hint = "write {{ and }} for braces that are meant as such"
        raise SettingsError(key, f"{template!r} is no template: {error}", hint) from error
    found = [name for _, name, _, _ in parts if name is not None]
    listed = ", ".join("{" + name + "}" for name in allowed)
    for _, name, spec, conversion in parts:
        if name is not None and (name not in allowed or spec or conversion):
            hint = f"placeholders: {listed}; write {{{{ and }}}} for braces that are meant as such"
            raise SettingsError(key, f"unknown placeholder {{{name}}} in {template!r}", hint)
    if needed not in found:
        raise SettingsError(key, f"{template!r} has no {{{needed}}}", f"placeholders: {listed}")


def fill(template: str, values: dict[str, pl.Expr]) -> pl.Expr:
    """A template with its placeholders filled in, as an expression; null where a value is null."""
    parts: list[pl.Expr] = []
    for literal, name, _, _ in Formatter().parse(template):
        if literal:
            parts.append(pl.lit(literal))
        if name is not None:
            parts.append(values[name])
    return pl.concat_str(parts)


def has_placeholder(template: str, name: str) -> bool:
    """Whether a template has a certain placeholder."""
    return any(found == name for _, found, _, _ in Formatter().parse(template))


def word_prompts(
    instruction: pl.Series, given: pl.Series, *, templates: Sequence[str], picks: pl.Series | None
) -> pl.Series:
    """The prompts of records with these instructions and inputs (`""`: none).

    Templates with `{input}` are for records that have one, the others for records that have none;
    where that leaves no template, an input goes on a new line after the instruction. `picks`
    (UInt64) chooses among several.
    """
    both = [t for t in templates if has_placeholder(t, INPUT)]
    alone = [t for t in templates if t not in both]
    frame = pl.DataFrame({INSTRUCTION: instruction, INPUT: given})
    joined = pl.concat_str(INSTRUCTION, INPUT, separator="\n").str.strip_chars_start("\n")
    whole = {INSTRUCTION: joined if not both else pl.col(INSTRUCTION), INPUT: pl.col(INPUT)}
    with_input = _choose(both or alone, whole, picks)
    without = _choose(alone or ["{instruction}"], {INSTRUCTION: pl.col(INSTRUCTION)}, picks)
    prompt = pl.when(pl.col(INPUT) != "").then(with_input).otherwise(without)
    return frame.select(prompt).to_series()


def _choose(
    templates: Sequence[str], values: dict[str, pl.Expr], picks: pl.Series | None
) -> pl.Expr:
    chosen = fill(templates[0], values)
    if picks is None or len(templates) == 1:
        return chosen
    pick = pl.lit(picks % len(templates))
    for number, template in enumerate(templates[1:], 1):
        chosen = pl.when(pick == number).then(fill(template, values)).otherwise(chosen)
    return chosen


def picks_of(ids: pl.Series, *, seed: int) -> pl.Series:
    """A number per record that depends on its id and the seed alone."""
    return hash_strings(ids.cast(pl.String) + " format.instruct", seed=seed)
