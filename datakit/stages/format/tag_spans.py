"""Tags of sequences: tokens with their tags, and the spans that tags mark."""

import re
from collections.abc import Sequence

import orjson

OUTSIDE = "O"
TAG = re.compile(r"([BIMESLU])[-_](.+)", re.IGNORECASE)
# A script whose words are written without blanks between.
UNSPACED = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]")


def read_pairs(*values: str | None) -> tuple[list[str], list[str]]:
    """Tokens and tags: of lines with both, or of two lists.

    Raises:
        ValueError: there are not as many of the ones as of the others.
    """
    if len(values) == 1:
        rows = [line.split() for line in (values[0] or "").splitlines() if line.strip()]
        if wrong := next((n for n, row in enumerate(rows, 1) if len(row) < 2), None):
            raise ValueError(f"line {wrong} has no tag")
        return [row[0] for row in rows], [row[-1] for row in rows]
    tokens, tags = (_listed(value or "") for value in values)
    if len(tokens) != len(tags):
        raise ValueError(f"{len(tokens)} tokens, {len(tags)} tags")
    return tokens, tags


def _listed(text: str) -> list[str]:
    if not text.lstrip().startswith("["):
        return text.split()
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text.split()
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise ValueError("a list of something else than texts")
    return found


def join_tokens(tokens: Sequence[str]) -> tuple[str, list[int]]:
    """The text of the tokens, and where each begins; no blank beside Han characters and the like,
    nor before a mark of punctuation.
    """
    text, starts = "", []
    for token in tokens:
        spaced = text and not UNSPACED.match(text[-1]) and not UNSPACED.match(token[:1])
        if spaced and not re.match(r"[,.;:!?%)\]}]", token):
            text += " "
        starts.append(len(text))
        text += token
    return text, starts


def spans_of(tags: Sequence[str]) -> list[tuple[str, int, int]]:
    """Type, first and last token of each span. A tag that goes on (`I-`, `M-`, `E-`) with another
    type than before begins a span.

    Raises:
        ValueError: a tag is neither `O` nor a prefix and a type.
    """
    spans: list[tuple[str, int, int]] = []
    is_open = False
    for place, tag in enumerate(tags):
        if tag.upper() == OUTSIDE:
            is_open = False
            continue
        match = TAG.fullmatch(tag)
        if not match:
            raise ValueError(f"no tag: {tag!r}")
        prefix, kind = match.group(1).upper(), match.group(2)
        if is_open and prefix in "IMEL" and spans[-1][0] == kind:
            spans[-1] = (kind, spans[-1][1], place)
        else:
            spans.append((kind, place, place))
        is_open = prefix not in "ESLU"
    return spans
