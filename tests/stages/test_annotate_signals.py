"""annotate.signals: what is refused, and that filter.quality can go on from its columns."""

import pytest

from datakit import signals
from datakit.errors import SettingsError
from datakit.kernels.signals import measure_signals
from datakit.stages.annotate.signals import SignalAnnotator
from datakit.stages.filter.quality import QualityFilter
from datakit.testing import run_stage

ROWS = [{"text": "每日三次，饭后服用。" * n} for n in (1, 3, 20)]


@pytest.mark.parametrize(
    ("settings", "key", "message"),
    [
        ({}, "signals", "no signal"),
        ({"signals": ("wrods",)}, "signals", "did you mean 'words'"),
        ({"preset": "gopher"}, "preset", "gopher-en"),
        ({"signals": ("chars",), "roles": ("bot",)}, "roles", "'bot'"),
    ],
)
def test_a_mistake_is_told_at_its_setting(settings: dict, key: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        SignalAnnotator(**settings)

    assert caught.value.key == key
    assert message in f"{caught.value} {caught.value.hint}"


def test_judging_by_its_columns_is_judging_by_the_text() -> None:
    annotated = run_stage(SignalAnnotator(preset="fineweb2-zh"), ROWS).rows
    reused = run_stage(QualityFilter(preset="fineweb2-zh", reuse=True), annotated)
    measured = run_stage(QualityFilter(preset="fineweb2-zh"), ROWS)

    assert reused.reasons == measured.reasons != []
    assert [reject["values"] for reject in reused.rejects] == [
        reject["values"] for reject in measured.rejects
    ]


def test_neighbours_that_look_at_the_same_texts_share_one_measuring(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    measured: list[int] = []

    def count(data: object, offsets: list[int], *rest: object, **more: object) -> object:
        measured.append(len(offsets) - 1)
        return measure_signals(data, offsets, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(signals, "measure_signals", count)
    rows = [{"text": f"{row['text']}饭前服用"} for row in ROWS]

    annotated = run_stage(SignalAnnotator(signals=("dup_5_grams", "words")), rows).rows
    kept = run_stage(QualityFilter(rules={"long": "words > 20"}), rows).rows
    again = run_stage(SignalAnnotator(signals=("words", "dup_6_grams")), kept).rows
    assert measured == [3]
    assert [row["words"] for row in again] == [row["words"] for row in annotated[1:]]

    run_stage(QualityFilter(rules={"lines": "lines < 9"}), [*kept, {"text": "新"}])
    assert measured == [3, 3]


def test_adds_what_it_says() -> None:
    stage = SignalAnnotator(signals=("chars",), preset=("chinese-c4", "c4-en"))

    rows = run_stage(stage, ROWS).rows

    assert stage.adds == {"chars", "lines", "lorem_ipsum", "curly_brackets", "sentences"}
    assert stage.adds <= rows[0].keys()
