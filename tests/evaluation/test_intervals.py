"""Intervals and the paired test against published values and the definition."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from teleop_studio.evaluation.intervals import clopper_pearson, mcnemar_exact


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(10, 10, 0.6915, 1.0), (20, 20, 0.8316, 1.0), (0, 10, 0.0, 0.3085), (96, 100, 0.9007, 0.9890), (0, 0, 0.0, 1.0)],
)
def test_clopper_pearson_gives_the_published_intervals(successes: int, trials: int, low: float, high: float) -> None:
    interval = clopper_pearson(successes, trials)
    assert interval.low == pytest.approx(low, abs=5e-5)
    assert interval.high == pytest.approx(high, abs=5e-5)


@given(st.integers(1, 200), st.data())
def test_at_either_end_of_the_interval_the_count_is_just_not_surprising(trials: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, trials))
    interval = clopper_pearson(successes, trials)
    assert interval.low <= successes / trials <= interval.high
    if successes > 0:
        assert binom.sf(successes - 1, trials, interval.low) == pytest.approx(0.025, rel=1e-6)
    if successes < trials:
        assert binom.cdf(successes, trials, interval.high) == pytest.approx(0.025, rel=1e-6)


def test_more_trials_or_less_confidence_make_it_narrower() -> None:
    width = {n: clopper_pearson(n // 2, n).high - clopper_pearson(n // 2, n).low for n in (10, 100)}
    assert width[100] < width[10]
    assert clopper_pearson(5, 10, 0.5).high < clopper_pearson(5, 10, 0.95).high


@pytest.mark.parametrize(("successes", "trials"), [(-1, 10), (11, 10), (1, 0)])
def test_impossible_counts_are_refused(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match=f"{successes} successes in {trials} trials"):
        clopper_pearson(successes, trials)


def test_a_confidence_outside_0_to_1_is_refused() -> None:
    with pytest.raises(ValueError, match="confidence = 95"):
        clopper_pearson(1, 2, 95)


@pytest.mark.parametrize(
    ("only_first", "only_second", "p"), [(13, 2, 0.0074), (12, 1, 0.0034), (9, 1, 0.0215), (4, 0, 0.125), (2, 2, 1.0)]
)
def test_mcnemar_gives_the_known_p_values(only_first: int, only_second: int, p: float) -> None:
    first = [True] * 20 + [True] * only_first + [False] * only_second + [False] * 3
    second = [True] * 20 + [False] * only_first + [True] * only_second + [False] * 3
    found = mcnemar_exact(first, second)
    assert (found.both, found.only_first, found.only_second, found.neither) == (20, only_first, only_second, 3)
    assert found.p_value == pytest.approx(p, abs=5e-5)
    assert mcnemar_exact(second, first).p_value == found.p_value


def test_runs_that_never_differ_are_not_told_apart() -> None:
    assert mcnemar_exact([True, False], [True, False]).p_value == 1.0
    assert mcnemar_exact([], []).p_value == 1.0


def test_unpaired_outcomes_are_refused() -> None:
    with pytest.raises(ValueError, match="2 and 1 outcomes"):
        mcnemar_exact([True, False], [True])
