"""torchtune and NeMo: plain conversations."""

from trainer_cases import REJECTED, reasons, shaped
from write_cases import ANSWER, ASK, ONE_TURN, TWO_TURNS, row


def test_torchtune_preferences_are_two_dialogues() -> None:
    (pair,) = shaped("torchtune", [row(ONE_TURN, rejected=REJECTED)], layout="preference")

    assert pair == {"chosen": ONE_TURN, "rejected": [ASK, *REJECTED]}


def test_torchtune_and_nemo_instructions_have_one_turn() -> None:
    rows = [row(ONE_TURN), row(TWO_TURNS), row(TWO_TURNS[1:])]

    for trainer in ("torchtune", "nemo"):
        assert reasons(trainer, rows, layout="instruct") == [None, "has_system", "multi_turn"]
        assert shaped(trainer, rows[:1], layout="instruct") == [
            {"input": ASK["content"], "output": ANSWER["content"]}
        ]
