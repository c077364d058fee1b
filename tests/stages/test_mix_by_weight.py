"""mix.by_weight: copies near the weights, the same however the input is cut."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datakit.errors import DatakitError, SettingsError
from datakit.stages.mix.by_weight import WeightMix
from datakit.testing import run_stage


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.none() | st.floats(0, 4), min_size=1, max_size=30),
    st.integers(1, 30),
)
def test_copies_are_the_weight_rounded_down_or_up(
    weights: list[float | None], batch_rows: int
) -> None:
    rows = [{"id": f"r{n}", "weight": weight} for n, weight in enumerate(weights)]

    outcome = run_stage(WeightMix(), rows, batch_rows=batch_rows)

    copies = Counter(row["id"].split("#")[0] for row in outcome.rows)
    for row in rows:
        weight = 1.0 if row["weight"] is None else row["weight"]
        assert abs(copies[row["id"]] - weight) < 1
    assert len({row["id"] for row in outcome.rows}) == len(outcome.rows)
    assert all(row["weight"] == 1.0 for row in outcome.rows)
    [verdict] = outcome.verdict
    assert (verdict["records"], verdict["achieved"]) == (len(rows), len(outcome.rows))
    assert verdict["rejected"] == len(outcome.rejects)


def test_many_small_weights_come_to_their_sum() -> None:
    rows = [{"id": f"r{n}", "weight": 0.25} for n in range(2000)]

    one, again, other = (run_stage(WeightMix(seed=seed), rows) for seed in (1, 1, 2))

    assert one.verdict[0]["weight"] == 500
    assert abs(len(one.rows) - 500) < 80
    assert one.rows == again.rows != other.rows
    assert set(one.reasons) == {"weighed_out"}


@pytest.mark.parametrize("weight", [-0.5, 10.5, float("nan"), float("inf")])
def test_weights_out_of_bounds_are_errors(weight: float) -> None:
    with pytest.raises(DatakitError, match="not 0 to max_copies = 10"):
        run_stage(WeightMix(), [{"weight": weight}])


def test_settings_that_cannot_be() -> None:
    with pytest.raises(SettingsError, match="max_copies"):
        WeightMix(max_copies=0)
