"""filter.rules: what is refused before any data is read, and what only the data tells."""

import pytest

from datakit.errors import DatakitError, SettingsError
from datakit.records import CONTENT
from datakit.stages.filter.rules import RulesFilter
from datakit.testing import run_stage


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("n >", "unable to parse"),
        ("frobnicate(n) > 1", "frobnicate"),
        ("SELECT 1", "SELECT"),
        ("n IN (SELECT n FROM t)", "'t'"),
        ("text ~ '['", "unclosed character class"),
        ("n > AVG(n)", "each record by itself"),
        ("n IN (1, MAX(n))", "each record by itself"),
        ("COUNT(*) > 1", "each record by itself"),
        ("ROW_NUMBER() OVER () > 1", "each record by itself"),
        ("LAG(n) OVER (ORDER BY n) > 1", "each record by itself"),
        ("UNNEST(tags) = 'x'", "each record by itself"),
    ],
)
def test_a_wrong_rule_is_refused_with_its_name_and_text(sql: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        RulesFilter(rules={"fine": "n > 1", "wrong": sql})

    assert caught.value.key == "rules"
    assert message in str(caught.value)
    assert repr("wrong") in str(caught.value)
    assert repr(sql) in str(caught.value)


@pytest.mark.parametrize("rules", [{}, {" ": "n > 1"}])
def test_rules_must_be_there_and_have_names(rules: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="rules"):
        RulesFilter(rules=rules)


def test_needs_are_the_columns_the_rules_name() -> None:
    rules = {"a": "content LIKE '%x%' AND n IN (1, 2)", "b": "lang = 'zh'", "c": "true"}

    assert RulesFilter(rules=rules).needs == {CONTENT, "n", "lang"}


@pytest.mark.parametrize("sql", ["n", "CHAR_LENGTH(text)"])
def test_a_rule_that_gives_no_truth_value_is_an_error(sql: str) -> None:
    with pytest.raises(DatakitError, match=r"'odd'.*not true or false"):
        run_stage(RulesFilter(rules={"odd": sql}), [{"text": "a", "n": 1}])


def test_a_rule_that_does_not_fit_its_column_is_an_error_with_its_name() -> None:
    with pytest.raises(DatakitError, match="'odd'"):
        run_stage(RulesFilter(rules={"odd": "n LIKE '%1%'"}), [{"text": "a", "n": 1}])


def test_columns_called_as_the_verdict_are_shown_under_another_name() -> None:
    stage = RulesFilter(rules={"odd": "reason = 'x' AND rule = 'y'"})

    outcome = run_stage(stage, [{"text": "a", "reason": "x", "rule": "z"}])

    assert outcome.reasons == ["odd"]
    assert outcome.rejects[0]["values"]["reason_column"] == "x"
    assert outcome.rejects[0]["values"]["rule_column"] == "z"


def test_verdicts_do_not_depend_on_the_batch() -> None:
    rows = [{"text": str(n), "n": n if n % 3 else None} for n in range(20)]
    stage = RulesFilter(rules={"odd": "n % 2 = 0", "high": "n < 15"})

    together = run_stage(stage, rows)

    assert run_stage(stage, rows, batch_rows=3).rejects == together.rejects
    assert together.reasons.count("high") == 1
