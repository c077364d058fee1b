"""LLaMA-Factory's verdict on each row: kept, cut, without loss, dropped, or the end of the run."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from datakit.preflight.llamafactory.convert import (
    Aligned,
    DroppedError,
    Said,
    StoppedError,
    align,
)
from datakit.preflight.llamafactory.dataset import DatasetInfo
from datakit.preflight.llamafactory.lengths import Kept, cut_responses, cut_turns
from datakit.preflight.llamafactory.template import (
    ONE_TOKEN,
    Piece,
    load_template,
    with_default_system,
)
from datakit.preflight.verdict import Verdict
from datakit.tokens.tokenizer import Opened, Tokenizer


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """The trainer's own settings, by its names; `cutoff` is `cutoff_len`."""

    template: str
    cutoff: int = 2048
    packing: bool | None = None
    mask_history: bool = False
    train_on_prompt: bool = False
    enable_thinking: bool = True
    default_system: str | None = None


@dataclass(frozen=True, slots=True)
class _Job:
    """A row on its way: what it says, and where its pieces lie among those of the batch."""

    aligned: Aligned
    conversations: tuple[tuple[Said, ...], ...]
    note: str = ""


class LlamaFactory:
    """Judges rows of one data set as LLaMA-Factory 0.9.5 would load them."""

    def __init__(self, info: DatasetInfo, options: Options, opened: Opened) -> None:
        template = with_default_system(load_template(options.template), options.default_system)
        has_bos = "bos_token" in opened.special_tokens
        self._template = replace(template, has_bos=has_bos)
        self._info, self._options = info, options
        # The trainer makes one token of each of these, adding it where the tokenizer has none.
        self._tokenizer = opened.tokenizer.extended(template.stop)
        # With packing, one place of a sequence stays free.
        self._cutoff = options.cutoff - (1 if options.packing else 0)

    @property
    def block(self) -> int:
        """Tokens of the blocks that texts are cut into; 0 where they are not."""
        is_packed = self._info.stage == "pt" and self._options.packing is not False
        return self._cutoff if is_packed else 0

    def missing_columns(self, columns: Collection[str]) -> list[str]:
        """Columns that the trainer asks for and the files do not have: it stops at once."""
        return [name for name in self._info.columns if name not in columns]

    def judge(self, rows: Sequence[Mapping[str, Any]]) -> list[Verdict]:
        """One verdict a row, in order."""
        if self._info.stage == "pt":
            return self._judge_texts(rows)
        verdicts: list[Verdict | None] = []
        pieces = _Pieces(self._tokenizer)
        jobs: list[tuple[int, _Job, list[list[list[int]]]]] = []
        for place, row in enumerate(rows):
            try:
                job = self._prepare(row)
                spots = [pieces.add_all(self._pieces(c, job.aligned)) for c in job.conversations]
            except DroppedError as error:
                verdicts.append(Verdict("dropped", error.reason, error.detail))
            except StoppedError as error:
                verdicts.append(Verdict("stops", error.reason, error.detail))
            else:
                verdicts.append(None)
                jobs.append((place, job, spots))
        pieces.count()
        for place, job, spots in jobs:
            lengths = [[pieces.length(message) for message in each] for each in spots]
            verdicts[place] = self._verdict(job, self._cut(lengths))
        return [verdict for verdict in verdicts if verdict is not None]

    def _prepare(self, row: Mapping[str, Any]) -> _Job:
        aligned = align(row, self._info)
        answers = aligned.responses
        stage = self._info.stage
        if len(aligned.prompt) % 2 != 1:
            if stage == "kto":
                raise StoppedError("no_messages", "its answer is wanted for the next row")
            raise DroppedError("no_messages", "there is no question and answer in it")
        if stage == "sft":
            if len(answers) != 1:
                raise DroppedError("no_answer", "its answer is no text")
            return _Job(aligned, ((*aligned.prompt, answers[0]),))
        if len(answers) < 2:
            reason = "no_pair" if stage == "rm" else "no_label"
            wanted = "chosen and rejected" if stage == "rm" else "a true or false label"
            raise DroppedError(reason, f"it lacks {wanted}")
        if stage == "rm":
            return _Job(aligned, tuple((*aligned.prompt, each) for each in answers))
        judged = answers[0] if answers[0].content else answers[1]
        is_flipped = not any(each.content for each in answers)
        note = "an empty answer counts as undesirable" if is_flipped else ""
        return _Job(aligned, ((*aligned.prompt, judged),), note)

    def _pieces(self, said: Sequence[Said], aligned: Aligned) -> list[list[Piece]]:
        if self._template.kind != "reasoning":
            return self._template.pieces(said, aligned)
        return self._thinking_pieces(list(said), aligned)

    def _thinking_pieces(self, said: list[Said], aligned: Aligned) -> list[list[Piece]]:
        """Reasoning templates: earlier thoughts may go, and a thought is put where there is none.

        For one answer at a time (preferences), and where only the last is trained, thoughts of
        earlier answers are taken out.
        """
        template, options = self._template, self._options
        for place in range(1, len(said), 2):
            is_last = place == len(said) - 1
            only_last = options.mask_history or self._info.stage != "sft"
            if (only_last and not is_last) or not options.enable_thinking:
                if not isinstance(said[place].content, str):
                    raise StoppedError("not_a_text", f"message {place + 1} is no text")
                thoughtless = template.without_thought(said[place].content)
                said[place] = replace(said[place], content=thoughtless)
        pieces = template.pieces(said, aligned)
        only_last = options.mask_history or self._info.stage != "sft"
        for place in range(len(said) - 1 if only_last else 1, len(said), 2):
            if not template.has_thought(said[place].content):
                empty = template.thought_text
                if options.enable_thinking:
                    pieces[place].insert(0, empty)
                else:
                    pieces[place - 1].append(empty)
        return pieces

    def _cut(self, lengths: list[list[int]]) -> Kept:
        ends_late = self._template.ends_late
        if self._info.stage == "sft":
            pairs = list(zip(lengths[0][::2], lengths[0][1::2], strict=True))
            last_only = self._options.mask_history
            kept = cut_turns(pairs, self._cutoff, ends_late=ends_late, last_only=last_only)
            return replace(kept, trained=kept.kept) if self._options.train_on_prompt else kept
        end = 1 if ends_late else 0
        answers = [each[-1] + end for each in lengths]
        return cut_responses(sum(lengths[0][:-1]), answers, self._cutoff)

    def _verdict(self, job: _Job, kept: Kept) -> Verdict:
        numbers = {"tokens": kept.tokens, "kept": kept.kept, "trained": kept.trained}
        if not kept.trained:
            return Verdict("masked", "nothing_trained", job.note, **numbers)
        if kept.kept < kept.tokens or kept.whole < kept.answers:
            if kept.lost:
                detail = f"{kept.lost} of {kept.answers} answers are cut off"
                return Verdict("truncated", "answers_lost", detail, **numbers)
            cut = kept.answers - kept.whole
            reason = "answer_cut" if cut else "question_cut"
            detail = f"{cut} of {kept.answers} answers are cut" if cut else ""
            return Verdict("truncated", reason, detail, **numbers)
        if job.note:
            return Verdict("changed", "label_flipped", job.note, **numbers)
        return Verdict("kept", "", "", **numbers)

    def _judge_texts(self, rows: Sequence[Mapping[str, Any]]) -> list[Verdict]:
        is_packed = self._options.packing is not False
        texts = [row.get(self._info.prompt or "") or "" for row in rows]
        if wrong := [place for place, text in enumerate(texts) if not isinstance(text, str)]:
            texts = [text if isinstance(text, str) else "" for text in texts]
        lengths = self._tokenizer.encode(texts).lengths
        verdicts = []
        for place, (text, length) in enumerate(zip(texts, lengths.tolist(), strict=True)):
            tokens = length + 1  # the end token
            kept = tokens if is_packed else min(tokens, self._cutoff)
            numbers = {"tokens": tokens, "kept": kept, "trained": kept}
            if place in wrong:
                verdicts.append(Verdict("stops", "not_a_text", "", **numbers))
            elif not text:
                verdicts.append(Verdict("changed", "empty_text", "only an end token", **numbers))
            elif kept < tokens:
                verdicts.append(Verdict("truncated", "text_cut", "", **numbers))
            else:
                verdicts.append(Verdict("kept", "", "", **numbers))
        return verdicts


class _Pieces:
    """The texts of many rows, tokenised in one call."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._texts: list[str] = []
        self._lengths: list[int] = []

    def add_all(self, messages: Sequence[Sequence[Piece]]) -> list[list[int]]:
        """Where the texts of each message lie; -1 is one token."""
        return [[self._add(piece) for piece in message] for message in messages]

    def _add(self, piece: Piece) -> int:
        if piece is ONE_TOKEN:
            return -1
        self._texts.append(piece)
        return len(self._texts) - 1

    def count(self) -> None:
        """Tokenise what was added."""
        self._lengths = self._tokenizer.encode(self._texts).lengths.tolist()

    def length(self, message: Sequence[int]) -> int:
        """Tokens of a message."""
        return sum(1 if spot < 0 else self._lengths[spot] for spot in message)
