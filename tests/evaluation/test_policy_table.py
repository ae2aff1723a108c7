"""The table of policies compares what can be compared, and says of everything else that it is not known."""

import math
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleop_studio.evaluation.intervals import holm
from teleop_studio.evaluation.measures import TrialMeasures
from teleop_studio.evaluation.policy_table import PolicyTable, policy_table, under
from teleop_studio.evaluation.run_facts import RunFacts
from teleop_studio.evaluation.table_page import write_table
from teleop_studio.evaluation.table_text import markdown
from teleop_studio.evaluation.trials import TrialResult
from tests.evaluation.test_report import outline

SECONDS = np.array([[1000.0, 100.0, 80.0], [2000.0, 200.0, 160.0], [3000.0, 300.0, 240.0]])


def facts(run: str, **more: object) -> RunFacts:
    said = {"policy": "flow-matching", "title": "Flow matching", "seconds": SECONDS, "best_step": 3000, **more}
    return RunFacts(run, **said)  # type: ignore[arg-type]


def trials(
    run: str, outcomes: str, step: int = 3000, first: int = 1000, k: int = 8, **more: object
) -> list[TrialResult]:
    """One trial a letter: l, r succeed on the left, right; L, R fail there; x fails on neither side."""
    measured = TrialMeasures(step, 10, 1, "left", 0.5, 30.0, (10.0,), (20.0,), k, 10)
    return [
        TrialResult(
            run,
            first + place,
            letter.islower() and letter != "x",
            "" if letter in "lr" else "the bottle fell",
            {"l": "left", "r": "right"}.get(letter.lower(), ""),
            measured=measured,
            **more,  # type: ignore[arg-type]
        )
        for place, letter in enumerate(outcomes)
    ]


def table(*groups: list[TrialResult], **given_facts: RunFacts) -> PolicyTable:
    return policy_table([one for group in groups for one in group], given_facts, baseline="a")


def test_each_run_stands_at_the_checkpoint_that_is_played() -> None:
    found = table(trials("a", "lLRR", 1000), trials("a", "lrlr", 3000), trials("a", "lrlR", 2000), a=facts("a"))
    (row,) = found.rows
    assert (row.step, row.summary.successes, row.trained_s) == (3000, 4, (300.0, 240.0))
    assert [(one.step, one.summary.successes) for one in row.checkpoints] == [(1000, 1), (2000, 3), (3000, 4)]


def test_seconds_to_a_rate_are_those_of_the_first_checkpoint_that_reached_it() -> None:
    few, most = "lrlrlrlrLR", "lrlrlrlrlR"
    found = table(trials("a", few, 1000), trials("a", most, 2000), trials("a", most, 3000), a=facts("a"))
    seconds = found.rows[0].seconds_to
    assert seconds[0.80] == (100.0, 80.0)
    assert seconds[0.90] == (200.0, 160.0)
    assert math.isnan(seconds[0.95][0])
    assert table(trials("a", most), a=facts("a")).rows[0].seconds_to == {}


def test_another_way_of_driving_is_not_mixed_in() -> None:
    """K = 4 of the same weights is another policy."""
    (row,) = table(trials("a", "lrlrl"), trials("a", "LRL", k=4), a=facts("a")).rows
    assert (row.summary.trials, row.summary.successes) == (5, 5)


def test_a_start_that_was_repeated_counts_once_as_it_ended_last() -> None:
    (row,) = table(trials("a", "LRx"), trials("a", "lr"), a=facts("a")).rows
    assert (row.summary.trials, row.summary.successes) == (3, 2)


def test_others_are_compared_with_the_baseline_on_shared_starts_and_corrected() -> None:
    base = trials("a", "lrlrlrlrlrlr")
    worse = trials("b", "xxxxxxxxxxxl")
    same = trials("c", "lrlrlrlrlrlx", first=1001)
    found = table(base, worse, same)
    by_run = {row.facts.run: row for row in found.rows}
    assert found.comparisons == 2
    assert by_run["a"].against is None
    b, c = by_run["b"].against, by_run["c"].against
    assert b is not None
    assert c is not None
    assert (b.only_first, b.only_second, b.shared) == (0, 11, 12)
    assert c.shared == 11
    assert by_run["b"].p_holm == pytest.approx(2 * b.p_value)
    assert by_run["c"].p_holm == 1.0


def test_runs_without_a_shared_start_are_not_compared() -> None:
    found = table(trials("a", "lr"), trials("b", "lr", first=5000))
    assert found.comparisons == 0
    assert math.isnan(found.rows[1].p_holm)


def test_seeds_of_one_recipe_are_listed_and_pooled() -> None:
    found = policy_table(
        [*trials("a", "lrlr"), *trials("other", "xxxx"), *trials("b", "lrLR")],
        {"a": facts("a", recipe="1"), "b": facts("b", recipe="1", seed=1), "other": facts("other", recipe="2")},
    )
    names = [(row.facts.run, row.pooled, row.summary.successes, row.summary.trials) for row in found.rows]
    assert names == [
        ("a", (), 4, 4),
        ("b", (), 2, 4),
        ("flow-matching, 2 seeds", ("a", "b"), 6, 8),
        ("other", (), 0, 4),
    ]
    assert "not independent" in markdown(found)


def test_the_rarer_side_that_was_lost_is_seen() -> None:
    shown = facts("a", left_demonstrations=0.7, right_demonstrations=0.3)
    assert table(trials("a", "llllllllll"), a=shown).rows[0].side_gap == pytest.approx(0.3)
    assert table(trials("a", "lllllllrrrx"), a=shown).rows[0].side_gap == pytest.approx(0.0)
    assert math.isnan(table(trials("a", "xx"), a=shown).rows[0].side_gap)
    assert math.isnan(table(trials("a", "lr")).rows[0].side_gap)


def test_trials_of_another_scene_or_shift_or_in_real_time_stay_apart() -> None:
    made = [
        *trials("a", "l", scene="bottle"),
        *trials("a", "r", scene="fork"),
        *trials("a", "r", scene="bottle", shift="dim"),
        *trials("a", "r", scene="bottle", live=True),
        *trials("a", "l"),
    ]
    assert [one.side for one in under(made, "bottle")] == ["left", "left"]
    assert len(under(made, "bottle", shift="dim")) == len(under(made, "bottle", live=True)) == 1


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_never_makes_a_p_smaller_nor_changes_their_order(p_values: list[float]) -> None:
    corrected = holm(p_values)
    assert all(p <= new <= 1 for p, new in zip(p_values, corrected, strict=True))
    order = np.argsort(p_values, kind="stable")
    assert np.all(np.diff(np.array(corrected)[order]) >= 0)
    assert holm(p_values[:1]) == p_values[:1]


def test_holm_as_in_a_textbook() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


def test_seconds_behind_a_checkpoint_are_read_off_the_curve() -> None:
    run = facts("a")
    assert run.trained_s(1500) == (150.0, 120.0)
    assert run.trained_s(500) == (50.0, 40.0)
    assert math.isnan(run.trained_s(9000)[0])
    assert math.isnan(RunFacts("b").trained_s(10)[0])


def test_the_text_says_what_is_not_known() -> None:
    text = markdown(table([TrialResult("a", 1, True)], [TrialResult("b", 1, False, "box fell")]))
    assert "nan" not in text
    assert "| box fell (1) |" in text
    header, rule, *rows = text.splitlines()[:4]
    assert len({line.count("|") for line in (header, rule, *rows)}) == 1


def test_the_page_carries_everything(tmp_path: Path) -> None:
    evil = "<b>&\"'</b></svg>"
    found = table(
        trials("a", "lrLR", 1000),
        trials("a", "lrlr", 3000),
        trials(evil, "xxxx"),
        a=facts("a", left_demonstrations=0.5, right_demonstrations=0.5, parameters=1_114_277, step_ms=95.0),
    )
    page = write_table(tmp_path / "trials", found, evil, "Scene bottle.")
    said = outline(page)
    assert said.loads == []
    for words in (evil, "4 / 4", "1.11 M", "a while it learns", "240 s (300 s)", "the bottle fell 4", "Scene bottle."):
        assert words in said.text
    assert not re.search(r"https?:|@import|<script|<link", page.read_text(encoding="utf-8"))
    assert (tmp_path / "trials" / "policies.md").read_text(encoding="utf-8").startswith(f"# {evil}")
